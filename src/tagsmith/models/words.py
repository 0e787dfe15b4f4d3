"""What networks do with words: put them beside clips, and compare.

A network that scores any words ends in `TagCosines`. The vectors of the tags that it
learns are a weight of that layer, one that is not trained: so it knows its tags like
any other network, and `TagCosines.embed` places other words beside them.

Vectors may be *centred* by the tags that are learnt: directions from their mean, as far
as these tags span them. The product of two is then what ridge regression on how alike
the learnt tags are says of the one from the other.

References:
    Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning",
    ICML 2015.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

EMBEDDING, WORDS = "embedding", "words"  # the layers that say where clips and words are
# Of the mean variance. What tells the learnt tags apart by less is taken for chance.
RIDGE = 0.1

Vectors = NDArray[np.floating[Any]]


def audio(network: keras.Model) -> keras.Model:
    """Return the branch that hears: clips to embeddings `(batch, units)`."""
    return keras.Model(network.input, network.get_layer(EMBEDDING).output, name="audio")


def know(network: keras.Model, vectors: Vectors) -> None:
    """Tell a network the vectors `(tags, dimensions)` of its tags, in their order."""
    words = network.get_layer(WORDS)
    if words.centred:
        for weight, value in zip(words.centring, centring(vectors), strict=True):
            weight.assign(value)
    words.vectors.assign(vectors)


def centring(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Find the middle of the learnt tags, and what they span around it.

    Args:
        vectors: `(tags, dimensions)` of the learnt tags, two or more.

    Returns:
        A centre `(dimensions,)`, and a basis `(dimensions, dimensions)` for directions
        from there: nothing is left of what no learnt tag has a part in.
    """
    centre, seen, kernel = _around(vectors)
    values, basis = np.linalg.eigh(seen.T @ np.linalg.solve(kernel, seen))
    return centre, basis * np.sqrt(np.maximum(values, 0))


def from_tags(vectors: Vectors) -> Vectors:
    """Return where a clip is that has one tag: `(tags, dimensions)`, centred.

    The products of these places with those of centred words are what ridge regression
    says of the words from the tags.

    Args:
        vectors: `(tags, dimensions)` of the tags that are learnt.
    """
    _, seen, kernel = _around(vectors)
    _, basis = centring(vectors)
    places: Vectors = np.linalg.solve(kernel, seen) @ np.linalg.pinv(basis, 1e-6).T
    return places


def _around(vectors: Vectors) -> tuple[Vectors, Vectors, Vectors]:
    """Return the mean of vectors, the directions from there, and their products."""
    vectors = np.asarray(vectors, np.float64)
    centre = vectors.mean(axis=0)
    seen = vectors - centre
    seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    return centre, seen, seen @ seen.T + RIDGE * np.eye(len(seen))


def compared(
    network: keras.Model, embeddings: Vectors, vectors: Vectors | None = None
) -> Vectors:
    """Compare tracks with words.

    Args:
        network: One that compares.
        embeddings: `(tracks, units)`, means over clips of what `audio` says.
        vectors: `(words, dimensions)`; None for the tags that it learnt.

    Returns:
        Cosines `(tracks, words)`.
    """
    words = network.get_layer(WORDS)
    cosines = words.compare(embeddings, words.vectors if vectors is None else vectors)
    return np.asarray(ops.convert_to_numpy(cosines))


@keras.saving.register_keras_serializable(package="tagsmith")
class TagCosines(keras.layers.Layer):  # type: ignore[misc]
    """Compare embeddings of clips with those of tags.

    Input shape: `(batch, units)`. Output shape: `(batch, tags)`, cosines.

    Attributes:
        vectors: `(tags, dimensions)` of the tags that are learnt; not trained.
        centring: A centre and a basis for vectors, not trained; none if they are
            taken as they are.
        projection: The layer that all tags share; None where there is none.
    """

    def __init__(
        self,
        tags: int,
        dimensions: int,
        units: int | None,
        *,
        centred: bool,
        **options: Any,  # noqa: ANN401 - Keras's
    ) -> None:
        super().__init__(**options)
        self.tags, self.dimensions, self.centred = tags, dimensions, centred
        self.projection = (
            layers.Dense(units, dtype=self.dtype_policy, name="projection")
            if units
            else None
        )

    def build(self, embeddings: Any) -> None:  # noqa: ANN401, ARG002 - Keras's shapes
        """Make the weights."""
        square = (self.dimensions, self.dimensions)
        self.vectors = self._known((self.tags, self.dimensions), "vectors")
        self.centring = (
            [self._known(square[:1], "centre"), self._known(square, "basis")]
            if self.centred
            else []
        )
        if self.projection is not None:
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
        if self.centred:
            centre, basis = self.centring
            vectors = ops.matmul(ops.normalize(vectors - centre, axis=-1), basis)
        if self.projection is not None:
            vectors = self.projection(vectors)
        return ops.normalize(vectors, axis=-1)

    def compare(self, embeddings: Any, vectors: Any) -> Any:  # noqa: ANN401 - as above
        """Return the cosines of clips with any words, `(batch, words)`."""
        words = self.embed(vectors)
        return ops.matmul(ops.normalize(embeddings, axis=-1), ops.transpose(words))

    def call(self, embeddings: Any) -> Any:  # noqa: ANN401 - as above
        """Return the cosines with the tags that are learnt."""
        return self.compare(embeddings, self.vectors)
