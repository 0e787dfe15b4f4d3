"""Layers that architectures share; `keras.ops` only, so that any backend runs them."""

from collections.abc import Sequence
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


def block(filters: Sequence[int], *, batch_normalization: bool, name: str) -> list[Any]:
    """Return the layers of a block: 3 x 3 convolutions with ReLU, then a 2 x 2 maximum.

    With batch normalization the last convolution's comes behind the maximum, where it
    costs a quarter; without, the order makes no difference to ReLU.
    """
    parts: list[Any] = []
    for number, count in enumerate(filters, start=1):
        own = f"{name}_{number}" if len(filters) > 1 else name
        last = [_maximum(name)] if number == len(filters) else []
        parts.append(_convolution(count, bias=not batch_normalization, name=own))
        normalize = keras.layers.BatchNormalization(
            momentum=MOMENTUM, name=f"{own}_norm"
        )
        parts += [*last, *([normalize] if batch_normalization else [])]
        parts.append(keras.layers.ReLU(name=f"{own}_relu"))
    return parts


def _convolution(filters: int, *, bias: bool, name: str) -> keras.layers.Layer:
    return keras.layers.Conv2D(filters, 3, padding="same", use_bias=bias, name=name)


def _maximum(name: str) -> keras.layers.Layer:
    return keras.layers.MaxPooling2D(2, padding="same", name=f"{name}_maximum")
