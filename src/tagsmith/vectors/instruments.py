"""Tag vectors of instruments: which ones a tag's tracks are heard to have, or to lack.

Each clip of OpenMIC-2018 fills 40 slots: 20 say that an instrument is heard, 20 that it
is not. A tag's vector is the sum over the clips of its tracks, standardised over its
own 40 numbers.

References:
    Choi, Lee, Park and Nam, Zero-shot learning for audio-based music classification and
    tagging, ISMIR 2019.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import openmic
from tagsmith.config import InstrumentVectors
from tagsmith.errors import DataError
from tagsmith.vectors.table import Found, Values, named

FMA_ID = r"\d{6}"
HEARD = 0.5  # a relevance above it says that the instrument is there
WAY_OUT = "leave such tags out (`tags` of `zeroshot`), or use other vectors"


def vectors(
    config: InstrumentVectors,
    *,
    tags: Sequence[str],
    annotations: pd.DataFrame,
    tracks: pd.DataFrame,
) -> Found:
    """Make the vectors of tags from a folder of OpenMIC-2018.

    Args:
        config: The section of `params.yaml`.
        tags: Which ones.
        annotations: `track_id`, the six digits of an FMA track's number, and `tag`.
        tracks: `track_id`, as a column or as the index, and `split`; others' tags do
            not count.

    Raises:
        MissingError: The folder lacks a file.
        DataError: It is damaged; a track is none of FMA's; or a tag has no track in it,
            or equal numbers in all slots.
    """
    clips = openmic.read(config.openmic)
    tracks = tracks.reset_index()
    if config.tracks == "train":
        tracks = tracks[tracks["split"] == "train"]
    counting = annotations[annotations["track_id"].isin(tracks["track_id"])]
    values = standardised(summed(slots(clips, config.values), clips, counting, tags))
    file = named(config.openmic / openmic.CLIPS)
    what = f"{config.values} of {config.tracks} tracks"  # noqa: PD011 - not pandas'
    return Found(list(tags), values, f"OpenMIC-2018, {what}, {file}")


def slots(
    clips: openmic.Clips, values: Literal["counts", "confidences"]
) -> NDArray[np.float64]:
    """Return what each clip says: `(clips, instruments heard and instruments not)`.

    Args:
        clips: What listeners said.
        values: Whether an answer counts as 1, or as its distance from 0.5.
    """
    relevance = clips.relevance.astype(np.float64)
    weight = np.abs(relevance - HEARD) if values == "confidences" else 1.0
    heard = relevance > HEARD
    sides = [np.where(clips.asked & side, weight, 0.0) for side in (heard, ~heard)]
    return np.hstack(sides)


def summed(
    slots: NDArray[np.float64],
    clips: openmic.Clips,
    annotations: pd.DataFrame,
    tags: Sequence[str],
) -> pd.DataFrame:
    """Add up the slots of every tag's tracks: a row per tag, in their order.

    Raises:
        DataError: A track is none of FMA's, or a tag has none in OpenMIC.
    """
    wanted = annotations[annotations["tag"].isin(tags)]
    pairs = pd.DataFrame({"track": _numbers(wanted["track_id"]), "tag": wanted["tag"]})
    by_track = pd.DataFrame(slots, index=clips.tracks).groupby(level=0).sum()
    pairs = pairs[pairs["track"].isin(by_track.index)].drop_duplicates()
    silent = sorted(set(tags) - set(pairs["tag"]))
    if silent:
        raise DataError(
            "each tag needs a track in OpenMIC-2018 that counts, but there is none of "
            f"{', '.join(map(repr, silent))}; {WAY_OUT}"
        )
    by_tag = by_track.loc[pairs["track"]].groupby(pairs["tag"].to_numpy()).sum()
    return by_tag.loc[list(tags)]


def standardised(sums: pd.DataFrame) -> Values:
    """Bring each tag's numbers to mean 0 and deviation 1.

    Args:
        sums: `(tags, slots)`, indexed by tag.

    Raises:
        DataError: All the numbers of a tag are equal.
    """
    numbers = sums.to_numpy()
    constant = np.ptp(numbers, axis=1) == 0
    if constant.any():
        raise DataError(
            "a tag's tracks must say more of some instruments than of others, but all "
            f"is equal for {', '.join(map(repr, sums.index[constant]))}; {WAY_OUT}"
        )
    centred = numbers - numbers.mean(axis=1, keepdims=True)
    deviations = numbers.std(axis=1, keepdims=True)
    return np.asarray(centred / deviations, np.float32)


def _numbers(track_ids: pd.Series) -> pd.Series:
    # Other data sets have numbers too, which must not be taken for FMA's.
    others = track_ids[~track_ids.astype(str).str.fullmatch(FMA_ID)]
    if len(others):
        raise DataError(
            "OpenMIC-2018 knows tracks of FMA, whose ids have six digits, got "
            f"{others.iloc[0]!r}; use other vectors for this data set"
        )
    return track_ids.astype(np.int64)
