"""Ground truths and documents become a listing."""

import logging
import math
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith.config import AcousticBrainzDataset, Engine
from tagsmith.datasets import files
from tagsmith.datasets.acousticbrainz import documents, parting, truths
from tagsmith.datasets.acousticbrainz.roots import INDEX_FILE, STATISTICS_FILE
from tagsmith.datasets.listing import Listing
from tagsmith.errors import DataError
from tagsmith.features.probe import FLOOR_DB

logger = logging.getLogger(__name__)

NO_CHANNELS = 0  # no document says how many its file had


def listing(
    config: AcousticBrainzDataset, raw: Path, *, seed: int, engine: Engine
) -> Listing:
    """Return the recordings that any source knows, after reading their documents.

    A recording whose document is bad, or not there, is a track with a problem. Splits
    are those of the files, or dealt; see `parting` for what is left out of them. Left
    out too, as published, are labels that a source says of no good training recording.

    Args:
        config: Where ground truths and documents are, and how they are split.
        raw: Where the statistics go.
        seed: Of the splits that are dealt.
        engine: Where documents are read.

    Raises:
        DataError: A ground truth is not what it should be, no document is there or
            good, or something of the data set lies in `raw`.
        MissingError: A file, folder or package is not there.
    """
    _refuse_raw(config, raw)
    said = parting.grouped(truths.read(config, engine=engine))
    if config.split == "release_group":
        said = said.drop_duplicates(["source", "recording", "label"])
    else:
        said = parting.held_apart(said)
    tracks = said.drop_duplicates("recording")[["recording", "group", "split"]]
    wanted = tracks["recording"].astype("str").tolist()
    index = documents.read(config.documents, raw, engine=engine, wanted=wanted)
    tracks = _described(tracks, index, ", ".join(config.documents))
    tracks["split"] = _split(tracks, said, config, seed=seed)
    tracks = parting.without_echoes(tracks)
    said = _learnable(said, tracks)
    tracks = tracks[tracks["track_id"].isin(said["recording"])]
    return _listed(tracks.reset_index(drop=True), said, config.target)


def _refuse_raw(config: AcousticBrainzDataset, raw: Path) -> None:
    for root in config.documents:
        if "://" not in root:
            files.refuse_raw(raw, documents=Path(root))
    for source, _, path in truths.files(config):
        files.refuse_raw(raw, **{f"truth.{source}": path})


def _described(tracks: pd.DataFrame, index: pd.DataFrame, where: str) -> pd.DataFrame:
    """Say what is known of each recording, from its document if it has one."""
    ids = tracks["recording"].astype("str").reset_index(drop=True)
    places = pd.Index(index["document"]).get_indexer(pd.Index(ids))
    missing = pd.Series(places < 0)
    found = index.iloc[places].reset_index(drop=True)  # of missing ones, the last
    for name, value in {
        "path": ids.str[:2] + "/" + ids + ".json",
        "problem": f"has no document in {where}",
        "sha256": "",
        "artist": "",
        "album": "",
        "seconds": math.nan,
        "sample_rate_hz": 0,
        "peak": 0.0,
    }.items():
        found[name] = found[name].mask(missing, value)
    found["track_id"] = ids
    for name in ("group", "split"):
        found[name] = tracks[name].astype("str").to_numpy()
    described: pd.DataFrame = found.drop(columns=["document", "row"])
    return described


def _split(
    tracks: pd.DataFrame,
    said: pd.DataFrame,
    config: AcousticBrainzDataset,
    *,
    seed: int,
) -> pd.Series:
    target = said[said["source"] == config.target]
    match config.split:
        case "published":
            return tracks["split"]
        case "halved":
            held = tracks[tracks["split"] == "validation"]
            halves = parting.dealt(held, target, parting.HALVES, seed=seed)
            return halves.reindex(tracks.index).fillna(tracks["split"])
        case "release_group":
            return parting.dealt(tracks, target, config.shares, seed=seed)


def _learnable(said: pd.DataFrame, tracks: pd.DataFrame) -> pd.DataFrame:
    """Leave out labels that nothing can learn, and say of each source how many."""
    good = tracks[(tracks["problem"] == "") & (tracks["split"] == "train")]
    said = said[said["recording"].isin(tracks["track_id"])]
    pair = said["source"].cat.codes.astype(np.int64)
    pair = pair * len(said["label"].cat.categories) + said["label"].cat.codes
    taught = pair.isin(pair[said["recording"].isin(good["track_id"])])
    lost = said[~taught].astype({"source": "str", "label": "str"})
    for source, rows in lost.groupby("source"):
        names = sorted(rows["label"].unique())
        logger.warning(
            "acousticbrainz: %d labels of %s are left out of %d recordings, as no good "
            "training recording has them, such as %s",
            len(names),
            source,
            rows["recording"].nunique(),
            names[0],
        )
    return said[taught]


def _listed(tracks: pd.DataFrame, said: pd.DataFrame, target: str) -> Listing:
    own = said[said["source"] == target]
    if own.empty:
        raise DataError(
            f"no training recording that {target} knows has a good document; see that "
            "dataset.documents and dataset.truth are of the same recordings"
        )
    names = {"recording": "track_id"}
    genres = said.rename(columns=names)[["source", "track_id", "label"]]
    genres["source"] = genres["source"].cat.as_unordered()
    genres["label"] = genres["label"].cat.remove_unused_categories()
    genres["track_id"] = genres["track_id"].astype("str")
    logger.info(
        "acousticbrainz: %d tracks, %d of them known to %s with %d labels",
        len(tracks),
        own["recording"].nunique(),
        target,
        own["label"].nunique(),
    )
    return Listing(
        tracks=_tracks(tracks),
        annotations=pd.DataFrame(
            {
                "track_id": own["recording"].astype("str").to_numpy(),
                "tag": own["label"].astype("str").to_numpy(),
            }
        ),
        genres=genres.reset_index(drop=True),
        files=frozenset({STATISTICS_FILE, INDEX_FILE}),
        probes=_probes(tracks),
    )


def _tracks(tracks: pd.DataFrame) -> pd.DataFrame:
    columns = ["track_id", "path", "artist", "album", "group", "split"]
    return tracks[columns].assign(declared_seconds=math.nan, recording="", licence="")


def _probes(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return what documents say of the files that they were made of.

    The level is that of the loudest band at its loudest: silence is told from music,
    which is all that it is for. Lengths and sample rates that good documents do not
    state are missing.
    """
    good = tracks["problem"] == ""
    with np.errstate(divide="ignore"):
        level = 10 * np.log10(tracks["peak"].to_numpy(np.float64))
    rate = tracks["sample_rate_hz"]
    return pd.DataFrame(
        {
            "path": tracks["path"],
            "sha256": tracks["sha256"],
            "declared_seconds": math.nan,
            "decoded_seconds": tracks["seconds"].where(good, 0.0),
            "sample_rate_hz": rate.where(~good | (rate > 0)),
            "channels": NO_CHANNELS,
            "rms_db": np.maximum(level, FLOOR_DB),
            "problem": tracks["problem"],
        }
    )
