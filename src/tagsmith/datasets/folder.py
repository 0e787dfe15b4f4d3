"""Bring your own music: a manifest beside a folder of audio.

The manifest is described in `manifest.py`. Files are copied, in the folders that they
came in, so that DVC versions them; splits that the manifest lacks are dealt by group.
"""

import logging
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from tagsmith.config import FolderDataset, SplitShares
from tagsmith.core import splits
from tagsmith.datasets import files, manifest
from tagsmith.datasets.listing import Listing

logger = logging.getLogger(__name__)


def listing(config: FolderDataset, raw: Path, *, seed: int, workers: int) -> Listing:
    """Return the data set of a manifest, after copying its audio.

    Args:
        config: Where manifest and audio are, and how splits that it lacks are dealt.
        raw: Where the audio is copied to.
        seed: Of the splits that are dealt.
        workers: Files copied at a time; -1 lets Python choose.

    Raises:
        DataError: The manifest is not what it should be (the rows are named), or it or
            the music lies in `raw`.
        MissingError: There is no manifest.
    """
    files.refuse_raw(raw, root=config.root, manifest=config.manifest)
    entries = manifest.read(config.manifest, config.root)
    tracks = pd.DataFrame(
        {**asdict(entry), "track_id": entry.track_id, "group": entry.group}
        for entry in entries
    ).drop(columns="tags")
    annotations = pd.DataFrame(
        ((entry.track_id, tag) for entry in entries for tag in entry.tags),
        columns=["track_id", "tag"],
    )
    tracks["split"] = _dealt(tracks, annotations, config.shares, seed=seed)
    copied = files.copy_all(tracks["path"], config.root, raw, workers=workers)
    logger.info("folder: %d tracks, %d of them copied to %s", len(tracks), copied, raw)
    return Listing(tracks, annotations)


def _dealt(
    tracks: pd.DataFrame, annotations: pd.DataFrame, shares: SplitShares, *, seed: int
) -> pd.Series:
    """Keep the splits that are given; who belongs to a group follows it."""
    given = tracks["split"].where(tracks["split"] != "")
    split = given.fillna(given.groupby(tracks["group"]).transform("first"))
    left = tracks[split.isna()]
    if left.empty:
        return split
    truth = pd.crosstab(annotations["track_id"], annotations["tag"]).astype(bool)
    dealt = splits.by_group(
        left["group"],
        shares,
        seed=seed,
        truth=truth.loc[left["track_id"]].to_numpy(),
    )
    return split.fillna(dealt)
