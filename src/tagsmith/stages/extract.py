"""Stage `extract`: wavs become the features that models hear, in shards."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith import shards
from tagsmith.config import Feature, Params
from tagsmith.engine import each
from tagsmith.errors import DataError
from tagsmith.features import audio
from tagsmith.features.logmel import logmel, mel_filters
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shard:
    """One unit of work: everything that a worker on any machine needs."""

    number: int
    tracks: tuple[tuple[str, Path], ...]
    fingerprint: str
    feature: Feature
    folder: Path


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Bring the feature store `name` up to date."""
    feature = params.feature(name)
    wavs = store.find("wavs", made_by="convert")
    folder = store.place("features", name)
    folder.mkdir(parents=True, exist_ok=True)
    plan = list(_plan(store.read_tracks(), feature, wavs, folder))
    todo = [
        part
        for part in plan
        if not shards.is_finished(folder, part.number, part.fingerprint)
    ]
    mel_filters(feature)  # imports librosa once, before the workers are forked
    for _ in each(_extract_shard, todo, params.engine, label=f"extract {name}"):
        pass
    index = shards.write_index(
        folder, feature.model_dump(mode="json"), shards=len(plan)
    )
    _check(store, name)
    seconds = index["frames"].sum() / feature.frames_per_second
    logger.info(
        "%s: %d tracks, %.1f h, %d of %d shards made anew",
        name,
        len(index),
        seconds / 3600,
        len(todo),
        len(plan),
    )
    recorder.metrics({"tracks": len(index), "seconds": float(seconds)})


def _check(store: Store, name: str) -> None:
    from tagsmith.quality import expectations

    expectations.check_features(store, name)


def _plan(
    tracks: pd.DataFrame, feature: Feature, wavs: Path, folder: Path
) -> Iterator[_Shard]:
    made_of = feature.model_dump(mode="json")
    for number, start in enumerate(range(0, len(tracks), feature.shard_tracks)):
        part = tracks.iloc[start : start + feature.shard_tracks]
        paths = [wavs / Path(path).with_suffix(".wav") for path in part["path"]]
        sources = [f"{track}:{sha}" for track, sha in part["sha256"].items()]
        yield _Shard(
            number=number,
            tracks=tuple(zip(part.index, paths, strict=True)),
            fingerprint=shards.fingerprint(made_of, sources),
            feature=feature,
            folder=folder,
        )


def _extract_shard(shard: _Shard) -> int:
    """Make one shard; the only code that runs on a worker."""
    tracks = {}
    for track_id, path in shard.tracks:
        waveform = audio.read(path, shard.feature.sample_rate_hz)
        tracks[track_id] = logmel(waveform, shard.feature)
        if not np.isfinite(tracks[track_id]).all():
            raise DataError(f"{path}: its features hold NaN; is the wav damaged?")
    shards.write_shard(shard.folder, shard.number, shard.fingerprint, tracks)
    return shard.number
