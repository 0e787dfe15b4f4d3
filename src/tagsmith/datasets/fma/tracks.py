"""The publisher's tracks: which genres each has, who made it, in which split it is.

`tracks.csv` has a row per track, below two rows of names and one that names the first
column. Of its 53 columns eleven are read. Texts may hold ends of lines, in quotes:

            ,album,album     ,...,set     ,set   ,...,track    ,track ,track
            ,id   ,title     ,...,split   ,subset,...,genre_top,genres,genres_all
    track_id,     ,          ,...,        ,      ,...,         ,      ,
    2       ,1    ,AWOL - ...,...,training,small ,...,Hip-Hop  ,[21]  ,[21]
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tagsmith.config import SplitName
from tagsmith.datasets.fma import tables
from tagsmith.datasets.fma.genres import NAME as GENRES
from tagsmith.datasets.fma.genres import Genre
from tagsmith.errors import DataError

NAME = "tracks.csv"
FIRST = "track_id"
NAMES = 3  # rows above the first track
COLUMNS = {
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "top": ("track", "genre_top"),
    "own": ("track", "genres"),
    "all": ("track", "genres_all"),
    "seconds": ("track", "duration"),
    "licence": ("track", "license"),
    "artist_id": ("artist", "id"),
    "artist": ("artist", "name"),
    "album_id": ("album", "id"),
    "album": ("album", "title"),
}
SUBSETS = ("small", "medium", "large")  # each is part of the next
SPLITS: dict[str, SplitName] = {
    "training": "train",
    "validation": "validation",
    "test": "test",
}
NO_ALBUM = "-1"

Cells = Mapping[str, str]
Reader = Callable[[str, Cells], tuple[int, ...]]


@dataclass(frozen=True)
class Row:
    """What the table says of one track.

    Attributes:
        track_id: The publisher's number, in six digits as in the name of the file.
        genres: Their numbers; none where the track has none of the kind that is read.
        declared_seconds: Length of the whole track; NaN where nobody says, or where the
            audio is a clip of it.
        artist_id: The publisher's number; so is `album_id`, which may be empty.
        artist: The name, which may be empty; so may be `album` and `licence`.
        split: Train, validation or test.
    """

    track_id: str
    genres: tuple[int, ...]
    declared_seconds: float
    artist_id: str
    artist: str
    album_id: str
    album: str
    licence: str
    split: SplitName

    @property
    def path(self) -> str:
        """POSIX path below the folder of audio, `000/000002.mp3`."""
        return f"{self.track_id[:3]}/{self.track_id}.mp3"


def read(
    metadata: Path, genres: Mapping[int, Genre], *, subset: str, kind: str
) -> list[Row]:
    """Read the tracks of a subset.

    Args:
        metadata: Folder of the publisher's tables.
        genres: By number.
        subset: One of `SUBSETS`, or `full`.
        kind: Which genres count: `top`, `own` or `all`.

    Raises:
        DataError: A row is not what it should be, or is there twice; its line is named.
        MissingError: There is no such table.
    """
    path = metadata / NAME
    read_genres = _reader(kind, genres)
    found: dict[str, Row] = {}
    for line, cells in _cells(path):
        place = f"{path}, line {line}"
        if not _is_in(subset, cells["subset"], place):
            continue
        row = _row(place, cells, read_genres, whole=subset == "full")
        if found.setdefault(row.track_id, row) is not row:
            raise DataError(
                f"{place} lists track {cells[FIRST]} again; leave one of them out"
            )
    return list(found.values())


# --- rows


def _cells(path: Path) -> Iterator[tuple[int, Cells]]:
    """Yield the fields that are read, by the keys of `COLUMNS`, by line."""
    rows = tables.rows(path)
    names = [row for _, row in (next(rows, (0, [])) for _ in range(NAMES))]
    places = {pair: place for place, pair in enumerate(zip(*names[:2], strict=False))}
    lacking = [pair for pair in COLUMNS.values() if pair not in places]
    if lacking or names[2][:1] != [FIRST]:
        raise DataError(
            f"{path} must begin with two rows of names and a third that begins with "
            f"{FIRST}; it lacks {', '.join(map('/'.join, lacking)) or FIRST}, and "
            f"begins with {names[0][:5]}; {tables.AGAIN}"
        )
    for line, row in rows:
        tables.refuse_width(f"{path}, line {line}", row, len(names[0]))
        cells = {key: row[places[pair]].strip() for key, pair in COLUMNS.items()}
        yield line, {FIRST: row[0], **cells}


def _is_in(subset: str, smallest: str, place: str) -> bool:
    """Say whether a track is in a subset, by the smallest that it is in."""
    if smallest not in SUBSETS:
        raise DataError(
            f"{place} has an unknown set/subset: expected {', '.join(SUBSETS)}, got "
            f"{smallest!r}"
        )
    return subset == "full" or SUBSETS.index(smallest) <= SUBSETS.index(subset)


def _row(place: str, cells: Cells, read_genres: Reader, *, whole: bool) -> Row:
    if cells["split"] not in SPLITS:
        raise DataError(
            f"{place} has an unknown set/split: expected {', '.join(SPLITS)}, got "
            f"{cells['split']!r}"
        )
    album_id = cells["album_id"]
    return Row(
        track_id=f"{tables.number(place, FIRST, cells[FIRST]):06d}",
        genres=read_genres(place, cells),
        declared_seconds=_seconds(place, cells["seconds"]) if whole else math.nan,
        artist_id=str(tables.number(place, "artist/id", cells["artist_id"])),
        artist=cells["artist"],
        album_id="" if album_id == NO_ALBUM else album_id,
        album=cells["album"],
        licence=cells["licence"],
        split=SPLITS[cells["split"]],
    )


def _seconds(place: str, text: str) -> float:
    try:
        seconds = float(text or 0)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < math.inf:
        raise DataError(f"{place} has a track/duration that is no length: {text!r}")
    return seconds or math.nan  # the publisher writes 0 where the length is unknown


# --- genres


def _reader(kind: str, genres: Mapping[int, Genre]) -> Reader:
    """Return what reads the genres of a kind from a row."""
    if kind != "top":
        return partial(_listed, kind, genres)
    roots = defaultdict(list)
    for number, genre in genres.items():
        if genre.parent == 0:
            roots[genre.title].append(number)
    return partial(_root, roots)


def _root(
    roots: Mapping[str, Sequence[int]], place: str, cells: Cells
) -> tuple[int, ...]:
    """Read the root that all genres of a track have in common, if there is one."""
    title = cells["top"]
    if not title:
        return ()
    numbers = roots.get(title, ())
    if len(numbers) != 1:
        raise DataError(
            f"{place} has the track/genre_top {title!r}, and {GENRES} has "
            f"{len(numbers)} genres without a parent of that title, not one; "
            f"{tables.AGAIN}, or set dataset.genres to own or all"
        )
    return tuple(numbers)


def _listed(
    kind: str, genres: Mapping[int, Genre], place: str, cells: Cells
) -> tuple[int, ...]:
    name, text = "/".join(COLUMNS[kind]), cells[kind]
    try:
        numbers = json.loads(text)  # lists of Python's are JSON, as long as they hold
    except (ValueError, RecursionError):  # nothing but numbers
        numbers = None
    if not isinstance(numbers, list) or {type(n) for n in numbers} - {int}:
        raise DataError(f"{place} has the {name} {text!r}; expected a list as [21, 12]")
    for number in numbers:
        if number not in genres:
            raise DataError(
                f"{place} has the genre {number}, which {GENRES} lacks; {tables.AGAIN}"
            )
    return tuple(dict.fromkeys(numbers))
