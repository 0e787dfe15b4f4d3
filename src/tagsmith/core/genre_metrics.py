"""The official figures of MediaEval's AcousticBrainz genre tasks, 2017 and 2018.

Truth and decisions are sparse `(tracks, labels)` booleans over all labels of either.
Precision, recall and F-score are computed per track and per label, of all labels, of
genres and of subgenres (`rock---indie`), and averaged.

What the official script does, this does too: a track counts in the means over genres
(subgenres) if its truth has any; without a decision, precision is 0; labels that no
track has are left out of the figures per label; means are taken of rounded figures.
Rounding and summing follow R 4, as the last digit depends on them where a figure lies
half-way; earlier versions of R round some of these the other way.

References:
    Bogdanov et al., The MediaEval 2018 AcousticBrainz Genre Task.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from tagsmith.config import SplitName
from tagsmith.core.genres import is_genre
from tagsmith.errors import DataError

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

DIGITS = 4
MEASURES = ("P", "R", "F")  # precision, recall, F-score
BLOCKS = ("all", "gen", "sub")  # all labels, genres, subgenres


@dataclass(frozen=True)
class Evaluation:
    """Everything that the official script says of a run, rounded to four digits.

    Attributes:
        tracks: A row per track, and `P.all`, `R.all`, `F.all`, `P.gen`... `F.sub`; NaN
            where the truth has no such label.
        labels: A row per label of the truth, by code point, and `P`, `R`, `F`.
        summary: A row for each `per` (track, label) and `block` (all, gen, sub): how
            many are averaged, `n`, and mean and standard deviation (of a sample) of
            `P`, `R` and `F`; NaN for the mean of none, the deviation of one.
        confusion: `(true labels, decided labels)`, both as in `labels`. A hit counts 1
            on the diagonal; a false alarm counts 1 in all, in equal shares where its
            column meets the labels missed of the same track.
    """

    tracks: pd.DataFrame
    labels: pd.DataFrame
    summary: pd.DataFrame
    confusion: pd.DataFrame


def evaluate(
    truth: csr_array,
    decisions: csr_array,
    *,
    tracks: Sequence[str],
    labels: Sequence[str],
) -> Evaluation:
    """Compute all official figures of a run.

    Args:
        truth: `(tracks, labels)` booleans; each track has a label.
        decisions: `(tracks, labels)` booleans.
        tracks: The rows' names.
        labels: The columns' names.

    Raises:
        DataError: Shapes differ, or a track has no label.
    """
    truth, decisions = _counted(truth), _counted(decisions)
    _check(truth, decisions, (len(tracks), len(labels)))
    per_track = _tracks(truth, decisions, _genres(labels)).set_axis(list(tracks))
    true = np.flatnonzero(truth.sum(axis=0))
    true = true[np.argsort(np.array(labels, dtype=object)[true])]
    names = [labels[int(column)] for column in true]
    truth_only, decided = truth[:, true], decisions[:, true]
    per_label = _labels(truth_only, decided).set_axis(names)
    confusion = rounded(_confusion(truth_only, decided).toarray())
    return Evaluation(
        per_track,
        per_label,
        _summary(per_track, per_label),
        pd.DataFrame(confusion, index=names, columns=names),
    )


def on_test(figures: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the means on test, source by source, as a page shows them.

    Args:
        figures: By source, `summary` of each `split`; `per` and `block` are columns.

    Returns:
        A row for each `source` and `per`, with `P`, `R` and `F` of each block.
    """
    rows = []
    for source, table in figures.items():
        test = table[table["split"] == "test"].set_index(["per", "block"])
        for per in ("track", "label"):
            row: dict[str, Any] = {"source": source, "per": per}
            for block in BLOCKS:
                means = test.loc[(per, block), [f"{name} mean" for name in MEASURES]]
                row[block] = dict(zip(MEASURES, means, strict=True))
            rows.append(row)
    return rows


def f_score(figures: pd.DataFrame, split: SplitName) -> float:
    """Return the figure by which one model is preferred to another for a source.

    Args:
        figures: `summary` of each `split`, as for `on_test`.
        split: Which of them.

    Returns:
        The mean F-score per track, of all its labels.
    """
    of_all = (figures["split"] == split) & (figures["per"] == "track")
    (found,) = figures.loc[of_all & (figures["block"] == BLOCKS[0]), "F mean"]
    return float(found)


def rounded(values: NDArray[np.floating[Any]]) -> Values:
    """Round numbers from 0 as R 4 does: to the nearer of two candidates, else the even.

    Which is nearer is measured between floating-point numbers: half-way cases are
    decided by how the candidates are represented, and seldom by evenness.
    """
    scaled = values * 10.0**DIGITS
    floor = np.floor(scaled)
    below, above = floor / 10.0**DIGITS, np.ceil(scaled) / 10.0**DIGITS
    up, down = above - values, values - below
    upwards = (up < down) | ((up == down) & (floor % 2 == 1))
    return np.asarray(np.where(upwards, above, below))


