"""Layers that architectures share; `keras.ops` only, so that any backend runs them."""

from typing import Any

import keras
from keras import ops

from tagsmith.features.logmel import FLOOR_DB

# Keras's .99 needs some 500 steps to forget its start; a small run has not many more.
MOMENTUM = 0.95


@keras.saving.register_keras_serializable(package="tagsmith")
class RelativeDecibels(keras.layers.Layer):  # type: ignore[misc]
    """Refer each clip to its own maximum and cut what lies 80 dB below it.

    Input and output shape: `(batch, frames, bands)`, decibels.
    """

    def call(self, decibels: Any) -> Any:  # noqa: ANN401 - any backend's tensor
        """Return decibels in [-80, 0]."""
        loudest = ops.max(decibels, axis=(1, 2), keepdims=True)
        return ops.maximum(decibels - loudest, FLOOR_DB)


def convolution(filters: int, *, batch_normalization: bool, name: str) -> list[Any]:
    """Return the layers of one 3 x 3 convolution with ReLU."""
    convolve = keras.layers.Conv2D(
        filters,
        3,
        padding="same",
        use_bias=not batch_normalization,
        activation=None if batch_normalization else "relu",
        name=name,
    )
    if not batch_normalization:
        return [convolve]
    return [
        convolve,
        keras.layers.BatchNormalization(
            momentum=MOMENTUM, name=f"{name}_normalization"
        ),
        keras.layers.ReLU(name=f"{name}_relu"),
    ]
