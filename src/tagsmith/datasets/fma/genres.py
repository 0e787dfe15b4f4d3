"""The publisher's genres: what they are called, and which are roots.

`genres.csv` has a row per genre. The parent of a root is 0:

    genre_id,#tracks,parent,title,top_level
    25,9261,12,Punk,12
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tagsmith.datasets.fma import tables
from tagsmith.errors import DataError

NAME = "genres.csv"
COLUMNS = ("genre_id", "parent", "title")


class Genre(NamedTuple):
    """A genre's title, and the number of the one that it is a kind of; 0 if of none."""

    title: str
    parent: int


def read(metadata: Path) -> dict[int, Genre]:
    """Read the genres by number.

    Args:
        metadata: Folder of the publisher's tables.

    Raises:
        DataError: A row is not what it should be; its line is named.
        MissingError: There is no such table.
    """
    path = metadata / NAME
    rows = tables.rows(path)
    _, header = next(rows, (1, []))
    if not set(COLUMNS) <= set(header):
        raise DataError(
            f"{path} must begin with the columns {', '.join(COLUMNS)} and others, and "
            f"begins with {header[:5]}; {tables.AGAIN}"
        )
    found: dict[int, Genre] = {}
    for line, row in rows:
        place = f"{path}, line {line}"
        tables.refuse_width(place, row, len(header))
        cells = dict(zip(header, row, strict=True))
        genre = tables.number(place, "genre_id", cells["genre_id"])
        if genre in found:
            raise DataError(f"{place} lists genre {genre} again; leave one of them out")
        parent = tables.number(place, "parent", cells["parent"])
        found[genre] = Genre(_title(place, cells["title"]), parent)
    return found


def tag_names(genres: Mapping[int, Genre]) -> dict[int, str]:
    """Name genres by their titles, yet keep those of one title apart.

    A title that only one genre has stands alone (`Punk`); one that several have is
    followed by the genre's number (`Christmas (763)`).
    """
    titles = Counter(genre.title for genre in genres.values())
    return {
        number: genre.title if titles[genre.title] == 1 else f"{genre.title} ({number})"
        for number, genre in genres.items()
    }


def _title(place: str, text: str) -> str:
    title = text.strip()
    if not (title and title.isprintable()):
        raise DataError(f"{place} has the title {text!r}; expected a name")
    return title
