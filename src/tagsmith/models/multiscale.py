"""Multi-scale CNN: one spectrogram heard at three time scales at once.

log-mel -> three branches, each on a copy that is averaged 4 times more coarsely in time
and 2 times in frequency -> their maps side by side -> convolutions -> tags. With the
profile `magnatagatune` it is the published network, to the trainable parameter:
2,936,810 for 50 tags.

References:
    Dabral, Deshmukh and Malapati, "Multi-scale convolutional neural networks for music
    auto-tagging".
"""

from typing import Any

import keras
from keras import layers

from tagsmith.config import LogMel, Multiscale
from tagsmith.errors import ConfigError
from tagsmith.models.layers import MOMENTUM, STATISTICS

# Of the finest scale's convolutions and the maxima behind them, (frames, bands); a
# coarser scale begins further down, on maps of the same size.
KERNELS = ((7, 3), (5, 3), (3, 3))
POOLS = ((4, 2), (4, 2), (2, 2))
LAST_POOL = (2, 2)
SMALLEST = (4 * 4 * 2 * 2, 2 * 2 * 2 * 2)  # frames and bands that leave one place
# Of the flattened values, as published.
FLAT_MOMENTUM, EPSILON = 0.99, 1e-3


def multiscale(config: Multiscale, feature: LogMel, *, tags: int) -> keras.Model:
    """Build the network: clips `(batch, frames, bands)` to `(batch, tags)`.

    Raises:
        ConfigError: The clip is too short, or has too few bands, to be pooled so often.
    """
    frames = round(config.training.clip_seconds * feature.frames_per_second)
    _check_size(frames, feature)
    clips = layers.Input((frames, feature.mel_bands), name="clips")
    x = layers.Normalization(axis=-1, name=STATISTICS)(clips)
    x = layers.Reshape((frames, feature.mel_bands, 1), name="channel")(x)
    x = layers.Concatenate(name="scales")(_scales(config, x))
    *before, last = config.joint_filters
    for number, filters in enumerate(before, start=1):
        x = _convolution(config, x, filters, KERNELS[-1], name=f"joint{number}")
    name = f"joint{len(config.joint_filters)}"
    x = _convolution(config, x, last, KERNELS[-1], pool=LAST_POOL, name=name)
    x = layers.Flatten(name="flat")(x)
    x = layers.BatchNormalization(momentum=FLAT_MOMENTUM, epsilon=EPSILON, name="norm")(
        x
    )
    mask = (1, x.shape[-1]) if config.dropout_mask == "batch" else None
    x = layers.Dropout(config.dropout, noise_shape=mask, name="dropout")(x)
    x = _dense(config.dense_units, "relu", name="dense")(x)
    x = _dense(tags, "sigmoid", name="tags")(x)
    return keras.Model(clips, x, name="multiscale")


def _scales(config: Multiscale, x: Any) -> list[Any]:  # noqa: ANN401 - Keras tensors
    """Return the maps of every scale, all of one size."""
    maps = []
    for first, filters in enumerate(config.filters):
        if first:
            x = layers.AveragePooling2D(POOLS[first - 1], name=f"coarser{first}")(x)
        y = x
        stages = zip(filters, KERNELS[first:], POOLS[first:], strict=True)
        for number, (count, kernel, pool) in enumerate(stages, start=1):
            name = f"scale{first + 1}_{number}"
            y = _convolution(config, y, count, kernel, pool=pool, name=name)
        maps.append(y)
    return maps


def _convolution(
    config: Multiscale,
    x: Any,  # noqa: ANN401 - a Keras tensor, as is what it returns
    filters: int,
    kernel: tuple[int, int],
    *,
    pool: tuple[int, int] | None = None,
    name: str,
) -> Any:  # noqa: ANN401
    normalize = config.batch_normalization
    x = layers.Conv2D(
        filters,
        kernel,
        padding="same",
        use_bias=not normalize,
        kernel_initializer=_glorot(),
        name=name,
    )(x)
    if pool:  # before what follows: the same to ReLU, and less of it
        x = layers.MaxPooling2D(pool, name=f"{name}_maximum")(x)
    if normalize:
        x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _dense(units: int, activation: str, *, name: str) -> Any:  # noqa: ANN401
    start = _glorot(gain=4.0 if activation == "sigmoid" else 1.0)
    return layers.Dense(units, activation, kernel_initializer=start, name=name)


def _glorot(gain: float = 1.0) -> keras.initializers.Initializer:
    """Draw weights as published: normal, and not cut off two deviations from zero."""
    return keras.initializers.VarianceScaling(
        gain**2, mode="fan_avg", distribution="untruncated_normal"
    )


def _check_size(frames: int, feature: LogMel) -> None:
    fewest, narrowest = SMALLEST
    if frames < fewest or feature.mel_bands < narrowest:
        raise ConfigError(
            f"a multiscale network hears at least {fewest} frames "
            f"({fewest / feature.frames_per_second:.2f} s) of {narrowest} bands, got "
            f"{frames} frames of {feature.mel_bands}; lengthen training.clip_seconds "
            "or hear a feature with more bands"
        )
