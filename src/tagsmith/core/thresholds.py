"""From scores to decisions: one threshold per tag.

A threshold is one of the tag's own scores, the best by the rule; a tag without
positives gets infinity and is never decided. (scikit-learn, given a tag without
positives, answers with the highest score in old versions and the lowest in new ones.)

`inclusive` decides for scores that reach the threshold, which is what the rules
optimise. `strict` decides only for scores above it, as MediaEval's official script and
AugLi did: the track that sets the threshold is itself left out.

References:
    Youden, Index for rating diagnostic tests, Cancer 1950.
    Lipton, Elkan and Narayanaswamy, Optimal Thresholding of Classifiers to Maximize F1
    Measure, ECML 2014.
"""

import operator

import numpy as np
from numpy.typing import ArrayLike

from tagsmith.config import Calibration
from tagsmith.core.metrics import Decisions, Scores, Truth, Values, checked
from tagsmith.errors import DataError


def fit(truth: ArrayLike, scores: ArrayLike, config: Calibration) -> Values:
    """Choose every tag's threshold.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        scores: `(tracks, tags)` finite numbers.
        config: By which rule.

    Returns:
        The thresholds `(tags,)`; infinity where a tag has no positive.

    Raises:
        DataError: Shapes differ, truth is not binary, or scores are not finite.
    """
    truth, scores = checked(truth, scores)
    rule = {"f1": _highest_f1, "youden": _highest_youden}[config.rule]
    chosen = np.full(truth.shape[1], np.inf)
    for tag in np.flatnonzero(truth.any(axis=0)):
        chosen[tag] = rule(truth[:, tag], scores[:, tag])
    return chosen


def decide(scores: Scores, thresholds: ArrayLike, config: Calibration) -> Decisions:
    """Decide which tags the tracks have.

    Args:
        scores: `(tracks, tags)` finite numbers.
        thresholds: `(tags,)`, as `fit` gives them.
        config: How scores are compared, and whether no track may go without a tag.

    Returns:
        `(tracks, tags)` booleans.

    Raises:
        DataError: There are not as many thresholds as tags, or the fallback is asked
            for with negative scores, which have no ratio to a threshold.
    """
    scores, limits = np.asarray(scores), np.asarray(thresholds, dtype=np.float64)
    if scores.shape[1:] != limits.shape:
        raise DataError(f"scores are {scores.shape}, thresholds are {limits.shape}")
    reach = {"inclusive": operator.ge, "strict": operator.gt}[config.comparison]
    decisions: Decisions = reach(scores, limits)
    if config.fallback_to_top_tag:
        decisions |= _top_tag(scores, limits) & ~decisions.any(axis=1, keepdims=True)
    return decisions


def _highest_f1(truth: Truth, scores: Values) -> float:
    from sklearn.metrics import precision_recall_curve  # noqa: PLC0415 - as in metrics

    precision, recall, limits = precision_recall_curve(truth, scores)
    total = precision + recall
    f_score = np.divide(2 * precision * recall, total, where=total > 0, out=total * 0)
    return float(limits[np.argmax(f_score)])


def _highest_youden(truth: Truth, scores: Values) -> float:
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - as in metrics

    if truth.all():
        return float(scores.min())
    false_positive_rate, true_positive_rate, limits = roc_curve(truth, scores)
    return float(limits[np.argmax(true_positive_rate - false_positive_rate)])


def _top_tag(scores: Scores, limits: Values) -> Decisions:
    if scores.size and scores.min() < 0:
        raise DataError(
            f"fallback_to_top_tag compares scores with thresholds by ratio and needs "
            f"scores of 0 or more, got {scores.min():g}; switch it off"
        )
    # A score of 0 that meets a threshold of 0 has just missed it, so the ratio is 1.
    ratio = np.ones(scores.shape)
    with np.errstate(over="ignore"):  # far above a threshold of next to nothing
        np.divide(scores, limits, where=limits > 0, out=ratio)
    ratio[:, np.isinf(limits)] = -np.inf
    highest = np.zeros(scores.shape, np.bool_)
    np.put_along_axis(highest, ratio.argmax(axis=1)[:, np.newaxis], True, axis=1)  # noqa: FBT003
    return highest & np.isfinite(limits)
