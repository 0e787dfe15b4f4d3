"""Reference and new tracks side by side: numbers in the same bins, kinds as shares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tagsmith.config import Drift
from tagsmith.core.reference import Tracks, Tree, counts

BINS = 24
TAIL = 0.005  # of both samples: what lies further out counts in the outermost bins
UNIT = (0.0, 1.0)  # what scores lie in


@dataclass(frozen=True)
class Histogram:
    """How two samples are spread.

    Attributes:
        edges: `(bins + 1,)`, rising.
        before: `(bins,)` shares of the reference's tracks, summing to 1.
        now: The same of the new tracks.
    """

    edges: tuple[float, ...]
    before: tuple[float, ...]
    now: tuple[float, ...]


@dataclass(frozen=True)
class Share:
    """How many of the tracks are of a kind.

    Attributes:
        kind: Its name.
        before: Share of the reference's tracks.
        now: Of the new ones.
    """

    kind: str
    before: float
    now: float


def of(
    reference: Tree, tracks: Tracks, config: Drift
) -> dict[str, dict[str, Histogram]]:
    """Return the histograms of all `numbers` and `scores`, by name and by tag."""
    least = config.least_difference.model_dump()
    numbers = {
        name: histogram(before, new, least_width=4 * least.get(name, least["score"]))
        for name, before in reference["numbers"].items()
        if name in tracks.numbers
        and before
        and len(new := tracks.numbers[name].dropna())
    }
    scores = {
        tag: histogram(before, tracks.scores[tag], least_width=1.0, ends=UNIT)
        for tag, before in reference["scores"].items()
    }
    return {"numbers": numbers, "scores": scores}


def shares(reference: Tree, tracks: Tracks) -> dict[str, list[Share]]:
    """Return the shares of each kind, the commonest in the reference first."""
    found = {}
    for name in map(str, tracks.kinds):
        if before := reference["kinds"].get(name):
            now = counts(tracks.kinds[name])
            kinds = sorted(
                {*before, *now}, key=lambda kind: (-before.get(kind, 0), kind)
            )
            totals = sum(before.values()), sum(now.values())
            found[name] = [
                Share(
                    kind, before.get(kind, 0) / totals[0], now.get(kind, 0) / totals[1]
                )
                for kind in kinds
            ]
    return found


def histogram(
    before: Sequence[float],
    now: ArrayLike,
    *,
    least_width: float,
    ends: tuple[float, float] | None = None,
) -> Histogram:
    """Count two samples in the same bins.

    Args:
        before: The reference's values, at least one.
        now: The new tracks', at least one; NaN is left out.
        least_width: Of all bins together, so that rounding errors are not enlarged.
        ends: Of the outermost bins; None for where the values are.
    """
    new = np.asarray(now, dtype=np.float64)
    new = new[~np.isnan(new)]
    low, high = ends or _ends(before, new, least_width)
    edges = np.linspace(low, high, BINS + 1)
    shares = [
        np.histogram(np.clip(values, low, high), edges)[0] / len(values)
        for values in (before, new)
    ]
    return Histogram(
        edges=tuple(edges.tolist()),
        before=tuple(shares[0].tolist()),
        now=tuple(shares[1].tolist()),
    )


def _ends(
    before: Sequence[float], now: NDArray[np.float64], least_width: float
) -> tuple[float, float]:
    quantiles = [
        np.quantile(values, (TAIL, 1 - TAIL)) for values in (np.asarray(before), now)
    ]
    low, high = min(q[0] for q in quantiles), max(q[1] for q in quantiles)
    missing = max(least_width - (high - low), 0) / 2
    return float(low - missing), float(high + missing)
