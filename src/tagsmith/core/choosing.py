"""What choosing among fusions is worth on tracks that had no say in the choice.

Of many fusions one is best on the tracks by which they are judged, and some of that is
luck. So groups of tracks are drawn with replacement, the best on those drawn is chosen,
and its figure on the groups that were *not* drawn is set against that of the present
fusion there: the bootstrap's estimate for whoever chooses so.

References:
    Efron and Tibshirani, Improvements on Cross-Validation: The .632+ Bootstrap Method,
    JASA 1997: the leave-one-out bootstrap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagsmith.core.bootstrap import Statistic, statistic
from tagsmith.core.metrics import Scores, Truth, Values
from tagsmith.errors import DataError

BLOCK = 128  # resamples at a time: bounds memory


@dataclass(frozen=True)
class Worth:
    """How much better the choice is than the present fusion, where it had no say.

    Attributes:
        gain: On average over the resamples.
        better: The share of the resamples in which it is above 0.
        low: The 5th percentile of the resamples.
        high: The 95th.
        resamples: How many there were in which both have a figure.
    """

    gain: float
    better: float
    low: float
    high: float
    resamples: int


def worth(
    truth: Truth,
    systems: Sequence[Scores],
    groups: Sequence[str],
    *,
    samples: int,
    seed: int,
    metric: str = "PR-AUC-macro",
) -> Worth:
    """Estimate what choosing the best of several systems is worth.

    Args:
        truth: `(tracks, tags)` booleans.
        systems: `(tracks, tags)` scores each; the first is the present one, which may
            be chosen as well.
        groups: Of every track: what it shares with the tracks that resemble it.
        samples: How many resamples of the groups.
        seed: Of the resamples.
        metric: An official name by which they are judged.

    Raises:
        DataError: Shapes differ, or no resample leaves out tracks of which the metric
            can be told.
    """
    measures = [statistic(metric, truth, each) for each in systems]
    blocks = _drawn(np.asarray(groups), samples, seed)
    gains = np.concatenate([_gains(measures, each) for each in blocks])
    gains = gains[~np.isnan(gains)]
    if not gains.size:
        raise DataError(
            f"none of {samples} resamples of {len(set(groups))} groups leaves "
            f"out tracks with and without a tag, so {metric} cannot be told there; "
            "validation has too few groups to choose by"
        )
    low, high = np.quantile(gains, [0.05, 0.95])
    better = float(np.mean(gains > 0))
    return Worth(float(gains.mean()), better, float(low), float(high), gains.size)


def _gains(measures: Sequence[Statistic], counts: Values) -> Values:
    """Return each resample's gain `(samples,)` from how often it draws each track."""
    inside = np.stack([measure(counts) for measure in measures])
    outside = np.stack([measure((counts == 0).astype(float)) for measure in measures])
    told = ~np.isnan(inside).any(axis=0)
    chosen = np.argmax(inside[:, told], axis=0)  # of equals, the present one
    gains: Values = outside[chosen, np.flatnonzero(told)] - outside[0, told]
    return gains


def _drawn(groups: NDArray[np.str_], samples: int, seed: int) -> Iterator[Values]:
    """Yield blocks `(tracks, samples)` of how often each track's group is drawn."""
    names, places = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    shares = np.full(len(names), 1 / len(names))
    for start in range(0, samples, BLOCK):
        block = min(BLOCK, samples - start)
        counts = rng.multinomial(len(names), shares, size=block)
        yield counts[:, places].T.astype(np.float64)
