"""Losses; `keras.ops` only, so that any backend runs them."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

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
    frequency = np.maximum(truth.mean(axis=0), RAREST)
    weights = ((1 - frequency) / frequency).astype(np.float32)  # (tags,)

    def balanced_crossentropy(actual: Any, scores: Any) -> Any:  # noqa: ANN401
        scores = ops.clip(scores, keras.config.epsilon(), 1 - keras.config.epsilon())
        positive = -weights * actual * ops.log(scores)
        negative = -(1 - actual) * ops.log(1 - scores)
        return ops.mean(positive + negative, axis=-1)

    return balanced_crossentropy
