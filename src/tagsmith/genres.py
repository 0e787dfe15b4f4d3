"""Anybody's genre runs: MediaEval's figures of one, and what keeps it from being one.

A run says which labels each recording has; a ground truth says what is true of them.
Nothing here knows of experiments.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tagsmith import genrefiles, matrices
from tagsmith.core import genre_metrics
from tagsmith.core.genre_metrics import BLOCKS, MEASURES, Evaluation
from tagsmith.errors import ConfigError, DataError
from tagsmith.store import atomic

SOME = 3  # ids named in a message
MOST = 50  # problems told of one run
BLOCK_NAMES = dict(zip(BLOCKS, ("all", "genre", "subgenre"), strict=True))
MEASURE_NAMES = dict(zip(MEASURES, ("Precision", "Recall", "F-score"), strict=True))


def evaluate(truth: Path, run: Path, out: Path | None) -> str:
    """Compute the official figures of a run, and write the four official files.

    Args:
        truth: A ground truth, `.tsv` or `.tsv.bz2`.
        run: A run of the same recordings, in any order.
        out: Folder for `<run>.results_track`, `_label`, `_summary` and `_confusion`,
            which are written all or none; beside the run if None.

    Returns:
        The summary as text.

    Raises:
        MissingError: A file is not there.
        DataError: A file is not what it should be, the recordings differ, or `out` is
            no folder.
    """
    true, said = genrefiles.read_truth(truth), genrefiles.read_run(run)
    tracks = _common(true, said, f"{run} must have the recordings of {truth}")
    labels = sorted(set(_names(true, "label")) | set(_names(said, "label")))
    found = genre_metrics.evaluate(
        _matrix(true, tracks, labels),
        _matrix(said, tracks, labels),
        tracks=tracks,
        labels=labels,
    )
    folder = run.parent if out is None else out
    _write(folder, run.name, found)
    strange = len(labels) - len(found.labels)
    return (
        f"{len(tracks)} recordings, {len(found.labels)} labels; "
        f"labels of the run that no recording has: {strange}\n\n"
        f"{_table(found.summary)}\n\n"
        f"the official files are {folder / run.name}.results_*"
    )


def check_run(
    run: Path, labels: Path | None, truth: Path | None, ids: Path | None
) -> str:
    """Say that a run may be submitted, by the rules of the official script.

    Args:
        run: A run.
        labels: All labels that it may give, one a line, or numbered from 0 as `0: pop`;
            those of the truth if None.
        truth: A ground truth with all recordings.
        ids: All recordings, one a line, where there is no truth; if None, any will do.

    Returns:
        One line with counts.

    Raises:
        ConfigError: There is neither `labels` nor `truth`, or both `truth` and `ids`.
        MissingError: A file is not there.
        DataError: A file cannot be read, or the run is wrong; all of it is told.
    """
    if labels is None and truth is None:
        raise ConfigError("a run is checked against --labels L.txt or --truth GT.tsv")
    if truth is not None and ids is not None:
        raise ConfigError("--truth names the recordings; leave out --ids or --truth")
    true = None if truth is None else genrefiles.read_truth(truth)
    vocabulary = _vocabulary(labels, true)
    recordings = _recordings(ids, true)
    first: dict[str, int] = {}
    problems = list(_problems(run, vocabulary, recordings, first))
    if problems:
        more = [f"and {len(problems) - MOST} more"] if len(problems) > MOST else []
        lines = "".join(f"\n  {each}" for each in problems[:MOST] + more)
        raise DataError(f"{run} is no valid run, problems: {len(problems)}{lines}")
    which = "any" if recordings is None else "exactly those asked for"
    return f"{run}: a valid run of {len(first)} recordings ({which})"


# --- comparing


def _problems(
    run: Path, vocabulary: set[str], recordings: set[str] | None, first: dict[str, int]
) -> Iterator[str]:
    """Tell all that is wrong with a run; `first` learns each recording's line."""
    for line, (recording, *fields) in genrefiles.rows(run):
        labels = [label for label in fields if label]
        if fault := genrefiles.row_fault(recording, labels):
            yield f"line {line}: {fault}"
        if strange := sorted(set(labels) - vocabulary):
            yield f"line {line}: {recording!r} has unknown labels: {strange}"
        if recordings is not None and recording and recording not in recordings:
            yield f"line {line}: nobody asked for recording {recording!r}"
        if recording in first:
            yield f"line {line}: {recording!r} was on line {first[recording]} already"
        first.setdefault(recording, line)
    if not first:
        yield "it is empty"
    elif missing := (recordings or set()) - set(first):
        yield f"recordings without a line: {_some(missing)}"


def _vocabulary(path: Path | None, truth: pd.DataFrame | None) -> set[str]:
    if path is not None:
        return set(_unnumbered(matrices.free_names(path, "label")))
    return set() if truth is None else set(_names(truth, "label"))