def _counted(matrix: csr_array) -> csr_array:
    """Return 1 where there is a label, whatever the type, and nothing elsewhere."""
    flags = csr_array(matrix, dtype=np.bool_, copy=True)
    flags.sum_duplicates()  # what is stored twice is one label
    flags.eliminate_zeros()
    return flags.astype(np.int32)


def _check(truth: csr_array, decisions: csr_array, expected: tuple[int, int]) -> None:
    if truth.shape != expected or decisions.shape != expected:
        raise DataError(
            f"truth and decisions must be (tracks, labels), here {expected}; truth is "
            f"{truth.shape}, decisions are {decisions.shape}"
        )
    bare = np.flatnonzero(truth.sum(axis=1) == 0)
    if bare.size or not truth.shape[0]:
        raise DataError(
            f"every track's truth needs a label, but {bare.size} of {truth.shape[0]} "
            f"have none: rows {bare[:3].tolist()}"
        )


def _genres(labels: Sequence[str]) -> Flags:
    return np.array([is_genre(label) for label in labels], dtype=np.bool_)


def _tracks(truth: csr_array, decisions: csr_array, genres: Flags) -> pd.DataFrame:
    hits = truth.multiply(decisions)
    columns: dict[str, Values] = {}
    for block, among in zip(BLOCKS, _blocks(genres), strict=True):
        counts = [
            matrix @ among.astype(np.int64) for matrix in (hits, decisions, truth)
        ]
        rates = _rates(*counts)
        for measure, rate in zip(MEASURES, rates, strict=True):
            known = np.where(counts[-1] > 0, rate, np.nan)
            columns[f"{measure}.{block}"] = rounded(known)
    return pd.DataFrame(columns)


def _labels(truth: csr_array, decisions: csr_array) -> pd.DataFrame:
    matrices = truth.multiply(decisions), decisions, truth
    rates = _rates(*(matrix.sum(axis=0) for matrix in matrices))
    return pd.DataFrame(
        {name: rounded(rate) for name, rate in zip(MEASURES, rates, strict=True)}
    )


def _rates(hits: Any, decided: Any, true: Any) -> tuple[Values, Values, Values]:  # noqa: ANN401 - any integers
    """Turn counts into precision, recall and F-score; 0 / 0 is 0."""
    precision, recall = _ratio(hits, decided), _ratio(hits, true)
    # In this order, as the script: 2 * hits / (decided + true) may round otherwise.
    f_score = _ratio(2 * precision * recall, precision + recall)
    return precision, recall, f_score


def _ratio(part: Any, whole: Any) -> Values:  # noqa: ANN401 - any numbers
    nothing = np.zeros(np.shape(whole))
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 0))


def _confusion(truth: csr_array, decisions: csr_array) -> csr_array:
    """Count `(labels, labels)` hits, and false alarms spread over what was missed."""
    hits = csr_array(truth.multiply(decisions))
    misses, alarms = truth - hits, decisions - hits
    missed = misses.sum(axis=1)
    shares = diags_array(_ratio(np.ones(missed.shape), missed)) @ misses
    return diags_array(hits.sum(axis=0).astype(np.float64)) + shares.T @ alarms


def _summary(tracks: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    rows = {}
    for block, among in zip(BLOCKS, _blocks(_genres(list(labels.index))), strict=True):
        part = tracks[[f"{measure}.{block}" for measure in MEASURES]].dropna()
        rows["track", block] = _means(part.set_axis(list(MEASURES), axis="columns"))
        rows["label", block] = _means(labels[among])
    order = [(per, block) for per in ("track", "label") for block in BLOCKS]
    index = pd.MultiIndex.from_tuples(order, names=["per", "block"])
    table = pd.DataFrame([rows[key] for key in order], index=index)
    return table.astype({"n": np.int64})


def _means(figures: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {"n": len(figures)}
    for measure in MEASURES:
        mean, deviation = _mean_and_deviation(figures[measure].to_numpy())
        found |= {f"{measure} mean": mean, f"{measure} sd": deviation}
    return found


def _mean_and_deviation(values: Values) -> tuple[float, float]:
    """Average in extended precision, twice: R does, and half-way cases depend on it."""
    exact = values.astype(np.longdouble)
    if not exact.size:
        return np.nan, np.nan
    mean = exact.mean()
    mean += (exact - mean).mean()
    squares = ((exact - mean) ** 2).sum()
    variance = squares / (exact.size - 1) if exact.size > 1 else np.longdouble("nan")
    both = rounded(np.array([mean, np.sqrt(variance)]).astype(np.float64))
    return float(both[0]), float(both[1])


def _blocks(genres: Flags) -> Iterator[Flags]:
    return iter((np.ones_like(genres), genres, ~genres))
