"""What an epoch is judged by: figures of the validation split, in a few sorts a tag.

References:
    Mason and Graham, "Areas beneath the relative operating characteristics (ROC) and
    relative operating levels (ROL) curves", QJRMS 2002: ROC-AUC as a count of pairs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError

TAGS_AT_ONCE, TRACKS_AT_ONCE = 64, 1000  # whose numbers are copied together
CERTAIN = 1e-7  # scores are taken for no closer to 0 and 1, as by Keras

Truth = NDArray[np.bool_]
Scores = NDArray[np.floating[Any]]


def ranked(truth: Truth, scores: Scores) -> dict[str, float]:
    """Return how well tracks are ranked, a mean over the tags that can be told apart.

    A tag's ROC-AUC is the share of pairs of a track with it and one without in which
    the former scores higher; equal scores count half. Its average precision is the mean
    over tracks with it of the precision at their score. That takes a few sorts a tag.

    Args:
        truth: `(tracks, tags)`, as are the scores.
        scores: Finite numbers.

    Returns:
        `validation_roc_auc` and `validation_pr_auc`.

    Raises:
        DataError: No tag has both positives and negatives, or scores are no numbers.
    """
    known = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
    if not known.size:
        raise DataError(
            "no tag has both positives and negatives in the validation split, so no "
            f"epoch can be called best: {len(truth)} tracks, {truth.shape[1]} tags"
        )
    areas = []
    for start in range(0, len(known), TAGS_AT_ONCE):
        some = known[start : start + TAGS_AT_ONCE]  # contiguous: sorted much faster
        columns = (np.ascontiguousarray(each[:, some].T) for each in (truth, scores))
        areas += [_areas(has, score) for has, score in zip(*columns, strict=True)]
    roc_auc, pr_auc = np.mean(areas, axis=0)
    return {"validation_roc_auc": float(roc_auc), "validation_pr_auc": float(pr_auc)}


def _areas(has: Truth, scores: Scores) -> tuple[float, float]:
    """Return the ROC-AUC and average precision of one tag; all are `(tracks,)`."""
    without, having = np.sort(scores[~has]), np.sort(scores[has])
    if np.isnan(without[-1]) or np.isnan(having[-1]):  # NaN is sorted to the end
        raise DataError(
            "scores of validation tracks are not numbers (NaN): training diverged; "
            "lower the phase's learning_rate"
        )
    below = np.searchsorted(without, having, "left")
    equal_or_below = np.searchsorted(without, having, "right")
    pairs = 2 * len(without) * len(having)
    found = len(having) - np.searchsorted(having, having, "left")  # as high or higher
    precision = found / (found + len(without) - below)
    return float((below + equal_or_below).sum() / pairs), float(precision.mean())


def mean_crossentropy(truth: Truth, scores: Scores) -> float:
    """Return the mean binary cross-entropy over tracks and tags, as Keras has it.

    Args:
        truth: `(tracks, tags)`.
        scores: `(tracks, tags)` in [0, 1].
    """
    total = 0.0
    for start in range(0, len(truth), TRACKS_AT_ONCE):
        some = slice(start, start + TRACKS_AT_ONCE)
        has, score = truth[some], scores[some]
        score = np.clip(score.astype(np.float64), CERTAIN, 1 - CERTAIN)
        total -= np.log(np.where(has, score, 1 - score)).sum()
    return total / truth.size
