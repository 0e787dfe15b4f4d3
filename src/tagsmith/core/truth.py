"""Truth: who says what of which track, as a table of booleans."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def known(tracks: pd.Index, said: "pd.Series[str]") -> NDArray[np.bool_]:
    """Tell of which tracks anything is said.

    As `tracks.isin(said)`, which takes a minute for millions of strings.

    Args:
        tracks: Track ids.
        said: Track ids, each any number of times.

    Returns:
        `(tracks,)` booleans.
    """
    text = pa.large_string()
    among = pc.is_in(pa.array(tracks, text), value_set=pa.array(said, text))
    found: NDArray[np.bool_] = np.asarray(among)
    return found


def table(said: pd.DataFrame, tracks: pd.Index, tags: Sequence[str]) -> pd.DataFrame:
    """Return which tags tracks have.

    Args:
        said: One row per `tag` of a `track_id`; other tracks and tags do not count.
        tracks: Track ids, each once.
        tags: Each once.

    Returns:
        Booleans `(tracks, tags)` in their orders, indexed by track id.
    """
    rows = tracks.get_indexer(pd.Index(said["track_id"]))
    columns = pd.Index(tags).get_indexer(pd.Index(said["tag"]))
    known = (rows >= 0) & (columns >= 0)
    truth = np.zeros((len(tracks), len(tags)), np.bool_)
    truth[rows[known], columns[known]] = True
    return pd.DataFrame(truth, index=tracks, columns=pd.Index(tags))
