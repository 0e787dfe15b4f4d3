"""The publisher's tables: which track has which tags, in which split.

A split is three files, `data/splits/split-<n>/autotagging[_<subset>]-<split>.tsv`; the
subset `all` has no name in theirs. Fields are separated by tabs and never quoted, lines
end in CR LF or LF, and a row has one field more for every further tag:

    TRACK_ID       ARTIST_ID      ALBUM_ID      PATH         DURATION  TAGS
    track_0003346  artist_000517  album_000521  46/3346.mp3  195.0     mood/theme---calm
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tagsmith.config import SPLITS, SplitName
from tagsmith.errors import DataError, MissingError

REPOSITORY = "https://github.com/MTG/mtg-jamendo-dataset"
HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
CATEGORIES = {  # of the tags in a subset
    "all": ("genre", "instrument", "mood/theme"),
    "top50tags": ("genre", "instrument", "mood/theme"),
    "genre": ("genre",),
    "instrument": ("instrument",),
    "moodtheme": ("mood/theme",),
}
SEPARATOR = "---"  # between a tag's category and its name


class Tag(NamedTuple):
    """A tag as published: `mood/theme---calm` is calm, of category mood/theme."""

    category: str
    name: str


@dataclass(frozen=True)
class Row:
    """What the tables say of one track.

    Attributes:
        place: File and line, for messages.
        track_id: As published, `track_0003346`; so are `artist_id` and `album_id`.
        path: POSIX path below the folder of audio, `46/3346.mp3`.
        declared_seconds: Length of the audio.
        tags: At least one.
        split: Train, validation or test.
    """

    place: str
    track_id: str
    artist_id: str
    album_id: str
    path: str
    declared_seconds: float
    tags: tuple[Tag, ...]
    split: SplitName


def read(metadata: Path, subset: str, split: int) -> list[Row]:
    """Read the three tables of a split.

    Args:
        metadata: A checkout of the publisher's repository.
        subset: One of `CATEGORIES`.
        split: Which of the five random splits, from 0.

    Raises:
        DataError: A row is not what it should be, or is there twice; file and line are
            named.
        MissingError: There is no checkout, or no such table in it.
    """
    if not metadata.is_dir():
        raise MissingError(
            f"{metadata} is not there; dataset.metadata must be a checkout of the "
            f"publisher's repository: git clone {REPOSITORY} {metadata}"
        )
    rows = []
    for name in SPLITS:
        table = table_path(metadata, subset, split, name)
        rows += list(_rows(table, CATEGORIES[subset], name))
    _refuse_repeats(rows)
    return rows


def table_path(metadata: Path, subset: str, split: int, name: SplitName) -> Path:
    """Return where the table of a subset and split is."""
    suffix = "" if subset == "all" else f"_{subset}"
    folder = metadata / "data" / "splits" / f"split-{split}"
    return folder / f"autotagging{suffix}-{name}.tsv"


def tag_names(tags: Iterable[Tag]) -> dict[Tag, str]:
    """Name tags without their category, yet keep those of two categories apart.

    A name that only one category of the data set has stands alone (`calm`); one that
    several have is preceded by its category (`genre/ballad`, `mood/theme/ballad`).
    """
    distinct = set(tags)
    categories = Counter(tag.name for tag in distinct)
    return {
        tag: tag.name if categories[tag.name] == 1 else f"{tag.category}/{tag.name}"
        for tag in distinct
    }


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield a text file's lines, without what ends them, by number from 1.

    Raises:
        DataError: The file is not UTF-8.
        MissingError: It is not there.
    """
    try:
        # Not splitlines(): names of music hold characters that it takes for ends.
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield number, line.rstrip("\n")
    except FileNotFoundError as error:
        raise MissingError(
            f"{path} is not there; dataset.metadata must be a whole checkout of "
            f"{REPOSITORY}"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}; check it out again") from error


# --- rows


def _rows(table: Path, categories: tuple[str, ...], split: SplitName) -> Iterator[Row]:
    lines = lines_of(table)
    _, header = next(lines, (0, ""))
    if header.split("\t") != HEADER:
        raise DataError(
            f"{table} must begin with the columns {' '.join(HEADER)}, separated by "
            f"tabs, and begins with {header[:80]!r}; check it out again"
        )
    for number, line in lines:
        if line.strip():
            yield _row(f"{table}, line {number}", line.split("\t"), categories, split)


def _row(
    place: str, fields: list[str], categories: tuple[str, ...], split: SplitName
) -> Row:
    if len(fields) < len(HEADER):
        raise DataError(
            f"{place} has {len(fields)} fields, not {len(HEADER)} or more "
            f"({' '.join(HEADER)}): {fields}"
        )
    for name, field in zip(HEADER, fields, strict=False):
        if not field.strip():
            raise DataError(f"{place} has an empty {name}: {fields}")
    track_id, artist_id, album_id, path, duration, *tags = fields
    return Row(
        place=place,
        track_id=track_id,
        artist_id=artist_id,
        album_id=album_id,
        path=path,
        declared_seconds=_seconds(place, duration),
        tags=tuple(_tag(place, tag, categories) for tag in tags),
        split=split,
    )


def _seconds(place: str, duration: str) -> float:
    try:
        seconds = float(duration)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise DataError(f"{place} has a DURATION that is no length: {duration!r}")
    return seconds


def _tag(place: str, tag: str, categories: tuple[str, ...]) -> Tag:
    category, separator, name = tag.partition(SEPARATOR)
    if not separator or not name or category not in categories:
        known = " or ".join(f"{category}{SEPARATOR}..." for category in categories)
        raise DataError(
            f"{place} has a tag of an unknown category: expected {known}, got {tag!r}"
        )
    return Tag(category, name)


def _refuse_repeats(rows: Iterable[Row]) -> None:
    first: dict[str, Row] = {}
    for row in rows:
        for key in (row.track_id, row.path):
            earlier = first.setdefault(key, row)
            if earlier is not row:
                raise DataError(
                    f"{row.place} lists {key}, which {earlier.place} lists already; a "
                    "track is in one split, once: check the tables out again"
                )
