"""Annotations, synonyms, a split and audio become a listing."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import MagnaTagATuneDataset
from tagsmith.core.metrics import Truth
from tagsmith.datasets import files
from tagsmith.datasets.listing import Listing
from tagsmith.datasets.magnatagatune import (
    annotations,
    audio,
    fetch,
    partition,
    synonyms,
)
from tagsmith.datasets.magnatagatune.clips import Clip
from tagsmith.errors import DataError

logger = logging.getLogger(__name__)

LICENCE = "CC BY-NC-SA"


def listing(
    config: MagnaTagATuneDataset, raw: Path, *, seed: int, workers: int
) -> Listing:
    """Return the data set with its most frequent tags, after bringing its audio.

    Synonyms are merged before tags are counted. Artist, album and recording are what
    the names of the files say; what the group is depends on the split. Audio is
    hard-linked into `raw`: do not edit your files in place afterwards. The clips that
    the publisher has as empty files are listed; `validate` finds them.

    Args:
        config: Which tags and split, where everything is, and what to fetch of it.
        raw: Where the audio goes.
        seed: Of splits that are dealt.
        workers: Files brought at a time; -1 lets Python choose.

    Raises:
        DataError: Annotations, synonyms or parts are not what they should be, there are
            fewer tags than wanted, or the folder lies in `raw`.
        MissingError: Something is not there, or cannot be fetched.
    """
    files.refuse_raw(raw, folder=config.folder)
    table = config.folder / annotations.NAME
    if config.fetch:
        fetch.fetch([table], unpacked=False)
    read = annotations.read(table, config.annotations_checksum)
    lists = synonyms.read(config.synonyms, read.tags)
    tags, truth = synonyms.merge(read.tags, read.truth, lists)
    chosen, split = choose(read.clips, truth, config, seed=seed)
    tags, truth = tuple(tags[column] for column in chosen), truth[:, chosen]
    kept = np.flatnonzero(truth.any(axis=1) | (config.untagged == "keep"))
    tracks = _tracks(read.clips, config).assign(split=split).iloc[kept]
    audio.bring(config, list(tracks["path"]), annotated={c.path for c in read.clips})
    brought = files.link_all(tracks["path"], config.folder, raw, workers=workers)
    logger.info(
        "magnatagatune: %d of %d clips, %d new in %s",
        len(tracks),
        len(read.clips),
        brought,
        raw,
    )
    return Listing(tracks, _annotations(tracks["track_id"], tags, truth[kept]))


def choose(
    clips: Sequence[Clip], truth: Truth, config: MagnaTagATuneDataset, *, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.str_]]:
    """Choose tags and splits.

    Splits that are dealt give each its share of the tags that are frequent among all
    clips; only then can it be counted which are frequent in training.

    Args:
        clips: All that are annotated.
        truth: `(clips, tags)` booleans, synonyms merged.
        config: How many tags are counted in which clips, and how splits are made.
        seed: Of splits that are dealt.

    Returns:
        The columns of the tags, and the split of every clip.
    """
    frequent = _most_frequent(truth, config.most_frequent_tags)
    split = partition.deal(clips, truth[:, frequent], config, seed=seed)
    if config.frequent_in == "train":
        frequent = _most_frequent(truth[split == "train"], config.most_frequent_tags)
    return frequent, split


def _most_frequent(truth: Truth, count: int) -> NDArray[np.intp]:
    """Return the columns with most clips; of equals, the first."""
    if count > truth.shape[1]:
        raise DataError(
            f"dataset.most_frequent_tags is {count}, but there are only "
            f"{truth.shape[1]} tags; set it to that or less"
        )
    return np.argsort(-truth.sum(axis=0), kind="stable")[:count]


def _tracks(clips: Sequence[Clip], config: MagnaTagATuneDataset) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "track_id": [clip.track_id for clip in clips],
            "path": [clip.path for clip in clips],
            "declared_seconds": [
                float(clip.end_seconds - clip.start_seconds) for clip in clips
            ],
            "artist": [clip.artist for clip in clips],
            "album": [clip.album for clip in clips],
            "recording": [clip.recording for clip in clips],
            "licence": LICENCE,
            "group": partition.groups(clips, config),
        }
    )


def _annotations(
    track_ids: pd.Series, tags: Sequence[str], truth: Truth
) -> pd.DataFrame:
    rows, columns = np.nonzero(truth)
    return pd.DataFrame(
        {"track_id": track_ids.to_numpy()[rows], "tag": np.array(tags)[columns]}
    )
