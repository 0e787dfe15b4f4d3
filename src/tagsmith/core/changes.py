"""How one quantity differs between the tracks of a reference and new ones.

    number, score  two-sample Kolmogorov-Smirnov test; the distance is the test's own,
                   the difference Wasserstein's: how far tracks moved on average
    kind           Fisher's exact test of every kind against the rest, the smallest p
                   times the number of kinds; the distance is the share of tracks that
                   would have to be of another kind (total variation)
    decided        Fisher's exact test of the shares of tracks that a tag was decided
                   for; their difference, with Newcombe's interval

References:
    Newcombe, Interval Estimation for the Difference Between Independent Proportions,
    Statistics in Medicine 1998, method 10.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Quantity = Literal["number", "kind", "decided", "score"]
Values = NDArray[np.floating[Any]]
Pair = tuple[int, int]  # of the reference, of the new tracks


@dataclass(frozen=True)
class Change:
    """How one quantity of new tracks compares with the reference.

    Attributes:
        quantity: What it is.
        name: Which: a number, a kind, or a tag.
        before: In the reference: the median, the commonest kind, or the share.
        now: The same of the new tracks.
        distance: In [0, 1]: how much of the one lies apart from the other.
        difference: How far tracks moved on average, in the number's unit; of
            `decided`, the signed difference of the shares.
        p: Of the test; NaN where nothing is judged.
        low: Lower end of the difference's interval; NaN but for `decided`.
        high: Its upper end.
        q: The p-value adjusted for all quantities; NaN until then.
        shifted: Whether the change is large and significant.
    """

    quantity: Quantity
    name: str
    before: float | str
    now: float | str
    distance: float
    difference: float
    p: float
    low: float = math.nan
    high: float = math.nan
    q: float = math.nan
    shifted: bool = False


def number(
    quantity: Literal["number", "score"],
    name: str,
    before: Sequence[float],
    now: Values,
) -> Change:
    """Compare a number, or the scores of a tag.

    Args:
        quantity: Which of the two.
        name: The number's, or the tag's.
        before: The reference's values, at least one.
        now: The new tracks', at least one.
    """
    test = stats.ks_2samp(before, now, method="asymp")
    return Change(
        quantity=quantity,
        name=name,
        before=float(np.median(before)),
        now=float(np.median(now)),
        distance=float(test.statistic),
        difference=float(stats.wasserstein_distance(before, now)),
        p=float(test.pvalue),
    )


def kind(name: str, before: Mapping[str, int], now: Mapping[str, int]) -> Change:
    """Compare how many tracks are of each kind.

    Args:
        name: What the kinds are of: `format`.
        before: Of the reference: tracks by kind.
        now: Of the new tracks.
    """
    sizes = (sum(before.values()), sum(now.values()))
    kinds = sorted({*before, *now})
    pairs = [(before.get(each, 0), now.get(each, 0)) for each in kinds]
    apart = sum(abs(a / sizes[0] - b / sizes[1]) for a, b in pairs) / 2
    return Change(
        quantity="kind",
        name=name,
        before=_commonest(before),
        now=_commonest(now),
        distance=apart,
        difference=apart,
        p=min(1.0, len(pairs) * min(_fisher(pair, sizes) for pair in pairs)),
    )


def decided(tag: str, tracks: Pair, sizes: Pair, *, confidence: float) -> Change:
    """Compare for which share of the tracks a tag was decided.

    Args:
        tag: Its name.
        tracks: For how many.
        sizes: Of how many.
        confidence: How often the interval shall hold the true difference.
    """
    before, now = (count / size for count, size in zip(tracks, sizes, strict=True))
    low, high = newcombe(tracks, sizes, confidence)
    return Change(
        quantity="decided",
        name=tag,
        before=before,
        now=now,
        distance=abs(now - before),
        difference=now - before,
        low=low,
        high=high,
        p=_fisher(tracks, sizes),
    )


def newcombe(tracks: Pair, sizes: Pair, confidence: float) -> tuple[float, float]:
    """Return the interval of the second share minus the first."""
    wilson = [
        stats.binomtest(count, size).proportion_ci(confidence, "wilson")
        for count, size in zip(tracks, sizes, strict=True)
    ]
    before, now = (count / size for count, size in zip(tracks, sizes, strict=True))
    below = math.hypot(now - wilson[1].low, wilson[0].high - before)
    above = math.hypot(wilson[1].high - now, before - wilson[0].low)
    return now - before - below, now - before + above


def _commonest(found: Mapping[str, int]) -> str:
    return max(sorted(found), key=lambda each: found[each])


def _fisher(tracks: Pair, sizes: Pair) -> float:
    others = [size - count for count, size in zip(tracks, sizes, strict=True)]
    return float(stats.fisher_exact([tracks, others]).pvalue)
