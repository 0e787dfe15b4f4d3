"""ROC-AUC and average precision, in as few sorts as can be.

`area` is of one ranked list, `areas` of every tag's.

A `Ranking` is one ranked list under many weightings of the tracks. Only places where
positives stand matter: the list is cut into runs of equal scores that hold a positive,
and what lies between such runs. A weighting is then summed up per run by one sparse
product, and both areas follow from a few sums over runs. Sorting is done once, whatever
the number of weightings.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
Scores = NDArray[np.floating[Any]]
Values = NDArray[np.float64]

EXACT_IN_FLOAT32 = 1 << 24  # whole numbers below it; sums of them are twice as fast
TAGS_AT_ONCE = 64  # whose numbers are copied together: bounds memory


@dataclass(frozen=True)
class Ranking:
    """A ranked list of judged items, each of which belongs to a track.

    Attributes:
        items: `(runs, tracks)`: how many items of each track a run holds, best first.
        positives: `(runs, tracks)`: how many of these are positive.
        track: `(positives,)`: whose each positive item is.
        run: `(positives,)`: where it stands.
        own: `(2, positives, 1)`: how many positives, and items, of the same track score
            as high or higher, it among them.
    """

    items: Any
    positives: Any
    track: NDArray[np.intp]
    run: NDArray[np.intp]
    own: NDArray[np.intp]

    @classmethod
    def of(cls, truth: Truth, scores: Values, tracks: NDArray[np.intp]) -> Self:
        """Rank items.

        Args:
            truth: `(items,)`: which are positive.
            scores: `(items,)`: by which they are ranked, highest first.
            tracks: `(items,)`: which track each belongs to, counted from 0.
        """
        order = np.argsort(-scores)
        truth, tracks, shape = truth[order], tracks[order], int(tracks.max()) + 1
        scores = scores[order]
        starts = _starts(truth, scores)
        positive_starts = np.concatenate([[0], np.cumsum(truth)])[starts]
        return cls(
            items=_counts(tracks, starts, shape),
            positives=_counts(tracks[truth], positive_starts, shape),
            track=tracks[truth],
            run=np.searchsorted(starts, np.flatnonzero(truth), "right") - 1,
            own=_own(truth, scores, tracks)[:, truth, np.newaxis],
        )

    def roc_auc(self, weights: Scores) -> Values:
        """Return the area below the ROC curve, ties counted as half.

        Args:
            weights: `(tracks, samples)`: how often each sample holds each track.

        Returns:
            `(samples,)`; NaN where a sample has no positives or no negatives.
        """
        positives = _summed(self.positives, weights)
        negatives = _summed(self.items, weights) - positives
        below = negatives.sum(axis=0) - np.cumsum(negatives, axis=0) + negatives / 2
        pairs = positives.sum(axis=0) * negatives.sum(axis=0)
        return _ratio(np.einsum("rs,rs->s", positives, below), pairs)

    def average_precision(self, weights: Scores) -> Values:
        """Return the mean over positives of the precision at their score.

        A track that is drawn twice does not stand beside itself: where its own items
        are judged, it counts once. A list written out with its copies would have higher
        precision than the tracks it was drawn from, the more so the fewer positives and
        the weaker the ranking.

        Args:
            weights: `(tracks, samples)`: how often each sample holds each track.

        Returns:
            `(samples,)`; NaN where a sample has no positives.
        """
        found = np.cumsum(_summed(self.positives, weights), axis=0)
        listed = np.cumsum(_summed(self.items, weights), axis=0)
        drawn = weights[self.track].astype(np.float64)  # (positives, samples)
        own_found, own_listed = (drawn - 1) * self.own
        found, listed = found[self.run] - own_found, listed[self.run] - own_listed
        return _ratio((drawn * found / listed).sum(axis=0), drawn.sum(axis=0))


def areas(truth: Truth, scores: Scores) -> tuple[Values, Values]:
    """Return every tag's area below the ROC curve, and its average precision.

    Args:
        truth: `(tracks, tags)`.
        scores: `(tracks, tags)` finite numbers.

    Returns:
        Two times `(tags,)`; see `area`.
    """
    found = np.empty((2, truth.shape[1]))
    for start in range(0, truth.shape[1], TAGS_AT_ONCE):
        some = slice(start, start + TAGS_AT_ONCE)  # contiguous: sorted much faster
        columns = (np.ascontiguousarray(each[:, some].T) for each in (truth, scores))
        for tag, (has, score) in enumerate(zip(*columns, strict=True), start):
            found[:, tag] = area(has, score)
    return found[0], found[1]


def area(truth: Truth, scores: Scores) -> tuple[float, float]:
    """Return the area below a ranked list's ROC curve, and its average precision.

    The former is the share of pairs of a positive and a negative in which the positive
    scores higher; equal scores count half. The latter is the mean over positives of the
    precision at their score.

    Args:
        truth: `(items,)`: which are positive.
        scores: `(items,)` finite numbers.

    Returns:
        NaN twice where all items are positive, or none.

    References:
        Mason and Graham, "Areas beneath the relative operating characteristics (ROC)
        and relative operating levels (ROL) curves", QJRMS 2002: a count of pairs.
    """
    negatives, positives = np.sort(scores[~truth]), np.sort(scores[truth])
    if not len(negatives) or not len(positives):
        return math.nan, math.nan
    below = np.searchsorted(negatives, positives, "left")
    equal_or_below = np.searchsorted(negatives, positives, "right")
    pairs = 2 * len(negatives) * len(positives)
    found = len(positives) - np.searchsorted(positives, positives, "left")
    precision = found / (found + len(negatives) - below)
    return float((below + equal_or_below).sum() / pairs), float(precision.mean())


def _starts(truth: Truth, scores: Values) -> NDArray[np.intp]:
    tie_starts = np.flatnonzero(np.diff(scores, prepend=np.inf))
    holds_positive = np.logical_or.reduceat(truth, tie_starts)
    after_positive = np.concatenate([[True], holds_positive[:-1]])
    return np.append(tie_starts[holds_positive | after_positive], len(scores))


def _own(truth: Truth, scores: Values, tracks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count `(2, items)` positives, and items, of each one's track that reach it."""
    if len(np.unique(tracks)) == len(tracks):
        return np.stack([truth.astype(np.intp), np.ones_like(tracks)])
    order = np.lexsort((-scores, tracks))  # track by track, best first
    tracks, scores = tracks[order], scores[order]
    begins = np.diff(tracks, prepend=-1) != 0
    ties = np.flatnonzero(begins | (np.diff(scores, prepend=np.inf) != 0))
    ends = np.repeat(
        np.append(ties[1:], len(scores)), np.diff(ties, append=len(scores))
    )
    start = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    positives = np.concatenate([[0], np.cumsum(truth[order])])
    own = np.empty((2, len(scores)), np.intp)
    own[:, order] = positives[ends] - positives[start], ends - start
    return own


def _counts(tracks: NDArray[np.intp], starts: NDArray[np.intp], shape: int) -> Any:  # noqa: ANN401
    from scipy.sparse import csr_array  # noqa: PLC0415 - as above

    # A resample holds as many items as there are: no run sums up to more.
    exact = np.float32 if len(tracks) < EXACT_IN_FLOAT32 else np.float64
    ones = np.ones(len(tracks), exact)
    return csr_array((ones, tracks, starts), shape=(len(starts) - 1, shape))


def _summed(counts: Any, weights: Scores) -> Values:  # noqa: ANN401 - of scipy
    """Sum weights up per run: `(runs, samples)`."""
    return np.asarray(counts @ weights, np.float64)


def _ratio(part: Values, whole: Values) -> Values:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
