"""Siamese network: a clip and words in one space, so that any word can be scored.

audio: log-mel -> convolutions over time -> an embedding of the clip
words: tag vectors -> one layer that all tags share -> an embedding of each tag

The cosine of the two says how well they match. With the profile `zeroshot` it is the
published network, to the trainable parameter: 272,888 with tag vectors of 300 numbers,
246,888 with 40.

The vectors of the tags that a network learns are a weight of it, one that is not
trained: so it knows its tags like any other, and `TagCosines.embed` places other words
beside them.

References:
    Choi, Lee, Park and Nam, "Zero-shot learning for audio-based music classification
    and tagging", ISMIR 2019.
    Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning",
    ICML 2015: ridge regression on tag vectors, which whitening them amounts to.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from tagsmith.config import LogMel, Siamese
from tagsmith.models.layers import MOMENTUM, STATISTICS

EMBEDDING, WORDS = "embedding", "words"
# Of each convolution, and of the maximum behind it: 130 frames become 32, 8, 2, 1.
KERNELS = POOLS = (4, 4, 4, 2)
# Mean and deviation of all values, as published.
MEAN, DEVIATION = 0.2262, 0.2579
# Of the mean variance. What tells the seen tags apart by less is taken for chance.
RIDGE = 0.1

Vectors = NDArray[np.floating[Any]]


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
        whitened=config.meaning == "whitened",
        dtype="float32",  # whatever the precision: a margin lies between cosines
        name=WORDS,
    )
    clips = layers.Input((frames, feature.mel_bands), name="clips")
    return keras.Model(clips, words(_heard(config, clips)), name="siamese")


def audio(network: keras.Model) -> keras.Model:
    """Return the branch that hears: clips to embeddings `(batch, units)`."""
    return keras.Model(network.input, network.get_layer(EMBEDDING).output, name="audio")


def know(network: keras.Model, vectors: Vectors) -> None:
    """Tell a network the vectors `(tags, dimensions)` of its tags, in their order."""
    words = network.get_layer(WORDS)
    if words.whitened:
        for weight, value in zip(words.whitening, whitening(vectors), strict=True):
            weight.assign(value)
    words.vectors.assign(vectors)


def whitening(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Find where the seen tags lie around the origin, each as far from all others.

    Args:
        vectors: `(tags, dimensions)` of the seen tags.

    Returns:
        A centre `(dimensions,)`, and a basis `(dimensions, dimensions)` for directions
        from there. The product of two tags in it is what ridge regression on the
        seen ones says of one from the other.
    """
    centre = vectors.mean(axis=0)
    seen = vectors - centre
    seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    kernel = seen @ seen.T + RIDGE * np.eye(len(seen))
    values, basis = np.linalg.eigh(seen.T @ np.linalg.solve(kernel, seen))
    return centre, basis * np.sqrt(np.maximum(values, 0))


def classifier(network: keras.Model, tags: int) -> keras.Model:
    """Build a classifier on a siamese network's embedding of clips.

    It shares the convolutions and their weights, as the one did from which the authors
    could start, and scores `(batch, tags)` in [0, 1].
    """
    embeddings = network.get_layer(EMBEDDING).output
    scores = layers.Dense(tags, activation="sigmoid", name="tags")(embeddings)
    return keras.Model(network.input, scores, name="classifier")


def compared(
    network: keras.Model, embeddings: Vectors, vectors: Vectors | None = None
) -> Vectors:
    """Compare tracks with words.

    Args:
        network: A siamese network.
        embeddings: `(tracks, units)`, means over clips of what `audio` says.
        vectors: `(words, dimensions)`; None for the tags that it learnt.

    Returns:
        Cosines `(tracks, words)`.
    """
    words = network.get_layer(WORDS)
    places = words.embed(words.vectors if vectors is None else vectors)
    cosines = ops.matmul(ops.normalize(embeddings, axis=-1), ops.transpose(places))
    return np.asarray(ops.convert_to_numpy(cosines))


@keras.saving.register_keras_serializable(package="tagsmith")
class TagCosines(keras.layers.Layer):  # type: ignore[misc]
    """Compare embeddings of clips with those of tags.

    Input shape: `(batch, units)`. Output shape: `(batch, tags)`, cosines.

    Attributes:
        vectors: `(tags, dimensions)` of the tags that are learnt; not trained.
        whitening: A centre and a basis for vectors, not trained; none if they are
            taken as they are.
        projection: The layer that all tags share.
    """

    def __init__(
        self,
        tags: int,
        dimensions: int,
        units: int,
        *,
        whitened: bool,
        **options: Any,  # noqa: ANN401 - Keras's
    ) -> None:
        super().__init__(**options)
        self.tags, self.dimensions, self.whitened = tags, dimensions, whitened
        self.projection = layers.Dense(
            units, dtype=self.dtype_policy, name="projection"
        )

    def build(self, embeddings: Any) -> None:  # noqa: ANN401, ARG002 - Keras's shapes
        """Make the weights."""
        square = (self.dimensions, self.dimensions)
        self.vectors = self._known((self.tags, self.dimensions), "vectors")
        self.whitening = (
            [self._known(square[:1], "centre"), self._known(square, "basis")]
            if self.whitened
            else []
        )
        self.projection.build(square)
        self.built = True

    def _known(self, shape: tuple[int, ...], name: str) -> Any:  # noqa: ANN401
        return self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name=name
        )

    def embed(self, vectors: Any) -> Any:  # noqa: ANN401 - any backend's tensor
        """Return where words are: `(words, units)`, of length 1.

        Args:
            vectors: `(words, dimensions)`, of any words.
        """
        if self.whitened:
            centre, basis = self.whitening
            vectors = ops.matmul(ops.normalize(vectors - centre, axis=-1), basis)
        return ops.normalize(self.projection(vectors), axis=-1)

    def call(self, embeddings: Any) -> Any:  # noqa: ANN401 - as above
        """Return the cosines."""
        words = self.embed(self.vectors)
        return ops.matmul(ops.normalize(embeddings, axis=-1), ops.transpose(words))


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
