"""Late fusion: several models' scores become one by a weighted mean.

How much each model weighs is found on validation scores, four ways: `mean` trusts all
alike, `subsets` is the best of the means of two models or more, `weighted` climbs from
the better of the mean and the best single model, and `greedy` adds one model at a time,
with replacement, to the best. None draws random numbers.

References:
    Amiriparian et al., MediaEval 2019: the mean of CRNN and Deep Spectrum scores.
    Caruana et al., Ensemble Selection from Libraries of Models, ICML 2004.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import MOST_SUBSETTED, Fusion
from tagsmith.core.metrics import Scores, Truth, Values, binary, checked, undefined
from tagsmith.core.ranking import areas
from tagsmith.errors import DataError

SINGLE = "single"  # the method of a candidate that is one model, for comparison only
GROUP = "group"  # of one that is the mean of a group, likewise
STEPS = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)  # how far `weighted` moves a weight
AREAS = ("roc_auc_macro", "pr_auc_macro")  # in the order of `ranking.areas`

Worth = Callable[[Values], float]  # weights (models,) -> the metric on validation


@dataclass(frozen=True)
class Candidate:
    """A way to fuse.

    Attributes:
        name: The method's, or the single model's or the group's.
        method: `mean`, `subsets`, `weighted` or `greedy`; `single` for a model by
            itself, `group` for the mean of a group.
        weights: By model, summing to 1; 0 for a model that is left out.
        value: What the fused scores reach on validation.
    """

    name: str
    method: str
    weights: dict[str, float]
    value: float

    @property
    def members(self) -> int:
        """How many models have a say."""
        return sum(weight > 0 for weight in self.weights.values())


def search(
    truth: Truth,
    scores: Mapping[str, Scores],
    config: Fusion,
    *,
    groups: Mapping[str, Sequence[str]],
) -> list[Candidate]:
    """Try every model by itself, every group and every method.

    Args:
        truth: `(tracks, tags)` booleans of the validation split.
        scores: Each model's `(tracks, tags)` scores, by model name.
        config: The methods, the metric, and the rounds of `greedy`.
        groups: Each group's models, by the group's name.

    Returns:
        The single models in their order, the groups in theirs, then one candidate per
        method in its order.

    Raises:
        DataError: There is nothing to fuse, shapes differ, the metric is undefined, a
            group names no known model, or there are too many models for `subsets`.
    """
    models, stacked = list(scores), _stacked(scores)
    worth = _worth(truth, stacked, config.metric)
    found = [(model, SINGLE, _alike(models, [model])) for model in models]
    found += [
        (name, GROUP, _alike(models, members)) for name, members in groups.items()
    ]
    found += [
        (method, method, _weights(method, worth, len(models), config))
        for method in dict.fromkeys(config.methods)
    ]
    return [
        Candidate(
            name=name,
            method=method,
            weights=dict(zip(models, map(float, weights), strict=True)),
            value=worth(weights),
        )
        for name, method, weights in found
    ]


def best(candidates: list[Candidate]) -> Candidate:
    """Return the fused candidate that is best on validation.

    Of equals, the one with fewer members is taken, then the earlier one. Single models
    and groups are not eligible.

    Raises:
        DataError: No candidate is a fusion.
    """
    fused = [each for each in candidates if each.method not in {SINGLE, GROUP}]
    if not fused:
        raise DataError("no candidate is a fusion; name a method in fusion.methods")
    return max(fused, key=lambda candidate: (candidate.value, -candidate.members))


def fuse(
    scores: Mapping[str, Scores], weights: Mapping[str, float]
) -> NDArray[np.float32]:
    """Average scores by weight.

    Args:
        scores: Each model's `(tracks, tags)` scores, by model name; a model without
            weight may be left out.
        weights: By model, summing to 1.

    Raises:
        DataError: A weighty model has no scores, the weights do not sum to 1, or the
            shapes differ.
    """
    members = {model: weight for model, weight in weights.items() if weight != 0}
    missing = sorted(members.keys() - scores.keys())
    if missing:
        raise DataError(
            f"the fusion weighs {missing}, but only {sorted(scores)} have scores"
        )
    total = sum(members.values())
    if min(members.values(), default=0) < 0 or not np.isclose(total, 1):
        raise DataError(f"weights must be 0 or more and sum to 1, got {dict(weights)}")
    stacked = _stacked({model: scores[model] for model in members})
    return _fused(stacked, list(members.values()))


def mean(scores: list[Scores]) -> Scores:
    """Average score matrices in their own precision, as MediaEval's teams did.

    Args:
        scores: `(tracks, tags)` each.

    Raises:
        DataError: There is nothing to fuse, or the shapes differ.
    """
    _stacked({str(place): each for place, each in enumerate(scores, start=1)})
    average: Scores = np.mean(scores, axis=0)
    return average


def _stacked(scores: Mapping[str, Scores]) -> Values:
    if not scores:
        raise DataError("fusion needs at least one model's scores, got none")
    shapes = {model: np.shape(matrix) for model, matrix in scores.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"models scored different tracks or tags: {shapes}")
    return np.stack([np.asarray(matrix, np.float64) for matrix in scores.values()])


def _fused(stacked: Values, weights: Values | list[float]) -> NDArray[np.float32]:
    return np.tensordot(weights, stacked, axes=1).astype(np.float32)


def _worth(truth: Truth, stacked: Values, metric: str) -> Worth:
    """Return what weights reach with the very numbers that would be written."""
    for scores in stacked:
        checked(truth, scores)
    truth = binary(truth, "truth")
    ranked = ~undefined(truth)
    if not ranked.any():
        raise DataError(f"{metric} needs a tag with positives and negatives; none has")
    truth, stacked = truth[:, ranked], stacked.compress(ranked, axis=2)
    which = AREAS.index(metric)
    return lambda weights: float(areas(truth, _fused(stacked, weights))[which].mean())


def _alike(models: list[str], members: Sequence[str]) -> Values:
    """Weigh members alike and others not at all."""
    strange = sorted({*members} - {*models})
    if strange or not members:
        raise DataError(f"members must be some of {models}, got {list(members)}")
    return np.isin(models, members) / len({*members})


def _weights(method: str, worth: Worth, models: int, config: Fusion) -> Values:
    match method:
        case "mean":
            return np.full(models, 1 / models)
        case "subsets":
            return max(_subsets(models), key=worth)  # of equals, the first
        case "weighted":
            return _climb(worth, models)
        case _:
            return _greedy(worth, models, config.greedy_rounds)


def _subsets(models: int) -> Iterator[Values]:
    """Yield the means of every two models or more, the smallest first."""
    if models > MOST_SUBSETTED:
        raise DataError(
            f"`subsets` tries every subset of at most {MOST_SUBSETTED} models, got "
            f"{models}; use `greedy`"
        )
    corners = np.eye(models)
    for size in range(min(2, models), models + 1):
        for members in itertools.combinations(range(models), size):
            yield corners[list(members)].mean(axis=0)


def _climb(worth: Worth, models: int) -> Values:
    """Move one weight at a time, up or down, by ever smaller steps while it helps."""
    starts: list[Values] = [np.full(models, 1 / models), *np.eye(models)]
    here = max(starts, key=worth)
    value = worth(here)
    for step in STEPS:
        improved = True
        while improved:
            neighbours = _neighbours(here, step)
            values = [worth(neighbour) for neighbour in neighbours]
            improved = bool(values) and max(values) > value
            if improved:
                value = max(values)
                here = neighbours[values.index(value)]
    return here


def _neighbours(weights: Values, step: float) -> list[Values]:
    corners = np.eye(len(weights))
    towards = [weights + step * (corner - weights) for corner in corners]
    away = [weights * (1 - step * corner) for corner in corners]
    moved = [each / each.sum() for each in [*towards, *away] if each.sum() > 0]
    return [each for each in moved if not np.array_equal(each, weights)]


def _greedy(worth: Worth, models: int, rounds: int) -> Values:
    """Add the model that helps most, again and again; keep the best bag on the way."""
    bag: Values = np.zeros(models)
    bags: list[tuple[float, Values]] = []
    for size in range(1, rounds + 1):
        grown = [(bag + model) / size for model in np.eye(models)]
        values = [worth(weights) for weights in grown]
        bag = grown[int(np.argmax(values))] * size
        bags.append((max(values), bag / size))
    _, weights = max(bags, key=lambda pair: pair[0])
    return weights
