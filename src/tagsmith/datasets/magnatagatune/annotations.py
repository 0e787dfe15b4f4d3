r"""The publisher's table: which clip has which tags.

`annotations_final.csv` has a row per clip and a column per tag, between the clip's
number and its path. Fields are separated by tabs and quoted, lines end in CR LF (LF and
fields without quotes are read as well):

    "clip_id"\t"no voice"\t"singer"\t...\t"mp3_path"
    "2"\t"0"\t"0"\t...\t"f/american_bach_soloists-j_s__bach_solo_...-30-59.mp3"
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tagsmith.core.metrics import Truth
from tagsmith.datasets import files
from tagsmith.datasets.magnatagatune import clips
from tagsmith.datasets.magnatagatune.clips import Clip
from tagsmith.errors import DataError, MissingError

NAME = "annotations_final.csv"
FIRST, LAST = "clip_id", "mp3_path"  # the columns around the tags
CELLS = {"0", "1"}
SHAPE = "folder/artist-album-number-title-start-end.mp3"


@dataclass(frozen=True)
class Annotations:
    """Who has which tag.

    Attributes:
        clips: In the order of the rows.
        tags: In the order of the columns.
        truth: Booleans `(clips, tags)`.
    """

    clips: tuple[Clip, ...]
    tags: tuple[str, ...]
    truth: Truth


def read(path: Path, checksum: str) -> Annotations:
    """Read and check the annotations.

    Args:
        path: The table; the paths in it are below its folder.
        checksum: `md5:` or `sha256:` and digits; empty for a table of yours.

    Raises:
        DataError: It is another table than the checksum's, or a line of it is not what
            it should be; the line is named.
        MissingError: It is not there.
    """
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; put the publisher's {NAME} into that folder, or set "
            "dataset.fetch to true"
        )
    content = path.read_bytes()
    found = files.checksum(io.BytesIO(content), like=checksum)
    if found != checksum:
        raise DataError(
            f"{path} is not the published table: expected {checksum}, got {found}; "
            "delete it and fetch it again, or set dataset.annotations_checksum to '' "
            "for a table of your own"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}; fetch it again") from error
    return _parsed(path, text)


def _parsed(path: Path, text: str) -> Annotations:
    rows = _rows(path, text)
    tags = _tags(path, next(rows, (1, []))[1])
    found: list[Clip] = []
    cells: list[str] = []
    first: dict[int | str, int] = {}  # lines by the number and path of a clip
    for line, row in rows:
        place = f"{path}, line {line}"
        cells.append(_cells(place, tags, row))
        clip = _clip(place, row, path.parent)
        for key in (clip.clip_id, clip.path):
            if first.setdefault(key, line) != line:
                raise DataError(
                    f"{place} lists {key!r}, which line {first[key]} lists already; "
                    "leave one of them out"
                )
        found.append(clip)
    if not found:
        raise DataError(f"{path} lists no clips; fetch it again")
    digits = np.frombuffer("".join(cells).encode(), np.uint8)
    truth = (digits == ord("1")).reshape(len(found), len(tags))
    return Annotations(tuple(found), tags, truth)


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of every line that has any, by number from 1."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num} is not fields separated by tabs: {error}; "
            "fetch it again"
        ) from error


def _tags(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    tags = tuple(header[1:-1])
    if not tags or (header[0], header[-1]) != (FIRST, LAST):
        shown = "\t".join(header)[:80]
        raise DataError(
            f"{path} must begin with the columns {FIRST}, tags, {LAST}, separated by "
            f"tabs, and begins with {shown!r}; it must be the publisher's {NAME}"
        )
    for tag in tags:
        if not (tag.strip() and tag.isprintable()) or tags.count(tag) > 1:
            raise DataError(
                f"{path} must name every tag once, and line 1 has {tag!r} "
                f"{tags.count(tag)} times; rename that column"
            )
    return tags


def _cells(place: str, tags: Sequence[str], row: Sequence[str]) -> str:
    """Return a clip's zeros and ones."""
    cells = row[1:-1]
    if len(row) != len(tags) + 2:
        raise DataError(
            f"{place} has {len(row)} fields, not {len(tags) + 2} as line 1: "
            f"{row[:3]}...; fetch it again"
        )
    if not CELLS.issuperset(cells):
        column = next(n for n, cell in enumerate(cells) if cell not in CELLS)
        raise DataError(
            f"{place} has {cells[column]!r} for tag {tags[column]!r}; expected 0 or 1"
        )
    return "".join(cells)


def _clip(place: str, row: Sequence[str], folder: Path) -> Clip:
    number, path = row[0], row[-1]
    if not (number.isascii() and number.isdigit()):
        raise DataError(f"{place} has the {FIRST} {number!r}; expected a number")
    clip = clips.parse(int(number), path)
    if clip is not None:
        return clip
    if files.leads_outside(path, folder):
        raise DataError(
            f"{place} leads outside {folder}: {path!r} (a path is relative to the "
            "folder of the table)"
        )
    raise DataError(
        f"{place} has the path {path!r}; expected {SHAPE}, whose folder is one of "
        "0 to 9 and a to f, and which starts before it ends"
    )
