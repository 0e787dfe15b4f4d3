"""How sure a figure is: bootstrap over tracks.

A resample draws as many tracks as there are, with replacement; it is kept as how often
each track was drawn, so that nothing is sorted or copied again. Two score matrices are
compared on the same resamples (the paired bootstrap). A tag that a resample leaves
without positives is left out of that resample's macro average.

References:
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13-16.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from tagsmith.core.metrics import (
    AREAS,
    NAMES,
    Truth,
    Values,
    binary,
    checked,
    confusion,
    rates,
    undefined,
)
from tagsmith.core.ranking import Ranking
from tagsmith.errors import DataError

Statistic = Callable[[Values], Values]  # (tracks, samples) weights -> (samples,)
BLOCK = (
    128  # resamples at a time: bounds memory, and keeps sums in the processor's cache
)


class Resampling(Protocol):
    """What `Evaluation` and `Promotion` say about resamples."""

    @property
    def bootstrap_samples(self) -> int:
        """How many resamples."""

    @property
    def confidence(self) -> float:
        """How often an interval shall hold the true value."""


@dataclass(frozen=True)
class Interval:
    """A figure and how far it may be off.

    Attributes:
        value: On the tracks themselves.
        low: Lower end of the bias-corrected percentile interval.
        high: Its upper end.
        above_zero: Share of the resamples in which the figure is above 0.
    """

    value: float
    low: float
    high: float
    above_zero: float


def interval(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    metric: str,
    config: Resampling,
    seed: int,
) -> Interval:
    """Compute a figure and its confidence interval.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        predicted: `(tracks, tags)` scores if the metric is an area, else decisions.
        metric: An official name, such as `ROC-AUC-macro`.
        config: How many resamples, and how sure.
        seed: Of the resamples; equal seeds draw equal tracks.

    Raises:
        DataError: Shapes differ, values are not what they should be, the metric is
            unknown, or no resample has tags with positives and negatives.
    """
    measure = statistic(metric, truth, predicted)
    return interval_of(measure, len(np.asarray(truth)), config, seed=seed)


def difference(
    truth: ArrayLike,
    ours: ArrayLike,
    *,
    theirs: ArrayLike,
    metric: str,
    config: Resampling,
    seed: int,
) -> Interval:
    """Compute by how much our figure is above theirs, on the same resamples.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        ours: `(tracks, tags)` scores if the metric is an area, else decisions.
        theirs: The same of the other side.
        metric: An official name, such as `ROC-AUC-macro`.
        config: How many resamples, and how sure.
        seed: Of the resamples.

    Returns:
        The difference; `above_zero` is the share of resamples in which ours is better.

    Raises:
        DataError: As for `interval`.
    """
    first, second = (statistic(metric, truth, each) for each in (ours, theirs))
    return interval_of(
        lambda weights: first(weights) - second(weights),
        len(np.asarray(truth)),
        config,
        seed=seed,
    )


def interval_of(
    measure: Statistic, tracks: int, config: Resampling, *, seed: int
) -> Interval:
    """Compute any figure of weighted tracks, and its confidence interval.

    Args:
        measure: The figure, from weights `(tracks, samples)` to `(samples,)`.
        tracks: How many there are.
        config: How many resamples, and how sure.
        seed: Of the resamples.

    Raises:
        DataError: The figure is undefined in every resample.
    """
    blocks = _resamples(tracks, config.bootstrap_samples, seed)
    values = np.concatenate([measure(weights) for weights in blocks])
    values = values[~np.isnan(values)]
    if not values.size:
        raise DataError(
            f"none of {config.bootstrap_samples} resamples of {tracks} tracks has a "
            "tag with positives and negatives; there are too few tracks to say how sure"
        )
    value = float(measure(np.ones((tracks, 1)))[0])
    low, high = np.quantile(values, _levels(values, value, config.confidence))
    above_zero = float(np.mean(values > 0))
    return Interval(value, float(low), float(high), above_zero)


def statistic(metric: str, truth: ArrayLike, predicted: ArrayLike) -> Statistic:
    """Return a figure as a function of how often each track counts.

    Args:
        metric: An official name, such as `PR-AUC-micro`.
        truth: `(tracks, tags)` booleans, or zeros and ones.
        predicted: `(tracks, tags)` scores if the metric is an area, else decisions.

    Returns:
        A function from weights `(tracks, samples)` to values `(samples,)`.

    Raises:
        DataError: As for `interval`.
    """
    if metric not in NAMES:
        raise DataError(f"no metric {metric!r}; there are {', '.join(NAMES)}")
    measure, _, mean = metric.rpartition("-")
    if measure in AREAS:
        return _area(measure, *checked(truth, predicted), macro=mean == "macro")
    confusion(truth, predicted)  # objects to what cannot be compared
    return _rate(
        ("precision", "recall", "F-score").index(measure),
        binary(truth, "truth"),
        binary(predicted, "decisions"),
        macro=mean == "macro",
    )


def _area(measure: str, truth: Truth, scores: Values, *, macro: bool) -> Statistic:
    area = {"ROC-AUC": Ranking.roc_auc, "PR-AUC": Ranking.average_precision}[measure]
    tracks = np.arange(len(truth))
    if not macro:
        everything = np.repeat(tracks, truth.shape[1])
        pooled = Ranking.of(truth.ravel(), scores.ravel(), everything)
        return lambda weights: area(pooled, weights)
    rankings = [
        Ranking.of(truth[:, tag], scores[:, tag], tracks)
        for tag in np.flatnonzero(~undefined(truth))
    ]
    if not rankings:
        raise DataError(f"{measure} needs a tag with positives and negatives; none has")
    return lambda weights: _mean([area(each, weights) for each in rankings])


def _rate(which: int, truth: Truth, decisions: Truth, *, macro: bool) -> Statistic:
    kinds = (truth & decisions, ~truth & decisions, truth & ~decisions)
    counters = [kind.T.astype(np.float64) for kind in kinds]

    def rate(weights: Values) -> Values:
        counts = [counter @ weights for counter in counters]  # (tags, samples)
        if not macro:
            counts = [count.sum(axis=0, keepdims=True) for count in counts]
        mean: Values = rates(*counts)[which].mean(axis=0)
        return mean

    return rate


def _mean(values: list[Values]) -> Values:
    # Of the defined ones; without NumPy's warning where a resample has none.
    stacked = np.stack(values)
    count = np.count_nonzero(~np.isnan(stacked), axis=0)
    mean: Values = np.full(stacked.shape[1], np.nan)
    np.divide(np.nansum(stacked, axis=0), count, where=count > 0, out=mean)
    return mean


def _levels(values: Values, value: float, confidence: float) -> tuple[float, float]:
    """Return the bias-corrected percentiles, as fractions.

    Resamples may lie to one side of the figure itself, such as a mean over tags some of
    which they leave without positives; plain percentiles would too.
    """
    normal = NormalDist()
    below = (np.mean(values < value) + np.mean(values <= value)) / 2
    edge = 1 / (2 * values.size)
    shift = 2 * normal.inv_cdf(float(np.clip(below, edge, 1 - edge)))
    spread = normal.inv_cdf((1 + confidence) / 2)
    return normal.cdf(shift - spread), normal.cdf(shift + spread)


def _resamples(tracks: int, samples: int, seed: int) -> Iterator[Values]:
    """Yield blocks `(tracks, samples)` of how often each track is drawn."""
    rng = np.random.default_rng(seed)
    for start in range(0, samples, BLOCK):
        block = min(BLOCK, samples - start)
        drawn = rng.integers(tracks, size=(tracks, block)) * block + np.arange(block)
        counts = np.bincount(drawn.ravel(), minlength=tracks * block)
        yield counts.reshape(tracks, block).astype(np.float32)
