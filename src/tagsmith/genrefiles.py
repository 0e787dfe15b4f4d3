"""MediaEval's genre files: ground truths and runs, as tables and back.

Both are tab-separated UTF-8, `.bz2` or not. A ground truth has a header
(`recordingmbid`, `releasegroupmbid`, `genre1`...) and names each recording's release
group before its labels; a run has neither. Rows may be padded with empty fields. Every
objection names the file and the line.
"""

import bz2
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError
from tagsmith.store import atomic

HEADER = ("recordingmbid", "releasegroupmbid")
Row = tuple[int, list[str]]  # the line's number, from 1, and its fields


def read_truth(path: Path) -> pd.DataFrame:
    """Read which labels each recording has.

    Args:
        path: `.tsv` or `.tsv.bz2` with a header; where files were joined, headers may
            come again.

    Returns:
        A row per recording and label, in the file's order: `recording`,
        `release_group` and `label`, each a categorical. The categories of `recording`
        are in the file's order, the others sorted.

    Raises:
        MissingError: The file is not there.
        DataError: It cannot be read to its end, has no header, an empty id, a row
            without labels, or a recording or a row's label twice.
    """
    table = _Table()
    groups: dict[str, int] = {}
    of_recording = array("i")
    for line, fields in rows(path):
        if line == 1 and tuple(fields[:2]) != HEADER:
            raise DataError(
                f"{path}: line 1 must be a header that begins with {HEADER}, got "
                f"{fields[:2]}; is it a run?"
            )
        if fields[0] == HEADER[0]:
            continue
        group = fields[1] if len(fields) > 1 else ""
        fault = table.add(fields[0], fields[2:])
        if not (group or fault):
            fault = f"{fields[0]!r} needs a release group, got none"
        if fault:
            raise DataError(f"{path}, line {line}: {fault}")
        of_recording.append(groups.setdefault(group, len(groups)))
    long = table.long(path)
    of_row = np.repeat(np.array(of_recording, dtype=np.intp), table.counts)
    long["release_group"] = _sorted_categories(of_row, list(groups))
    return long[["recording", "release_group", "label"]]


def read_run(path: Path) -> pd.DataFrame:
    """Read which labels a run gives to each recording.

    Args:
        path: `.tsv` or `.tsv.bz2` without a header.

    Returns:
        A row per recording and label, in the file's order: `recording` and `label`,
        categoricals as those of `read_truth`.

    Raises:
        MissingError: The file is not there.
        DataError: It cannot be read to its end, is empty, or has an empty id, a row
            without labels, or a recording or a row's label twice.
    """
    table = _Table()
    for line, fields in rows(path):
        if fault := table.add(fields[0], fields[1:]):
            raise DataError(f"{path}, line {line}: {fault}")
    return table.long(path)


def write_run(
    path: Path, recordings: Iterable[str], labels: Iterable[Sequence[str]]
) -> None:
    """Write a run, whole or not at all.

    Args:
        path: Where to, `.tsv` or `.tsv.bz2`.
        recordings: The rows' ids.
        labels: The labels of each, written in this order.

    Raises:
        DataError: There are more of the one than of the other, a recording or one of
            its labels comes twice, an id or a label is empty or holds a tab or the end
            of a line, or a recording has no label.
    """
    seen: set[str] = set()
    with atomic(path) as place, _opened(place, "w") as file:
        for recording, own in _paired(recordings, labels):
            fields = (recording, *own)
            fault = row_fault(recording, own) or _unwritable(fields)
            if recording in seen:
                fault = f"{recording!r} comes twice"
            if fault:
                raise DataError(f"cannot write the run {path}: {fault}")
            seen.add(recording)
            file.write(("\t".join(fields) + "\n").encode())


def rows(path: Path) -> Iterator[Row]:
    """Yield the number and the fields of each line, without empty ones at its end.

    Raises:
        MissingError: The file is not there.
        DataError: It cannot be read, or a line is not UTF-8.
    """
    line = 0
    try:
        with _opened(path) as file:
            for line, content in enumerate(file, start=1):
                yield line, content.decode("utf-8").rstrip("\r\n\t").split("\t")
    except FileNotFoundError as error:
        raise MissingError(
            f"{path} is not there; expected a .tsv or .tsv.bz2"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {line}: not UTF-8 ({error}); if it is compressed, its name "
            "must end in .bz2"
        ) from error
    except (OSError, EOFError) as error:
        raise DataError(
            f"{path} cannot be read beyond line {line} ({error}); fetch it again"
        ) from error


def row_fault(recording: str, labels: Sequence[str]) -> str | None:
    """Say what is wrong with one row, by itself; None if nothing is."""
    if not recording:
        return f"a row begins with a recording's id, got none before {list(labels)}"
    if not labels:
        return f"{recording!r} needs at least one label, got none"
    if len(set(labels)) < len(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        return f"{recording!r} has labels twice: {twice}"
    return None


class _Table:
    """A long table that grows row by row: a number per label, and every name once."""

    def __init__(self) -> None:
        self.recordings: dict[str, int] = {}
        self.labels: dict[str, int] = {}
        self.counts = array("i")  # labels of each recording
        self.codes = array("i")  # of labels, of one recording after the other

    def add(self, recording: str, fields: list[str]) -> str | None:
        """Take a row in, or say what is wrong with it."""
        labels = list(filter(None, fields))
        if fault := row_fault(recording, labels):
            return fault
        if recording in self.recordings:
            return f"{recording!r} comes twice; a recording has one row"
        self.recordings[recording] = len(self.recordings)
        self.counts.append(len(labels))
        known = self.labels
        self.codes.extend([known.setdefault(label, len(known)) for label in labels])
        return None

    def long(self, path: Path) -> pd.DataFrame:
        if not self.recordings:
            raise DataError(f"{path} must have a row per recording, but has none")
        of_row = np.repeat(np.arange(len(self.counts)), self.counts)
        names = pd.Index(list(self.recordings), dtype="str")
        return pd.DataFrame(
            {
                "recording": pd.Categorical.from_codes(of_row, names),
                "label": _sorted_categories(np.array(self.codes), list(self.labels)),
            }
        )


def _sorted_categories(codes: NDArray[np.integer], names: list[str]) -> pd.Categorical:
    """Encode names anew, so that their categories are sorted."""
    order = np.argsort(np.array(names, dtype=object))
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(names))
    categories = pd.Index([names[place] for place in order], dtype="str")
    return pd.Categorical.from_codes(ranks[codes], categories)


def _opened(path: Path, mode: Literal["r", "w"] = "r") -> BinaryIO:
    if path.suffix == ".bz2":
        return cast("BinaryIO", bz2.open(path, mode))
    return cast("BinaryIO", path.open(f"{mode}b"))


def _paired(
    recordings: Iterable[str], labels: Iterable[Sequence[str]]
) -> Iterator[tuple[str, Sequence[str]]]:
    try:
        yield from zip(recordings, labels, strict=True)
    except ValueError as error:
        raise DataError(f"a run needs the labels of each recording: {error}") from error


def _unwritable(fields: Sequence[str]) -> str | None:
    bad = [each for each in fields if not each or set(each) & set("\t\r\n")]
    return f"empty, or with a tab or the end of a line in it: {bad}" if bad else None
