"""What an epoch is judged by: figures of the validation split."""

import numpy as np

from tagsmith.core import ranking
from tagsmith.core.metrics import Scores, Truth, undefined
from tagsmith.errors import DataError

TRACKS_AT_ONCE = 1000  # whose numbers are copied together
CERTAIN = 1e-7  # scores are taken for no closer to 0 and 1, as by Keras


def ranked(truth: Truth, scores: Scores) -> dict[str, float]:
    """Return how well tracks are ranked, a mean over the tags that can be told apart.

    A tag's figures are those of `ranking.area`.

    Args:
        truth: `(tracks, tags)`, as are the scores.
        scores: Finite numbers.

    Returns:
        `validation_roc_auc` and `validation_pr_auc`.

    Raises:
        DataError: No tag has both positives and negatives, or scores are no numbers.
    """
    known = ~undefined(truth)
    if not known.any():
        raise DataError(
            "no tag has both positives and negatives in the validation split, so no "
            f"epoch can be called best: {len(truth)} tracks, {truth.shape[1]} tags"
        )
    if np.isnan(scores).any():
        raise DataError(
            "scores of validation tracks are not numbers (NaN): training diverged; "
            "lower the phase's learning_rate"
        )
    found = ranking.areas(truth, scores)
    roc_auc, pr_auc = (float(each[known].mean()) for each in found)
    return {"validation_roc_auc": roc_auc, "validation_pr_auc": pr_auc}


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
