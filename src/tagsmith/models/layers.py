"""Layers that architectures share; `keras.ops` only, so that any backend runs them."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

FLOOR_DB = -80.0  # below the maximum of a clip nothing is kept
# Keras's .99 needs some 500 steps to forget its start; a small run has not many more.
MOMENTUM = 0.95
STATISTICS = "training_statistics"  # the layer that standardises by the training split


@keras.saving.register_keras_serializable(package="tagsmith")
class RelativeDecibels(keras.layers.Layer):  # type: ignore[misc]
    """Refer each clip to its own maximum and cut what lies 80 dB below it.

    Input and output shape: `(batch, frames, bands)`, decibels.
    """

    def call(self, decibels: Any) -> Any:  # noqa: ANN401 - any backend's tensor
        """Return decibels in [-80, 0]."""
        loudest = ops.max(decibels, axis=(1, 2), keepdims=True)
        return ops.maximum(decibels - loudest, FLOOR_DB)


@keras.saving.register_keras_serializable(package="tagsmith")
class PresentSteps(keras.layers.Layer):  # type: ignore[misc]
    """Mask the steps that pad a sequence: those of NaN, which no feature holds.

    Input and output shape: `(batch, steps, values)`; padding becomes 0.
    """

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> Any:  # noqa: ANN401, ARG002
        """Return which steps there are, `(batch, steps)`."""
        return ops.logical_not(ops.isnan(sequences[..., 0]))

    def call(self, sequences: Any) -> Any:  # noqa: ANN401 - any backend's tensor
        """Return sequences without NaN."""
        return ops.where(ops.isnan(sequences), 0, sequences)


@keras.saving.register_keras_serializable(package="tagsmith")
class MaximumOverSteps(keras.layers.Layer):  # type: ignore[misc]
    """Take the largest of each feature's steps; Keras's own layer ignores masks.

    Input shape: `(batch, steps, features)`. Output shape: `(batch, features)`.
    """

    def compute_mask(self, steps: Any, previous_mask: Any = None) -> None:  # noqa: ANN401
        """There are no steps behind it that could be masked."""

    def call(self, steps: Any, mask: Any = None) -> Any:  # noqa: ANN401 - as above
        """Return the maxima over the steps that the mask leaves."""
        if mask is not None:
            steps = ops.where(ops.expand_dims(mask, -1), steps, -float("inf"))
        return ops.max(steps, axis=1)


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
