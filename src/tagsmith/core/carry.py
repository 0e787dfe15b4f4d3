"""Scores of tags become similarities to classes that no tagger knows.

A tagger says how much a tag is there, and word vectors say what it means. The tags that
an item has more of than other items do are averaged by weight, as vectors; what the
average points at is the item's class. Nothing is trained.

References:
    Norouzi et al., Zero-Shot Learning by Convex Combination of Semantic Embeddings,
    ICLR 2014. There the weights are probabilities; here they are standard scores, as
    tags differ in how high a tagger scores them at all.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tagsmith.core import ranking
from tagsmith.core.metrics import Values
from tagsmith.errors import DataError

DIGITS = 12  # what comes behind is rounding, and shall neither weigh nor rank
NONE = -1  # the class of an item that is as similar to another


def carried(
    scores: ArrayLike, tag_vectors: ArrayLike, class_vectors: ArrayLike
) -> Values:
    """Compare items with classes by way of their tags.

    Scores are standardised per tag over the items, and where they are above the mean
    they weigh the tag's vector. A tag that never changes has no say.

    Args:
        scores: `(items, tags)`.
        tag_vectors: `(tags, d)`, none of them zero.
        class_vectors: `(classes, d)`, none of them zero.

    Returns:
        `(items, classes)` cosines of the weighted sum and each class vector; 0 to all
        classes where an item is above the mean in no tag.

    Raises:
        DataError: A matrix is empty or holds what is no finite number, shapes do not
            fit together, or a vector is zero.

    >>> carried([[1, 0], [0, 1]], [[1, 0], [0, 1]], [[0, 2], [3, 4]])
    array([[0. , 0.6],
           [1. , 0.8]])
    """
    values = finite(scores, "scores", "(items, tags)")
    tags = finite(tag_vectors, "tag vectors", "(tags, dimensions)")
    classes = finite(class_vectors, "class vectors", "(classes, dimensions)")
    if values.shape[1] != len(tags) or tags.shape[1] != classes.shape[1]:
        raise DataError(
            "scores need a vector per tag, and classes as many dimensions as tags: "
            f"scores are {values.shape}, tag vectors {tags.shape}, class vectors "
            f"{classes.shape}"
        )
    for vectors, name in ((tags, "tag"), (classes, "class")):
        _refuse_zeros(vectors, name)
    placed = np.maximum(_standardised(values), 0) @ tags  # (items, d)
    return np.round(_unit(placed) @ _unit(classes).T, DIGITS)


def winners(similarities: Values) -> NDArray[np.intp]:
    """Return the class `(items,)` that alone is the most similar; -1 if several are.

    Args:
        similarities: `(items, classes)`.

    >>> winners(np.array([[0.2, 0.9], [0.5, 0.5]]))
    array([ 1, -1])
    """
    best = similarities == similarities.max(axis=1, keepdims=True)
    return np.where(best.sum(axis=1) == 1, best.argmax(axis=1), NONE)


def class_areas(similarities: Values, truth: NDArray[np.intp]) -> Values:
    """Return the area below each class's ROC curve, its items against all others.

    Args:
        similarities: `(items, classes)`.
        truth: `(items,)`: which class each item is of.

    Returns:
        `(classes,)`; NaN for a class that every item is of, or none.
    """
    has = truth[:, np.newaxis] == np.arange(similarities.shape[1])
    found, _ = ranking.areas(has, similarities)
    return found


def finite(values: ArrayLike, name: str, shape: str) -> Values:
    """Return a matrix of finite numbers.

    Args:
        values: What should be one.
        name: What objections call it, such as `scores`.
        shape: What its axes are, such as `(items, tags)`.

    Raises:
        DataError: It has another number of axes, is empty, or holds anything else.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0:  # noqa: PLR2004 - every one is a matrix
        raise DataError(f"{name} must be {shape} and not empty, got {array.shape}")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must be numbers, got {array.dtype}")
    strange = ~np.isfinite(array)
    if strange.any():
        row, column = np.argwhere(strange)[0]
        raise DataError(
            f"{name} must be finite numbers, but {np.count_nonzero(strange)} of "
            f"{array.size} are not: the first is {array[row, column]} at row {row}, "
            f"column {column}"
        )
    return array.astype(np.float64)


def _refuse_zeros(vectors: Values, name: str) -> None:
    empty = np.flatnonzero(~vectors.any(axis=1))
    if empty.size:
        raise DataError(
            f"a {name} vector must point somewhere, but {empty.size} of {len(vectors)} "
            f"are zero: the first is row {empty[0]}; leave these out"
        )


def _standardised(scores: Values) -> Values:
    varies = np.ptp(scores, axis=0) > 0  # the deviation of equals may be above 0
    above = scores - scores.mean(axis=0)
    standardised = np.zeros_like(scores)
    np.divide(above, scores.std(axis=0), out=standardised, where=varies)
    return np.round(standardised, DIGITS)


def _unit(vectors: Values) -> Values:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.zeros_like(vectors)
    np.divide(vectors, lengths, out=unit, where=lengths > 0)
    return unit
