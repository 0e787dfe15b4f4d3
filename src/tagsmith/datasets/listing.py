"""What every data set is turned into before its audio is looked at."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Listing:
    """The tracks of a data set and their tags, as its publisher states them.

    Attributes:
        tracks: One row per track: `track_id`, `path` (POSIX, below `raw/`),
            `declared_seconds` (NaN where nobody says), `artist`, `album`, `recording`
            (what it was cut from) and `licence` (empty where nobody says), `group`
            (what may never straddle splits) and `split` (train, validation or test).
        annotations: One row per tag of a track: `track_id`, `tag`.
    """

    tracks: pd.DataFrame
    annotations: pd.DataFrame
