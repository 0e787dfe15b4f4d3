"""Losses; `keras.ops` only, so that any backend runs them."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tagsmith.config import Hinge

RAREST = 0.02  # a tag counts as at least this frequent: no weight exceeds 49


def crossentropy(truth: NDArray[np.bool_], tag_weights: str) -> Any:  # noqa: ANN401
    """Return binary cross-entropy over tags, `none` or `balanced`.

    Args:
        truth: `(tracks, tags)` of the training split.
        tag_weights: `balanced` weighs a tag's positives by negatives per positive, so
            that rare tags count as much as frequent ones.
    """
    if tag_weights == "none":
        return keras.losses.BinaryCrossentropy()
    weights = _balance(truth.mean(axis=0))

    def balanced_crossentropy(actual: Any, scores: Any) -> Any:  # noqa: ANN401
        return ops.mean(_costs(actual, scores, weights), axis=-1)

    return balanced_crossentropy


def masked_crossentropy(frequency: NDArray[np.float64], tag_weights: str) -> Any:  # noqa: ANN401
    """Return binary cross-entropy over the tags that are known of a track.

    Targets `(batch, tags)` of 1 and 0 cost what they cost in `crossentropy`, those of
    -1, which are unknown, nothing. A track's costs are divided by the number of its
    known tags: where all are known it is the same loss.

    Args:
        frequency: `(tags,)`, of the training tracks of which a tag is known.
        tag_weights: `none` or `balanced`, as for `crossentropy`.
    """
    weights = _balance(frequency) if tag_weights == "balanced" else np.float32(1)

    def known_crossentropy(targets: Any, scores: Any) -> Any:  # noqa: ANN401
        known = ops.cast(targets >= 0, scores.dtype)
        costs = known * _costs(known * targets, scores, weights)
        count = ops.sum(known, axis=-1)
        return ops.sum(costs, axis=-1) / ops.maximum(count, 1)

    return known_crossentropy


def _balance(frequency: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the negatives per positive of tags, `(tags,)`."""
    frequency = np.maximum(frequency, RAREST)
    return ((1 - frequency) / frequency).astype(np.float32)


def _costs(actual: Any, scores: Any, weights: Any) -> Any:  # noqa: ANN401
    """Return the cross-entropy of each tag, `(batch, tags)`."""
    scores = ops.clip(scores, keras.config.epsilon(), 1 - keras.config.epsilon())
    positive = -weights * actual * ops.log(scores)
    negative = -(1 - actual) * ops.log(1 - scores)
    return positive + negative


def hinge(config: Hinge) -> Any:  # noqa: ANN401 - a function that Keras calls
    """Return the hinge loss of targets (1, -1, 0) and cosines, both `(batch, tags)`.

    A tag with -1 costs by how much its cosine plus the margin exceeds that of the tag
    with 1. `semi_hard` lets only the best of those count that lie below it, as many as
    `negatives` says; where all lie above it, the least of them.

    References:
        Choi, Lee, Park and Nam, ISMIR 2019: the sum over a batch.
        Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015: semi-hard negatives.
    """

    def hinge_loss(targets: Any, cosines: Any) -> Any:  # noqa: ANN401
        right = ops.sum(ops.where(targets > 0, cosines, 0.0), axis=-1, keepdims=True)
        wrong = ops.cast(targets < 0, cosines.dtype)  # (batch, tags)
        if config.mining == "semi_hard" and config.negatives != "all":
            wrong = _semi_hard(wrong, right, cosines, config.negatives)
        costs = wrong * ops.relu(config.margin - right + cosines)
        if config.reduction == "sum":
            return ops.sum(costs)
        return ops.sum(costs) / ops.sum(wrong)

    return hinge_loss


def _semi_hard(wrong: Any, right: Any, cosines: Any, count: int) -> Any:  # noqa: ANN401
    """Keep the wrong tags that score best below the right one."""
    tags = cosines.shape[-1]
    # Cosines lie in [-1, 1]: those above the right one come behind all below it, the
    # least first, and what is not wrong comes last.
    rank = ops.where(cosines < right, cosines, -3.0 - cosines)
    rank = ops.where(wrong > 0, rank, -9.0)
    _, best = ops.top_k(rank, min(count, tags))
    kept = ops.sum(ops.one_hot(best, tags, dtype=cosines.dtype), axis=-2)
    semi = ops.cast(rank > -2.0, cosines.dtype) * kept  # noqa: PLR2004 - see above
    none = ops.cast(ops.sum(semi, axis=-1, keepdims=True) == 0, cosines.dtype)
    first = ops.one_hot(best[..., 0], tags, dtype=cosines.dtype)
    return wrong * (semi + none * first)
