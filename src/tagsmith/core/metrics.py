"""The official figures of MediaEval's music tagging tasks.

Truth is which tags each track has; scores are numbers that rank tracks within a tag;
decisions are yes or no. All are `(tracks, tags)`. PR-AUC is average precision, not the
trapezoid below the curve.

A tag that every track has, or none, cannot be ranked: it is left out of the macro AUCs,
and `undefined` says which these are. Precision, recall and F-score follow the official
script: what is divided by zero counts as 0.

References:
    Tovstogan et al., Emotion and Theme Recognition in Music, MediaEval 2019-2021.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tagsmith.core import ranking
from tagsmith.errors import DataError

Truth = NDArray[np.bool_]
Decisions = NDArray[np.bool_]
Scores = NDArray[np.floating[Any]]
Values = NDArray[np.float64]
Counts = NDArray[np.int64] | Values  # weighted counts need not be whole

MEASURES = ("PR-AUC", "ROC-AUC", "F-score", "precision", "recall")
AREAS = ("PR-AUC", "ROC-AUC")  # of scores; the others are of decisions
NAMES = tuple(
    f"{measure}-{mean}" for mean in ("macro", "micro") for measure in MEASURES
)
OFFICIAL = {"pr_auc_macro": "PR-AUC-macro", "roc_auc_macro": "ROC-AUC-macro"}


def evaluate(
    truth: ArrayLike, scores: ArrayLike, decisions: ArrayLike
) -> dict[str, float]:
    """Compute all ten official figures.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        scores: `(tracks, tags)` finite numbers.
        decisions: `(tracks, tags)` booleans, or zeros and ones.

    Returns:
        The figures by official name, in the order of `NAMES`.

    Raises:
        DataError: Shapes differ, values are not what they should be, or no tag has
            both tracks with it and tracks without.
    """
    figures = areas(truth, scores) | decided(truth, decisions)
    return {name: figures[name] for name in NAMES}


def areas(truth: ArrayLike, scores: ArrayLike) -> dict[str, float]:
    """Compute the four figures that need no decisions.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        scores: `(tracks, tags)` finite numbers.

    Raises:
        DataError: As for `evaluate`.
    """
    truth, scores = checked(truth, scores)
    rankable = ~undefined(truth)
    if not rankable.any():
        raise DataError(
            f"ROC-AUC and PR-AUC need a tag with positives and negatives; each of "
            f"{truth.shape[1]} tags is on all of {truth.shape[0]} tracks or on none"
        )
    roc_aucs, average_precisions = ranking.areas(truth, scores)
    pooled = ranking.area(truth.ravel(), scores.ravel())
    return {
        "PR-AUC-macro": float(average_precisions[rankable].mean()),
        "ROC-AUC-macro": float(roc_aucs[rankable].mean()),
        "PR-AUC-micro": pooled[1],
        "ROC-AUC-micro": pooled[0],
    }


def decided(truth: ArrayLike, decisions: ArrayLike) -> dict[str, float]:
    """Compute the six figures of decisions.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        decisions: `(tracks, tags)` booleans, or zeros and ones.

    Raises:
        DataError: Shapes differ, or a matrix is not binary.
    """
    counts = confusion(truth, decisions)
    macro = [float(values.mean()) for values in rates(*counts)]
    micro = [float(value) for value in rates(*(each.sum() for each in counts))]
    names = ("precision", "recall", "F-score")
    return {
        f"{name}-{mean}": value
        for mean, values in (("macro", macro), ("micro", micro))
        for name, value in zip(names, values, strict=True)
    }


def per_tag(
    truth: ArrayLike,
    scores: ArrayLike,
    decisions: ArrayLike | None,
    *,
    tags: list[str],
) -> pd.DataFrame:
    """Compute every tag's own figures.

    Args:
        truth: `(tracks, tags)` booleans, or zeros and ones.
        scores: `(tracks, tags)` finite numbers.
        decisions: `(tracks, tags)` booleans, or zeros and ones; None if there are none.
        tags: The tags' names, in the order of the columns.

    Returns:
        A row per tag: tag, positives, roc_auc, pr_auc and, with decisions, f_score,
        precision, recall. An AUC that is undefined is NaN.

    Raises:
        DataError: As for `evaluate`, or the names are not as many as the tags.
    """
    truth, scores = checked(truth, scores)
    if len(tags) != truth.shape[1]:
        raise DataError(f"truth has {truth.shape[1]} tags, but {len(tags)} are named")
    roc_aucs, average_precisions = ranking.areas(truth, scores)
    table = pd.DataFrame(
        {
            "tag": tags,
            "positives": truth.sum(axis=0),
            "roc_auc": roc_aucs,
            "pr_auc": average_precisions,
        }
    )
    if decisions is None:
        return table
    precision, recall, f_score = rates(*confusion(truth, decisions))
    return table.assign(f_score=f_score, precision=precision, recall=recall)


def undefined(truth: Truth) -> NDArray[np.bool_]:
    """Tell which tags `(tags,)` are on every track or on none: they have no AUC."""
    return np.asarray(truth.all(axis=0) | ~truth.any(axis=0))


def confusion(
    truth: ArrayLike, decisions: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count `(tags,)` hits, false alarms and misses.

    Raises:
        DataError: Shapes differ, or a matrix is not binary.
    """
    truth, decisions = binary(truth, "truth"), binary(decisions, "decisions")
    _same_shape(truth, decisions, "decisions")
    counts = (truth & decisions, ~truth & decisions, truth & ~decisions)
    hits, false_alarms, misses = (np.count_nonzero(each, axis=0) for each in counts)
    return hits, false_alarms, misses


