"""ROC-AUC and average precision, for many weightings or many tags at once.

A `Ranking` is one ranked list under many weightings of the tracks. Only places where
positives stand matter: the list is cut into runs of equal scores that hold a positive,
and what lies between such runs. A weighting is then summed up per run by one sparse
product, and both areas follow from a few sums over runs. Sorting is done once, whatever
the number of weightings.

`roc_aucs` and `average_precisions` rank every tag once, all of them together: for a
search that looks at many scores, each of them once.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tagsmith.core.metrics import Scores, Truth, Values


@dataclass(frozen=True)
class Ranking:
    """A ranked list of judged items, each of which belongs to a track.

    Attributes:
        items: `(runs, tracks)`: how many items of each track a run holds, best first.
        positives: `(runs, tracks)`: how many of these are positive.
    """

    items: Any
    positives: Any

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
        starts = _starts(truth, scores[order])
        positive_starts = np.concatenate([[0], np.cumsum(truth)])[starts]
        return cls(
            items=_counts(tracks, starts, shape),
            positives=_counts(tracks[truth], positive_starts, shape),
        )

    def roc_auc(self, weights: Values) -> Values:
        """Return the area below the ROC curve, ties counted as half.

        Args:
            weights: `(tracks, samples)`: how often each sample holds each track.

        Returns:
            `(samples,)`; NaN where a sample has no positives or no negatives.
        """
        positives = self.positives @ weights
        negatives = self.items @ weights - positives
        below = negatives.sum(axis=0) - np.cumsum(negatives, axis=0) + negatives / 2
        pairs = positives.sum(axis=0) * negatives.sum(axis=0)
        return _ratio(np.einsum("rs,rs->s", positives, below), pairs)

    def average_precision(self, weights: Values) -> Values:
        """Return the mean over positives of the precision at their score.

        Args:
            weights: `(tracks, samples)`: how often each sample holds each track.

        Returns:
            `(samples,)`; NaN where a sample has no positives.
        """
        positives = self.positives @ weights
        found = np.cumsum(positives, axis=0)
        listed = np.cumsum(self.items @ weights, axis=0)
        precision = np.divide(found, listed, where=listed > 0, out=np.zeros_like(found))
        return _ratio(np.einsum("rs,rs->s", positives, precision), found[-1])


def roc_aucs(truth: Truth, scores: Scores) -> Values:
    """Return every tag's area below the ROC curve, ties counted as half.

    Args:
        truth: `(tracks, tags)`; every tag is on some tracks, and none on all of them.
        scores: `(tracks, tags)` finite numbers.

    Returns:
        `(tags,)`.

    References:
        Mann and Whitney, On a Test of Whether One of Two Random Variables Is
        Stochastically Larger than the Other, 1947.
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - 0.7 s, and what tags ranks nothing

    positives = truth.sum(axis=0)
    ranks = rankdata(scores, axis=0)  # from 1, the lowest; equals share their mean
    above = np.where(truth, ranks, 0).sum(axis=0) - positives * (positives + 1) / 2
    return _ratio(above, positives * (len(truth) - positives))


def average_precisions(truth: Truth, scores: Scores) -> Values:
    """Return every tag's mean over positives of the precision at their score.

    Args:
        truth: `(tracks, tags)`; every tag is on some tracks.
        scores: `(tracks, tags)` finite numbers.

    Returns:
        `(tags,)`.
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - as above

    listed = rankdata(-scores, "max", axis=0)  # tracks that score as much or more
    found = rankdata(np.where(truth, -scores, np.inf), "max", axis=0)
    precision = np.where(truth, found / listed, 0)
    return _ratio(precision.sum(axis=0), truth.sum(axis=0))


def _starts(truth: Truth, scores: Values) -> NDArray[np.intp]:
    tie_starts = np.flatnonzero(np.diff(scores, prepend=np.inf))
    holds_positive = np.logical_or.reduceat(truth, tie_starts)
    after_positive = np.concatenate([[True], holds_positive[:-1]])
    return np.append(tie_starts[holds_positive | after_positive], len(scores))


def _counts(tracks: NDArray[np.intp], starts: NDArray[np.intp], shape: int) -> Any:  # noqa: ANN401
    from scipy.sparse import csr_array  # noqa: PLC0415 - as above

    ones = np.ones(len(tracks))
    return csr_array((ones, tracks, starts), shape=(len(starts) - 1, shape))


def _ratio(part: Values, whole: Values) -> Values:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