def _unnumbered(lines: list[str]) -> list[str]:
    """Return `pop` for `0: pop`, if all lines are numbered so."""
    bare = [line.removeprefix(f"{number}: ") for number, line in enumerate(lines)]
    numbered = all(line != label for line, label in zip(lines, bare, strict=True))
    return bare if numbered else lines


def _recordings(path: Path | None, truth: pd.DataFrame | None) -> set[str] | None:
    if truth is not None:
        return set(_names(truth, "recording"))
    return None if path is None else set(matrices.free_names(path, "recording"))


def _common(truth: pd.DataFrame, run: pd.DataFrame, rule: str) -> list[str]:
    """Return the recordings of both, sorted, if each has those of the other."""
    true, said = (set(_names(table, "recording")) for table in (truth, run))
    faults = {"it lacks": true - said, "it adds": said - true}
    told = [f"{what} {_some(ids)}" for what, ids in faults.items() if ids]
    if told:
        raise DataError(f"{rule}: {'; '.join(told)}; of {len(true)}")
    return sorted(true)


def _names(table: pd.DataFrame, column: str) -> list[str]:
    return list(table[column].cat.categories)


def _some(ids: Iterable[str]) -> str:
    named = sorted(ids)
    dots = ", ..." if len(named) > SOME else ""
    return f"{len(named)} ({', '.join(named[:SOME])}{dots})"


def _matrix(table: pd.DataFrame, tracks: list[str], labels: list[str]) -> csr_array:
    """Return a long table as booleans `(tracks, labels)`."""
    rows, columns = _places(table, "recording", tracks), _places(table, "label", labels)
    flags = np.ones(len(table), dtype=np.bool_)
    return csr_array((flags, (rows, columns)), shape=(len(tracks), len(labels)))


def _places(table: pd.DataFrame, column: str, names: list[str]) -> NDArray[np.intp]:
    of_category = pd.Index(names).get_indexer(pd.Index(_names(table, column)))
    return np.asarray(of_category[table[column].cat.codes])


# --- writing


def _write(folder: Path, run: str, found: Evaluation) -> None:
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; --out needs a folder, new or old")
    texts = {
        "track": _named_rows(found.tracks, corner="recordingmbid"),
        "label": _named_rows(found.labels, corner="label"),
        "summary": _official_summary(found.summary),
        "confusion": _named_rows(found.confusion, corner=None),
    }
    with ExitStack() as together:  # a full disk leaves what was there before
        for name, text in texts.items():
            path = folder / f"{run}.results_{name}"
            together.enter_context(atomic(path)).write_text(text, encoding="utf-8")


def _named_rows(table: pd.DataFrame, corner: str | None) -> str:
    """Write a table as R does; without a corner, its header is one field short."""
    values, codes = np.unique(table.to_numpy().ravel(), return_inverse=True)
    texts = np.array([_number(value) for value in values], dtype=object)
    cells = texts[codes].reshape(table.shape).tolist()
    header = ([] if corner is None else [corner]) + list(table.columns)
    body = ([name, *row] for name, row in zip(table.index, cells, strict=True))
    return "".join("\t".join(fields) + "\n" for fields in (header, *body))


def _official_summary(summary: pd.DataFrame) -> str:
    width = max(map(len, MEASURE_NAMES.values()))
    paragraphs = []
    for row in summary.reset_index().to_dict("records"):
        count = f"{BLOCK_NAMES[row['block']]} labels, n = {row['n']}"
        lines = [f"# summary per {row['per']} ({count})\n"]
        for measure, name in MEASURE_NAMES.items():
            mean = _number(row[f"{measure} mean"], unknown="NaN")
            sd = _number(row[f"{measure} sd"])
            lines.append(f"{name:>{width}}: mean = {mean} sd = {sd}\n")
        paragraphs.append("".join(lines))
    return "\n".join(paragraphs)


def _number(value: float, unknown: str = "NA") -> str:
    """Write a rounded number as R does, which prefers `1e-04` to `0.0001`: shorter."""
    if np.isnan(value):
        return unknown
    plain = f"{value:.{genre_metrics.DIGITS}f}".rstrip("0").rstrip(".")
    mantissa, exponent = f"{value:.14e}".split("e")
    short = mantissa.rstrip("0").rstrip(".") + "e" + exponent
    return plain if len(plain) <= len(short) else short


def _table(summary: pd.DataFrame) -> str:
    head = "".join(f"{name:>10}{'sd':>8}" for name in MEASURE_NAMES.values())
    lines = [f"{'':<20}{'n':>9}{head}"]
    for row in summary.reset_index().to_dict("records"):
        name = f"per {row['per']}, {BLOCK_NAMES[row['block']]}"
        means = (
            f"{row[f'{measure} mean']:>10.4f}{row[f'{measure} sd']:>8.4f}"
            for measure in MEASURES
        )
        lines.append(f"{name:<20}{row['n']:>9}" + "".join(means))
    return "\n".join(lines)
