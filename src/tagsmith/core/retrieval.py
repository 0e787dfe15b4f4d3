"""How well rows rank items: tracks that rank tags, or tags that rank tracks.

Everything is `(rows, items)`. In *annotation* a row is a track and its items are tags,
in *retrieval* a row is a tag and its items are tracks: the same matrices, transposed.
Every figure is a plain mean over rows. A row that has all items, or none, cannot be
ranked: it is counted, and left out of every figure alike.

ROC-AUC counts ties as half, average precision takes equal scores as one step, as
scikit-learn does. `hit@k` is the chance that one of the k best items is right, and
`precision@k` is average precision within the k best, divided by what a perfect ranking
would find there. Both are what is expected if equal scores come in random order.

References:
    McSherry and Najork, Computing Information Retrieval Performance Measures
    Efficiently in the Presence of Tied Scores, ECIR 2008.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tagsmith.core.metrics import Truth, Values, checked, undefined
from tagsmith.core.ranking import areas
from tagsmith.errors import DataError

BLOCK = 1 << 20  # cells that are ranked at a time: bounds memory


@dataclass(frozen=True)
class Figures:
    """Means over the rows that can be ranked.

    Attributes:
        roc_auc: Area below the ROC curve.
        average_precision: What is called MAP.
        hit: By k, the chance that one of the k best items is right.
        precision: By k, average precision within the k best items.
        rows: How many rows these are the means of.
        undefined: How many rows have all items, or none, and are left out.
    """

    roc_auc: float
    average_precision: float
    hit: dict[int, float]
    precision: dict[int, float]
    rows: int
    undefined: int


def judged(truth: ArrayLike, scores: ArrayLike, *, best: Sequence[int]) -> Figures:
    """Compute every figure.

    Args:
        truth: `(rows, items)` booleans, or zeros and ones.
        scores: `(rows, items)` finite numbers; a row's highest is its best item.
        best: The k of `hit` and `precision`; one above the number of items means all.

    Raises:
        DataError: Shapes differ, values are not what they should be, a k is below 1, or
            every row has all items or none.

    >>> judged([[1, 0, 0], [0, 0, 0]], [[0.5, 0.9, 0.5], [0.1, 0.2, 0.3]], best=[2])
    Figures(roc_auc=0.25, average_precision=0.3333333333333333, hit={2: 0.5}, \
precision={2: 0.25}, rows=1, undefined=1)
    """
    values = row_values(truth, scores, best=best)
    defined = ~np.isnan(values["roc_auc"])
    if not defined.any():
        raise DataError(
            "a ranking is judged by rows with positives and negatives; each of "
            f"{len(defined)} rows has all items or none: judge other tracks or tags"
        )
    means = {name: float(found[defined].mean()) for name, found in values.items()}
    return Figures(
        roc_auc=means["roc_auc"],
        average_precision=means["average_precision"],
        hit={k: means[f"hit@{k}"] for k in best},
        precision={k: means[f"precision@{k}"] for k in best},
        rows=int(defined.sum()),
        undefined=int((~defined).sum()),
    )


def row_values(
    truth: ArrayLike, scores: ArrayLike, *, best: Sequence[int]
) -> dict[str, Values]:
    """Compute every row's own figures, of which `judged` tells the means.

    Args:
        truth: `(rows, items)` booleans, or zeros and ones.
        scores: `(rows, items)` finite numbers.
        best: The k of `hit@k` and `precision@k`.

    Returns:
        `(rows,)` by name: roc_auc, average_precision, and for each k `hit@k` and
        `precision@k`. All are NaN where a row has all items or none.

    Raises:
        DataError: Shapes differ, values are not what they should be, or a k is below 1.
    """
    best = list(dict.fromkeys(best))
    if not all(k > 0 for k in best):
        raise DataError(f"the k best items are one or more, got {best} as k")
    truth, scores = checked(truth, scores)
    values = {name: np.full(len(truth), np.nan) for name in names(best)}
    for rows in _blocks(~undefined(truth.T), truth.shape[1]):
        found = _block(truth[rows], scores[rows], best)
        for name, column in zip(values, found, strict=True):
            values[name][rows] = column
    return values


def names(best: Sequence[int]) -> list[str]:
    """Return the names of the figures, with those of each k."""
    measures = ("hit", "precision")
    return [
        "roc_auc",
        "average_precision",
        *(f"{measure}@{k}" for measure in measures for k in best),
    ]


def _blocks(defined: NDArray[np.bool_], items: int) -> Iterator[NDArray[np.intp]]:
    places = np.flatnonzero(defined)
    rows = max(1, BLOCK // items)
    for start in range(0, len(places), rows):
        yield places[start : start + rows]


def _block(truth: Truth, scores: Values, best: Sequence[int]) -> list[Values]:
    """Return the figures `(rows,)` of rows that can be ranked, as `names` has them."""
    hits, gains = _by_rank(truth, scores, max(best, default=0))
    last = [min(k, truth.shape[1]) for k in best]
    relevant = truth.sum(axis=1)
    return [
        *areas(truth.T, scores.T),
        *(hits[:, k - 1] for k in last),
        *(gains[:, :k].sum(axis=1) / np.minimum(relevant, k) for k in last),
    ]


def _by_rank(truth: Truth, scores: Values, ranks: int) -> tuple[Values, Values]:
    """Expect, rank by rank, a hit so far and the precision at a right item.

    A rank lies in a run of equal scores, of which it may show any item alike. Let a run
    of m items hold n right ones and follow F right ones, and let i of it come before
    the rank. The item at the rank is right with chance n / m; then F + i (n - 1) /
    (m - 1) right ones are expected before it. If none was right so far, it is right
    with chance n / (m - i).

    Returns:
        `(rows, ranks)` each: the chance that a right item is among those up to the
        rank, and the expected precision at the rank, 0 where its item is wrong.
    """
    order = np.argsort(-scores, axis=1)
    starts, ends = _runs(np.take_along_axis(scores, order, axis=1), ranks)
    found = np.cumsum(np.take_along_axis(truth, order, axis=1), axis=1)
    found = np.pad(found, ((0, 0), (1, 0)))  # (rows, items + 1): right ones before
    before = np.take_along_axis(found, starts, axis=1)
    right: Values = np.take_along_axis(found, ends, axis=1) - before
    rank, size = np.arange(starts.shape[1]), ends - starts
    passed = rank - starts
    missed: Values = 1 - right / (size - passed)
    hits: Values = 1 - missed.cumprod(axis=1)
    expected = 1 + before + passed * (right - 1) / np.maximum(size - 1, 1)
    gains: Values = right / size * expected / (rank + 1)
    return hits, gains


def _runs(ranked: Values, ranks: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where the run of equal scores of each of the first ranks starts and ends.

    Args:
        ranked: `(rows, items)`, the highest first.
        ranks: How many ranks are looked at, at most.
    """
    items = ranked.shape[1]
    new = np.ones((len(ranked), items + 1), np.bool_)  # a run starts here, or all end
    new[:, 1:-1] = ranked[:, 1:] != ranked[:, :-1]
    places = np.arange(items + 1)
    starts = np.maximum.accumulate(np.where(new, places, 0), axis=1)
    ends = np.where(new, places, items)[:, ::-1]
    ends = np.minimum.accumulate(ends, axis=1)[:, ::-1]
    return starts[:, :-1][:, :ranks], ends[:, 1:][:, :ranks]