def rates(
    hits: Counts, false_alarms: Counts, misses: Counts
) -> tuple[Values, Values, Values]:
    """Turn counts of one shape into precision, recall and F-score; 0 / 0 is 0."""
    positive, true = hits + false_alarms, hits + misses
    return (
        _ratio(hits, positive),
        _ratio(hits, true),
        _ratio(2 * hits, positive + true),
    )


def checked(truth: ArrayLike, scores: ArrayLike) -> tuple[Truth, Values]:
    """Return truth and scores as arrays that can be compared.

    Raises:
        DataError: Shapes differ, truth is not binary, or scores are not finite numbers.
    """
    truth, scores = binary(truth, "truth"), np.asarray(scores)
    _same_shape(truth, scores, "scores")
    if scores.dtype.kind not in "biuf":
        raise DataError(f"scores must be numbers, got {scores.dtype}")
    finite = np.isfinite(scores)
    if not finite.all():
        track, tag = np.argwhere(~finite)[0]
        raise DataError(
            f"scores must be finite numbers, but {np.count_nonzero(~finite)} of "
            f"{scores.size} are not: the first is {scores[track, tag]} at row {track}, "
            f"column {tag}; score these tracks again"
        )
    return truth, scores.astype(np.float64)


def binary(matrix: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Return a `(tracks, tags)` matrix of zeros and ones as booleans.

    Raises:
        DataError: It is not a matrix, is empty, or holds anything else.
    """
    array = np.asarray(matrix)
    if array.ndim != 2 or array.size == 0:  # noqa: PLR2004 - tracks by tags
        raise DataError(
            f"{name} must be (tracks, tags) and not empty, got {array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must be booleans or 0 and 1, got {array.dtype}")
    strange = array[(array != 0) & (array != 1)]
    if strange.size:
        raise DataError(
            f"{name} must hold only 0 and 1, got {strange[0]} "
            f"({strange.size} such values of {array.size})"
        )
    return array.astype(np.bool_)


def _same_shape(truth: Truth, other: NDArray[Any], name: str) -> None:
    if truth.shape != other.shape:
        raise DataError(
            f"{name} must cover the tracks and tags of truth: {name} are "
            f"{other.shape}, truth is {truth.shape}"
        )


def _ratio(part: Counts, whole: Counts) -> Values:
    nothing = np.zeros(np.shape(whole))
    return np.divide(part, whole, out=nothing, where=whole > 0)
