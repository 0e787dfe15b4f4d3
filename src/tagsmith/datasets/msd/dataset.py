"""Tags, songs and audio become a listing."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith.config import MsdDataset
from tagsmith.core import splits
from tagsmith.core.leaks import folded
from tagsmith.core.metrics import Truth
from tagsmith.datasets import files
from tagsmith.datasets.listing import Listing
from tagsmith.datasets.msd import lastfm, ontology, songs
from tagsmith.errors import DataError

logger = logging.getLogger(__name__)

WAY_OUT = (
    "put audio there under such names (a part of it will do), or let dataset.audio be "
    "the folder that holds A, B and so on"
)


def listing(config: MsdDataset, raw: Path, *, seed: int, workers: int) -> Listing:
    """Return the tracks that have a tag and audio, after bringing that.

    Tracks that the list of songs lacks are left out, and so are those without audio,
    as nobody has that of all; the log says how many. The artist, without capitals, is
    the group. Audio is hard-linked into `raw`: do not edit your files in place
    afterwards.

    Args:
        config: Which tags count, where everything is, and how it is dealt to splits.
        raw: Where the audio goes.
        seed: Of the splits.
        workers: Files brought at a time; -1 lets Python choose.

    Raises:
        DataError: A file is not what it should be, no track is left, a link leads out
            of the folder of audio, or something of the data set lies in `raw`.
        MissingError: Songs, tags or ontology are not there, or no audio at all.
    """
    files.refuse_raw(
        raw,
        songs=config.songs,
        tags=config.tags,
        ontology=config.ontology,
        audio=config.audio,
    )
    names = ontology.read(config.ontology)
    annotations = lastfm.read(config.tags, names, least_strength=config.least_strength)
    artists = _listed(annotations["track_id"].unique().tolist(), config)
    heard = _heard(list(artists), config.audio)
    annotations = annotations[annotations["track_id"].isin(heard)]
    tracks = _tracks({track_id: artists[track_id] for track_id in heard})
    truth = _truth(tracks["track_id"], annotations)
    tracks["split"] = splits.by_group(
        tracks["group"], config.shares, seed=seed, truth=truth
    )
    brought = files.link_all(tracks["path"], config.audio, raw, workers=workers)
    logger.info("msd: %d tracks, %d tags, %d new in %s", *truth.shape, brought, raw)
    return Listing(tracks, annotations.reset_index(drop=True))


# --- which tracks


def _listed(tagged: Sequence[str], config: MsdDataset) -> dict[str, str]:
    """Return who made the tracks that have a tag and are on the list of songs."""
    artists = songs.artists(config.songs, set(tagged))
    if not artists:
        raise DataError(
            f"{config.songs} lists none of the {len(tagged)} tracks that have a tag, "
            f"such as {tagged[0]}; dataset.songs must be of the same data set as "
            "dataset.tags"
        )
    if len(artists) < len(tagged):
        logger.warning(
            "msd: %d of %d tracks that have a tag are left out: %s does not list them",
            len(tagged) - len(artists),
            len(tagged),
            config.songs,
        )
    return dict(sorted(artists.items()))


def _heard(track_ids: Sequence[str], audio: Path) -> list[str]:
    """Return the tracks whose audio is there."""
    heard: list[str] = []
    missing: list[str] = []
    for track_id in track_ids:
        path = songs.path_of(track_id)
        if files.is_file(audio / path):
            heard.append(track_id)
        else:
            missing.append(path)
    if not heard:
        files.refuse_missing(missing, len(track_ids), audio, way_out=WAY_OUT)
    if missing:
        logger.warning(
            "msd: %d of %d tracks are left out: their audio is not below %s (%s...)",
            len(missing),
            len(track_ids),
            audio,
            ", ".join(missing[: files.SHOWN]),
        )
    files.refuse_links(map(songs.path_of, heard), audio)
    return heard


# --- what is said of the tracks


def _tracks(artists: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "track_id": list(artists),
            "path": [songs.path_of(track_id) for track_id in artists],
            "declared_seconds": np.nan,
            "artist": list(artists.values()),
            "album": "",
            "recording": "",
            "group": [folded(name) or track_id for track_id, name in artists.items()],
            "licence": "",
        }
    )


def _truth(track_ids: pd.Series, annotations: pd.DataFrame) -> Truth:
    """Return which tags tracks have: booleans `(tracks, tags)`."""
    codes, tags = pd.factorize(annotations["tag"], sort=True)
    truth = np.zeros((len(track_ids), len(tags)), np.bool_)
    truth[pd.Index(track_ids).get_indexer(annotations["track_id"]), codes] = True
    return truth
