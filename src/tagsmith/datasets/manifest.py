"""A manifest: which files are tracks, and what is known about them.

It is a CSV (UTF-8, commas, names in the first row) or Parquet file. A row is a track:

    path               below the root, with `/` between folders; required
    tags               separated by `|`, at least one; required
    artist, album      who must not straddle splits: the artist, else the album, else
    recording          what the track was cut from
    split              train, validation or test; dealt where it is empty
    licence            kept beside the track
    duration_seconds   what the publisher promises; a shorter file goes to quarantine

Other columns are ignored. Rows are counted as a spreadsheet counts them: the first
track of a CSV is row 2; of a Parquet file, row 1.
"""

import csv
import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from tagsmith.config import SPLITS
from tagsmith.core.leaks import folded
from tagsmith.datasets import files
from tagsmith.errors import DataError, MissingError

REQUIRED = ("path", "tags")
SEPARATOR = "|"
SHOWN = 3  # mistakes that a message quotes

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """One row of a manifest.

    Attributes:
        path: POSIX path below the root.
        tags: At least one, in the manifest's order, none twice.
        artist: Empty where nobody says; so are `album`, `recording`, `split` and
            `licence`.
        declared_seconds: NaN where nobody says.
    """

    path: str
    tags: tuple[str, ...]
    artist: str
    album: str
    recording: str
    split: str
    licence: str
    declared_seconds: float

    @property
    def track_id(self) -> str:
        """The path without its suffix."""
        return str(PurePosixPath(self.path).with_suffix(""))

    @property
    def group(self) -> str:
        """What must not straddle splits; spelling of names in capitals is no matter."""
        return folded(self.artist or self.album or self.recording) or self.track_id


def read(manifest: Path, root: Path) -> list[Entry]:
    """Read and check a manifest.

    Args:
        manifest: A CSV file, or a `.parquet` file.
        root: Folder that its paths are below.

    Raises:
        DataError: It cannot be read, or rows of it are wrong; they are named.
        MissingError: It is not there.
    """
    rows = _rows(manifest)
    mistakes = [
        f"row {number} {mistake}"
        for number, cells in rows.items()
        for mistake in _mistakes(cells, root)
    ]
    entries = {} if mistakes else {n: _entry(cells) for n, cells in rows.items()}
    mistakes += _repeats(entries)
    if mistakes:
        more = len(mistakes) - SHOWN
        raise DataError(
            f"{manifest}: {'; '.join(mistakes[:SHOWN])}"
            + (f"; and {more} more mistakes" if more > 0 else "")
        )
    return list(entries.values())


# --- rows of text


def _rows(manifest: Path) -> dict[int, Cells]:
    """Return the rows as stripped text by their number; empty rows are left out."""
    if not manifest.is_file():
        raise MissingError(
            f"{manifest} is not there; dataset.manifest must be a CSV or Parquet file"
        )
    try:
        rows = dict(
            _parquet(manifest) if manifest.suffix == ".parquet" else _csv(manifest)
        )
    except (csv.Error, OSError, ValueError) as error:
        raise DataError(
            f"{manifest} is not a manifest (CSV in UTF-8, or Parquet): {error}"
        ) from error
    if not rows:
        raise DataError(f"{manifest} lists no tracks")
    columns = list(next(iter(rows.values())))
    for name in REQUIRED:
        if name not in columns:
            raise DataError(
                f"{manifest} has no column {name!r}; it needs path and tags, "
                f"and has {columns}"
            )
    return rows


def _csv(manifest: Path) -> Iterator[tuple[int, Cells]]:
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="", strict=True)
        for cells in reader:
            if None in cells:  # where the reader puts values without a name
                raise csv.Error(
                    f"row {reader.line_num} has more values than the first row has "
                    'names; put values that hold a comma in "quotes"'
                )
            if any(cells.values()):
                yield reader.line_num, {k.strip(): v.strip() for k, v in cells.items()}


def _parquet(manifest: Path) -> Iterator[tuple[int, Cells]]:
    table = pd.read_parquet(manifest)
    text = table.astype(object).where(table.notna(), "").astype(str)
    for number, cells in enumerate(text.to_dict("records"), start=1):
        yield number, {str(name): value.strip() for name, value in cells.items()}


# --- what a row says


def _entry(cells: Cells) -> Entry:
    return Entry(
        path=str(PurePosixPath(cells["path"])),
        tags=_tags(cells),
        artist=cells.get("artist", ""),
        album=cells.get("album", ""),
        recording=cells.get("recording", ""),
        split=cells.get("split", ""),
        licence=cells.get("licence", ""),
        declared_seconds=_seconds(cells),
    )


def _tags(cells: Cells) -> tuple[str, ...]:
    tags = (tag.strip() for tag in cells["tags"].split(SEPARATOR))
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _seconds(cells: Cells) -> float:
    return float(cells.get("duration_seconds") or math.nan)


# --- what is wrong with it


def _mistakes(cells: Cells, root: Path) -> Iterator[str]:
    yield from _path_mistakes(cells["path"], root)
    if not _tags(cells):
        yield "has no tags"
    yield from (
        f"has a tag with control characters: {tag!r}"
        for tag in _tags(cells)
        if not tag.isprintable()
    )
    split = cells.get("split", "")
    if split not in ("", *SPLITS):
        nearest = difflib.get_close_matches(split, SPLITS, n=1, cutoff=0.3)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        yield f"has an unknown split {split!r}{hint} (known: {', '.join(SPLITS)})"
    try:
        if _seconds(cells) <= 0 or math.isinf(_seconds(cells)):
            yield f"has an impossible duration_seconds: {cells['duration_seconds']}"
    except ValueError:
        yield f"has a duration_seconds that is no number: {cells['duration_seconds']!r}"


def _path_mistakes(path: str, root: Path) -> Iterator[str]:
    if not path:
        yield "has no path"
    elif files.leads_outside(path, root):
        yield f"leads outside {root}: {path!r} (paths are relative to dataset.root)"
    elif not files.is_file(root / path):
        yield f"names a file that is not below {root}: {path!r}"


def _repeats(entries: Mapping[int, Entry]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, entry in entries.items():
        earlier = first.setdefault(entry.track_id, number)
        if earlier != number:
            yield f"row {number} lists the track of row {earlier} again: {entry.path!r}"
