"""Siamese network: a clip and words in one space, so that any word can be scored.

audio: log-mel -> convolutions over time -> an embedding of the clip
words: tag vectors -> one layer that all tags share -> an embedding of each tag

The cosine of the two says how well they match. With the profile `zeroshot` it is the
published network, to the trainable parameter: 272,888 with tag vectors of 300 numbers,
246,888 with 40.

References:
    Choi, Lee, Park and Nam, "Zero-shot learning for audio-based music classification
    and tagging", ISMIR 2019.
"""

from typing import Any

import keras
from keras import layers

from tagsmith.config import LogMel, Siamese
from tagsmith.models.layers import MOMENTUM, STATISTICS
from tagsmith.models.words import EMBEDDING, WORDS, TagCosines

# Of each convolution, and of the maximum behind it: 130 frames become 32, 8, 2, 1.
KERNELS = POOLS = (4, 4, 4, 2)
# Mean and deviation of all values, as published.
MEAN, DEVIATION = 0.2262, 0.2579


def siamese(
    config: Siamese, feature: LogMel, *, tags: int, dimensions: int
) -> keras.Model:
    """Build the network: clips `(batch, frames, bands)` to cosines `(batch, tags)`.

    Args:
        config: The model's section.
        feature: The feature that it hears.
        tags: How many tags it learns.
        dimensions: Of their vectors; `know` tells it what these are.
    """
    frames = round(config.training.clip_seconds * feature.frames_per_second)
    words = TagCosines(
        tags,
        dimensions,
        config.embedding_units,
        centred=config.meaning == "centred",
        dtype="float32",  # whatever the precision: a margin lies between cosines
        name=WORDS,
    )
    clips = layers.Input((frames, feature.mel_bands), name="clips")
    return keras.Model(clips, words(_heard(config, clips)), name="siamese")


def classifier(network: keras.Model, tags: int) -> keras.Model:
    """Build a classifier on a siamese network's embedding of clips.

    It shares the convolutions and their weights, as the one did from which the authors
    could start, and scores `(batch, tags)` in [0, 1].
    """
    embeddings = network.get_layer(EMBEDDING).output
    scores = layers.Dense(tags, activation="sigmoid", name="tags")(embeddings)
    return keras.Model(network.input, scores, name="classifier")


def _heard(config: Siamese, clips: Any) -> Any:  # noqa: ANN401 - Keras tensors
    """Return the embeddings of clips, `(batch, units)`."""
    x = _standardized(config, clips)
    for number, (filters, kernel, pool) in enumerate(
        zip(config.filters, KERNELS, POOLS, strict=True), start=1
    ):
        x = _convolution(config, filters, kernel, name=f"conv{number}")(x)
        x = layers.MaxPooling1D(pool, name=f"conv{number}_maximum")(x)
        if config.batch_normalization:
            name = f"conv{number}_norm"
            x = layers.BatchNormalization(momentum=MOMENTUM, name=name)(x)
        x = layers.ReLU(name=f"conv{number}_relu")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    x = _convolution(config, config.embedding_units, 1, name="place")(x)
    return layers.GlobalAveragePooling1D(dtype="float32", name=EMBEDDING)(x)


def _standardized(config: Siamese, clips: Any) -> Any:  # noqa: ANN401 - Keras tensors
    if config.standardization == "published":
        return layers.Rescaling(1 / DEVIATION, -MEAN / DEVIATION, name="standard")(
            clips
        )
    return layers.Normalization(axis=-1, name=STATISTICS)(clips)


def _convolution(
    config: Siamese, filters: int, kernel: int, *, name: str
) -> keras.layers.Layer:
    return layers.Conv1D(
        filters,
        kernel,
        padding="same",
        kernel_initializer="he_uniform",
        kernel_regularizer=keras.regularizers.L2(config.weight_decay),
        name=name,
    )
