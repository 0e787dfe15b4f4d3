"""Which clip is in which split, and what may never straddle two.

    folder     by the folder of the file: 12 to learn from, one to choose by, three to
               judge by; what publications compare with; albums do not straddle folders
    original   the multi-scale network's random one: clips of a recording straddle it
    recording, album, artist
               dealt by what the name of the file says, in shares of your choice

References:
    Dieleman and Schrauwen, End-to-end learning for music audio, ICASSP 2014: the
    folders. Dabral, Deshmukh and Malapati, Multi-scale CNN auto-tagging: the original.
"""

from collections.abc import Sequence
from typing import assert_never

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import MagnaTagATuneDataset, SplitName
from tagsmith.core import splits
from tagsmith.core.metrics import Truth
from tagsmith.datasets.magnatagatune.clips import Clip
from tagsmith.errors import DataError

FOLDERS: dict[str, SplitName] = {
    **dict.fromkeys("0123456789ab", "train"),
    "c": "validation",
    **dict.fromkeys("def", "test"),
}

# The original built its network before it shuffled, with the same generator: its split
# depends on how many weights were drawn.
ORIGINAL_SEED = 1337
ORIGINAL_NORMALS = 2_925_580
ORIGINAL_CLIPS = 25_863
ORIGINAL_VALIDATION = 2000
ORIGINAL_TEST = 5863


def groups(clips: Sequence[Clip], config: MagnaTagATuneDataset) -> list[str]:
    """Return what may never straddle splits, by clip."""
    match config.split:
        case "folder" | "album":
            return [clip.album for clip in clips]
        case "original":
            return [clip.track_id for clip in clips]
        case "recording":
            return [clip.recording for clip in clips]
        case "artist":
            return [clip.artist for clip in clips]
        case _:
            assert_never(config.split)


def deal(
    clips: Sequence[Clip], truth: Truth, config: MagnaTagATuneDataset, *, seed: int
) -> NDArray[np.str_]:
    """Return the split of every clip.

    Args:
        clips: All that are annotated.
        truth: `(clips, tags)` booleans of the tags that every split should have.
        config: Which split, and in what shares.
        seed: Of splits that are dealt; the others are fixed.

    Raises:
        DataError: The split is the original and there are not the 25,863 clips that it
            is defined for.
    """
    match config.split:
        case "folder":
            return np.array([FOLDERS[clip.folder] for clip in clips])
        case "original":
            return _original(clips)
        case "recording" | "album" | "artist":
            grouped = pd.Series(groups(clips, config))
            dealt = splits.by_group(grouped, config.shares, seed=seed, truth=truth)
            return dealt.to_numpy(str)
        case _:
            assert_never(config.split)


def _original(clips: Sequence[Clip]) -> NDArray[np.str_]:
    if len(clips) != ORIGINAL_CLIPS:
        raise DataError(
            f"dataset.split original is defined for all {ORIGINAL_CLIPS} clips, and "
            f"the annotations have {len(clips)}; set it to folder, recording, album or "
            "artist"
        )
    generator = np.random.RandomState(ORIGINAL_SEED)
    generator.standard_normal(ORIGINAL_NORMALS)
    order = np.arange(ORIGINAL_CLIPS)
    generator.shuffle(order)
    tested = ORIGINAL_VALIDATION + ORIGINAL_TEST
    split = np.full(ORIGINAL_CLIPS, "train", dtype="<U10")
    split[order[:ORIGINAL_VALIDATION]] = "validation"
    split[order[ORIGINAL_VALIDATION:tested]] = "test"
    # Published rows are in the order of clip ids.
    return split[np.argsort(np.argsort([clip.clip_id for clip in clips]))]
