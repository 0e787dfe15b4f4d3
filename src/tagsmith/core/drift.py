"""Whether new tracks are like those of a reference, quantity by quantity.

A quantity has shifted if its change is *significant* and *large*: with thousands of
tracks every change is significant, and with few of them chance makes large ones. All
p-values are adjusted together, so that `significance` is how often a comparison of
tracks that are alike calls anything shifted.

References:
    Benjamini and Hochberg, Controlling the False Discovery Rate, JRSS B 1995.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from tagsmith.config import Drift
from tagsmith.core import changes
from tagsmith.core.changes import Change, Quantity
from tagsmith.core.reference import Tracks, Tree, counts
from tagsmith.errors import DataError

Verdict = Literal["stable", "shifted", "unknown"]

QUARTILES = 2 * float(stats.norm.ppf(0.75))  # between a normal's, in deviations


@dataclass(frozen=True)
class Comparison:
    """How new tracks compare with a reference.

    Attributes:
        changes: One for each quantity that both sides know.
        verdict: `unknown` if there are too few tracks to judge.
    """

    changes: tuple[Change, ...]
    verdict: Verdict

    @property
    def shifted(self) -> list[Change]:
        """What has shifted: numbers first, scores last, by distance."""
        order = get_args(Quantity)
        found = [each for each in self.changes if each.shifted]
        return sorted(found, key=lambda it: (order.index(it.quantity), -it.distance))

    def of(self, *quantities: Quantity) -> list[Change]:
        """Return the changes of some quantities, in their order."""
        return [each for each in self.changes if each.quantity in quantities]


def compare(reference: Tree, tracks: Tracks, config: Drift) -> Comparison:
    """Set new tracks against a reference.

    Args:
        reference: Of `core.reference.summary`.
        tracks: The new ones.
        config: What a shift must reach.

    Raises:
        DataError: The tracks are scored for other tags than the reference is, or there
            are none.
    """
    if list(reference["scores"]) != list(tracks.scores.columns):
        raise DataError(
            f"the reference has scores of {len(reference['scores'])} tags, the tracks "
            f"of {tracks.scores.shape[1]} or others; both must come from one model"
        )
    if not len(tracks):
        raise DataError("there is no track to compare with the reference; list some")
    found = [*_of_sounds(reference, tracks), *_of_tags(reference, tracks, config)]
    if min(len(tracks), reference["tracks"]) < config.least_tracks:
        unjudged = tuple(replace(each, p=math.nan) for each in found)
        return Comparison(unjudged, "unknown")
    judged = _judged(found, config)
    shifted = any(each.shifted for each in judged)
    return Comparison(judged, "shifted" if shifted else "stable")


def unlike(reference: Tree, tracks: Tracks, config: Drift) -> pd.DataFrame:
    """Say by how much each track is unlike the reference's, and in what.

    Unlikeness is the distance from the reference's median in standard deviations, as
    its quartiles tell them: 3 is rare. They are `least_difference` at least.

    Returns:
        `unlikeness`, the `name` of the number that is furthest off, its `value` and
        the reference's median, `usual`; indexed by track id, the most unlike first.
    """
    numbers, least = tracks.numbers, _least(config)
    off = pd.DataFrame(index=numbers.index)
    usual: dict[str, float] = {}
    for name in map(str, numbers):
        if values := reference["numbers"].get(name):
            low, usual[name], high = np.quantile(values, (0.25, 0.5, 0.75))
            spread = max((high - low) / QUARTILES, least[name])
            off[name] = (numbers[name] - usual[name]).abs().fillna(0.0) / spread
    furthest = [str(name) for name in off.idxmax(axis=1)]
    rows = {
        "unlikeness": off.max(axis=1),
        "name": furthest,
        "value": [
            float(values[name])
            for values, name in zip(numbers.to_dict("records"), furthest, strict=True)
        ],
        "usual": [usual[name] for name in furthest],
    }
    table = pd.DataFrame(rows, index=numbers.index)
    return table.sort_values("unlikeness", ascending=False, kind="stable")


def _of_sounds(reference: Tree, tracks: Tracks) -> Iterator[Change]:
    numbers, kinds = tracks.numbers, tracks.kinds
    for name in map(str, numbers):
        before, now = reference["numbers"].get(name), numbers[name].dropna()
        if before and len(now):
            yield changes.number("number", name, before, now.to_numpy())
    for name in map(str, kinds):
        if before := reference["kinds"].get(name):
            yield changes.kind(name, before, counts(kinds[name]))


def _of_tags(reference: Tree, tracks: Tracks, config: Drift) -> Iterator[Change]:
    sizes = (reference["tracks"], len(tracks))
    confidence = 1 - config.significance
    for tag, before in reference["scores"].items():
        decided = (reference["decided"][tag], int(tracks.decisions[tag].sum()))
        yield changes.decided(tag, decided, sizes, confidence=confidence)
        yield changes.number("score", tag, before, tracks.scores[tag].to_numpy())


def _judged(found: Sequence[Change], config: Drift) -> tuple[Change, ...]:
    adjusted = stats.false_discovery_control([each.p for each in found])
    return tuple(
        replace(
            each,
            q=float(q),
            shifted=bool(q <= config.significance and is_large(each, config)),
        )
        for each, q in zip(found, adjusted, strict=True)
    )


def is_large(change: Change, config: Drift) -> bool:
    """Whether a change reaches the limits of its quantity, significant or not."""
    if change.quantity in {"kind", "decided"}:
        return change.distance >= config.least_share
    least = _least(config)["score" if change.quantity == "score" else change.name]
    return change.distance >= config.least_distance and change.difference >= least


def _least(config: Drift) -> dict[str, float]:
    least: dict[str, float] = config.least_difference.model_dump()
    return {**least, "surest": least["score"]}
