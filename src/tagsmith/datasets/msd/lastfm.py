"""Who has which of Last.fm's tags, by the publisher's database.

`lastfm_tags.db` is SQLite. A row of `tid_tag` names rows of the two other tables by
their number, and says how strong the tag is, from 0 to 100:

    tids     tid TEXT                       505,216 tracks
    tags     tag TEXT                       522,366 tags
    tid_tag  tid INT, tag INT, val REAL   8,598,630 pairs

Only the pairs of tags that count are ever in memory.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError

ADDRESS = "http://millionsongdataset.com/lastfm"
PAIR = np.dtype([("tid", np.int64), ("tag", np.int64)])
PAIRS = """
    SELECT tid, tag FROM tid_tag
    WHERE val >= ? AND tag IN (SELECT tag FROM temp.wanted)
"""


def read(
    path: Path, names: Mapping[str, str], *, least_strength: float
) -> pd.DataFrame:
    """Return the tags of tracks.

    Args:
        path: The database; it is opened to be read only.
        names: What tags are called here, by Last.fm's tag in lower case. Capitals make
            no difference.
        least_strength: Of a tag, 0 to 100, to count.

    Returns:
        One row per tag of a track, each once: `track_id`, `tag`.

    Raises:
        DataError: It is not that database, or no track has any of the tags.
        MissingError: It is not there.
    """
    with _opened(path) as database:
        called = {
            row: names[tag.lower()]
            for row, tag in database.execute("SELECT rowid, tag FROM tags")
            if tag.lower() in names
        }
        pairs = _pairs(database, called, least_strength)
        needed = set(pairs["tid"].tolist())
        track_ids = {
            row: tid
            for row, tid in database.execute("SELECT rowid, tid FROM tids")
            if row in needed
        }
    if not track_ids:
        raise DataError(
            f"{path} has {len(called)} of the {len(names)} tags of dataset.ontology "
            f"({', '.join(list(names)[:3])}...), and no track has one of them as "
            f"strongly as dataset.least_strength ({least_strength:g}); name tags of "
            "Last.fm's, or lower it"
        )
    return _annotations(pairs, track_ids, called)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database; what it cannot do is a DataError."""
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; dataset.tags must be the publisher's "
            f"lastfm_tags.db ({ADDRESS})"
        )
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            # What is no UTF-8 is no tag of an ontology, and no reason to stop.
            database.text_factory = lambda text: text.decode(errors="replace")
            yield database
    except (sqlite3.Error, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not lastfm_tags.db, a database with the tables tids (tid), "
            f"tags (tag) and tid_tag (tid, tag, val): {error}; fetch it again "
            f"({ADDRESS})"
        ) from error


def _pairs(
    database: sqlite3.Connection, called: Mapping[int, str], least_strength: float
) -> NDArray[np.void]:
    """Return the numbers of tracks and tags that belong together, of dtype `PAIR`."""
    # A table of ours lies beside the database, not in it.
    database.execute("PRAGMA temp_store = MEMORY")
    database.execute("CREATE TEMP TABLE wanted (tag INTEGER PRIMARY KEY)")
    database.executemany("INSERT INTO wanted VALUES (?)", ((row,) for row in called))
    return np.fromiter(database.execute(PAIRS, [least_strength]), PAIR)


def _annotations(
    pairs: NDArray[np.void], track_ids: Mapping[int, str], called: Mapping[int, str]
) -> pd.DataFrame:
    """Put names for numbers; tags that are called the same become one."""
    names = sorted(set(called.values()))
    places = {name: place for place, name in enumerate(names)}
    columns = {row: places[name] for row, name in called.items()}
    numbers = pd.DataFrame(
        {"tid": pairs["tid"], "tag": pd.Series(pairs["tag"]).map(columns)}
    ).drop_duplicates()
    numbers = numbers[numbers["tid"].isin(track_ids)]
    return pd.DataFrame(
        {
            "track_id": numbers["tid"].map(track_ids).to_numpy(str),
            "tag": np.array(names)[numbers["tag"]],
        }
    )
