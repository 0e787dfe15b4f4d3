"""Drawing at random, always from a generator that is handed in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Rng = np.random.Generator


def pick(weights: Mapping[Item, float], rng: Rng) -> Item:
    """Return one of the keys, as often as its weight says."""
    shares = np.array(list(weights.values()), float)
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def chance(probability: float, rng: Rng) -> bool:
    """Return whether something that happens this often happens now."""
    return bool(rng.random() < probability)


def between(low: float, high: float, rng: Rng) -> float:
    """Return a number between two, all equally likely."""
    return float(rng.uniform(low, high))


def log_between(low: float, high: float, rng: Rng) -> float:
    """Return a number between two, every ratio equally likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def deck(cards: Sequence[Item], rng: Rng) -> Iterator[Item]:
    """Deal cards for ever: all of them before any comes again."""
    while True:
        for index in rng.permutation(len(cards)):
            yield cards[index]
