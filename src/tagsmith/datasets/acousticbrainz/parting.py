"""What may not straddle splits: release groups, and recordings that sound the same.

Sources name a recording's release group each for itself, and divide what they know each
for itself. Whatever hangs together is one group here; where the files have it in
several splits, only the last of train, validation and test keeps it: what is held out
stays as published, and training never hears it.
"""

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import SplitShares
from tagsmith.core import truth

logger = logging.getLogger(__name__)

HALVES = SplitShares(train=0, validation=0.5, test=0.5)


def grouped(said: pd.DataFrame) -> pd.DataFrame:
    """Add the group of each row: the first release group of those that hang together.

    Args:
        said: A row per label, with the categoricals `recording` and `release_group`,
            whose categories are in alphabetical order.

    Returns:
        The rows with `group` in the place of `release_group`. Release groups hang
        together if a recording is in both, whoever says so.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415 - no worker needs it
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    recording = _codes(said["recording"])
    release = _codes(said["release_group"])
    names = said["release_group"].cat.categories
    nodes = len(names) + len(said["recording"].cat.categories)
    edges = coo_array(
        (np.ones(len(said), np.int8), (release, len(names) + recording)),
        shape=(nodes, nodes),
    )
    _, component = connected_components(edges, directed=False)
    _, first = np.unique(component[: len(names)], return_index=True)
    place = np.searchsorted(np.unique(component[: len(names)]), component[release])
    group = pd.Categorical.from_codes(first[place], names)
    grouped: pd.DataFrame = said.drop(columns="release_group").assign(group=group)
    return grouped


def held_apart(said: pd.DataFrame) -> pd.DataFrame:
    """Leave out what a group has in other splits than its last.

    Args:
        said: A row per label, with the categoricals `recording`, `group` and `split`.

    Returns:
        The rows that stay; the log says how many recordings do not.
    """
    split, group = _codes(said["split"]), _codes(said["group"])
    last = np.full(len(said["group"].cat.categories), -1)
    np.maximum.at(last, group, split)
    stays = split == last[group]
    kept: pd.DataFrame = said[stays]
    before = said["recording"].nunique()
    if not stays.all():
        logger.warning(
            "acousticbrainz: %d of %d recordings, and %d labels in all, are left out: "
            "their release group is in a later split as well",
            before - kept["recording"].nunique(),
            before,
            int((~stays).sum()),
        )
    return kept


def dealt(
    tracks: pd.DataFrame, said: pd.DataFrame, shares: SplitShares, *, seed: int
) -> pd.Series:
    """Deal tracks to splits by group, rare labels first.

    Args:
        tracks: `track_id`, `group` and `problem` of those to be dealt.
        said: What the target says: `recording` and `label`. Of tracks with a problem
            it does not count.
        shares: Of the splits.
        seed: Of the order.

    Returns:
        The split of each track, indexed like `tracks`.
    """
    from tagsmith.core import splits  # noqa: PLC0415 - loads scikit-learn: 45 MB

    good = tracks["track_id"][tracks["problem"] == ""]
    known = said[["recording", "label"]][said["recording"].isin(good)].astype("str")
    known.columns = pd.Index(["track_id", "tag"])
    tags = sorted(known["tag"].unique())
    table = truth.table(known, pd.Index(tracks["track_id"]), tags)
    groups = tracks["group"].astype("str")
    return splits.by_group(groups, shares, seed=seed, truth=table.to_numpy())


def without_echoes(tracks: pd.DataFrame) -> pd.DataFrame:
    """Leave out tracks that sound exactly as one of a later split.

    Args:
        tracks: `split`, and `sha256` of what is heard; empty where nothing is.

    Returns:
        The tracks that stay; the log says how many do not.
    """
    rank = tracks["split"].map({"train": 0, "validation": 1, "test": 2}).astype(int)
    last = rank.groupby(tracks["sha256"].where(tracks["sha256"] != "")).transform("max")
    echo = rank < last  # False where there is no hash
    if echo.any():
        logger.warning(
            "acousticbrainz: %d of %d tracks are left out: a document of a later split "
            "holds the same statistics",
            int(echo.sum()),
            len(tracks),
        )
    return tracks[~echo]


def _codes(column: pd.Series) -> NDArray[np.intp]:
    codes: NDArray[np.intp] = column.cat.codes.to_numpy().astype(np.intp)
    return codes
