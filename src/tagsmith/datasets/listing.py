"""What every data set is turned into before its audio is looked at."""

from dataclasses import dataclass, field

import pandas as pd

GENRE_COLUMNS = ("source", "track_id", "label")


def one_source() -> pd.DataFrame:
    """Return `genres` of a data set that has one source of tags: no rows."""
    return pd.DataFrame({name: [] for name in GENRE_COLUMNS}, dtype="str")


@dataclass(frozen=True)
class Listing:
    """The tracks of a data set and their tags, as its publisher states them.

    Attributes:
        tracks: One row per track: `track_id`, `path` (POSIX, below `raw/`),
            `declared_seconds` (NaN where nobody says), `artist`, `album`, `recording`
            (what it was cut from) and `licence` (empty where nobody says), `group`
            (what may never straddle splits) and `split` (train, validation or test).
        annotations: One row per tag of a track: `track_id`, `tag`.
        genres: Where several sources have tags of their own, one row per `label` of a
            `track_id` by a `source`; `annotations` is what one of them says.
        probes: A row per track with the fields of a `Probe` and `path`, where there is
            no audio below `raw/` to be decoded; None where there is.
        files: What lies below `raw/` instead.
    """

    tracks: pd.DataFrame
    annotations: pd.DataFrame
    genres: pd.DataFrame = field(default_factory=one_source)
    probes: pd.DataFrame | None = None
    files: frozenset[str] = frozenset()
