"""Stage `extract`: audio becomes the features that models hear, in shards.

A shard of `logmel` or `melbands` is a worker's; for `deep_spectrum`, workers draw the
pictures and a CNN looks at those of many tracks at once. Where a data set is documents
instead of audio, their statistics have been read by `ingest`.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np
import pandas as pd

from tagsmith import shards
from tagsmith.config import (
    AcousticBrainzDataset,
    DeepSpectrum,
    Feature,
    LogMel,
    Melbands,
    Params,
)
from tagsmith.datasets.acousticbrainz.kept import statistics
from tagsmith.engine import each, gathered, progress
from tagsmith.errors import DataError
from tagsmith.features import audio
from tagsmith.features.logmel import mel_filters
from tagsmith.features.melbands import scaled
from tagsmith.models import analysis
from tagsmith.models.analysis import NETWORK, ORIGIN, Analyser, analyser
from tagsmith.shards import Frames
from tagsmith.store import Store, write_json
from tagsmith.tracking.recording import Recorder

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shard:
    """One unit of work: everything that a worker on any machine needs."""

    number: int
    tracks: tuple[tuple[str, Path], ...]
    fingerprint: str
    folder: Path


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Bring the feature store `name` up to date.

    Raises:
        DataError: A file cannot be decoded, or weights are not what they should be.
        MissingError: Audio or weights are missing.
    """
    feature = params.feature(name)
    folder = store.place("features", name)
    folder.mkdir(parents=True, exist_ok=True)
    match feature:
        case Melbands() if isinstance(params.dataset, AcousticBrainzDataset):
            plan, todo = _make_of_documents(store, feature, folder)
        case LogMel() | Melbands():
            plan, todo = _make_each(params, store, feature, folder)
        case DeepSpectrum():
            plan, todo = _make_deep_spectrum(params, store, feature, folder)
            recorder.tags(analysis.origin(folder))
        case _:
            assert_never(feature)
    index = shards.write_index(folder, feature.model_dump(mode="json"), shards=plan)
    _check(store, name)
    logger.info(
        "%s: %d tracks, %d of %d shards made anew", name, len(index), todo, plan
    )
    recorder.metrics({"tracks": len(index), "frames": float(index["frames"].sum())})


def _check(store: Store, name: str) -> None:
    from tagsmith.quality import expectations

    expectations.check_features(store, name)


def _plan(
    store: Store, feature: Feature, folder: Path, made_of: dict[str, Any]
) -> list[_Shard]:
    """Return every shard of a feature store."""
    tracks = store.read_tracks(elsewhere=True)
    paths = _audio(store, feature, tracks["path"])
    plan = []
    for number, start in enumerate(range(0, len(tracks), feature.shard_tracks)):
        part = slice(start, start + feature.shard_tracks)
        hashes = tracks["sha256"].iloc[part]
        sources = [f"{track}:{sha}" for track, sha in hashes.items()]
        plan.append(
            _Shard(
                number=number,
                tracks=tuple(zip(hashes.index, paths[part], strict=True)),
                fingerprint=shards.fingerprint(made_of, sources),
                folder=folder,
            )
        )
    return plan


def _audio(store: Store, feature: Feature, paths: pd.Series) -> list[Path]:
    """Return what a feature is made from: the audio as it came, or the wavs."""
    match feature.audio:
        case "raw":
            raw = store.find("raw", made_by="ingest")
            return [raw / path for path in paths]
        case "wavs":
            wavs = store.find("wavs", made_by="convert")
            return [wavs / Path(path).with_suffix(".wav") for path in paths]
        case _:
            assert_never(feature.audio)


def _unfinished(plan: list[_Shard]) -> list[_Shard]:
    return [
        part
        for part in plan
        if not shards.is_finished(part.folder, part.number, part.fingerprint)
    ]


# --- logmel and melbands: every shard by itself, on any worker


def _make_each(
    params: Params, store: Store, feature: LogMel | Melbands, folder: Path
) -> tuple[int, int]:
    plan = _plan(store, feature, folder, feature.model_dump(mode="json"))
    todo = _unfinished(plan)
    if isinstance(feature, LogMel):
        mel_filters(feature)  # imports librosa once, before the workers are forked
    make = partial(_make_shard, feature=feature, analyse=analyser(feature, folder))
    for _ in each(make, todo, params.engine, label=f"extract {folder.name}"):
        pass
    return len(plan), len(todo)


def _make_shard(shard: _Shard, *, feature: LogMel | Melbands, analyse: Analyser) -> int:
    """Make one shard; the only code that runs on a worker."""
    tracks = {track_id: analyse(path) for track_id, path in shard.tracks}
    precision = feature.precision if isinstance(feature, Melbands) else "float16"
    _write(shard, tracks, precision=precision)
    return shard.number


def _write(
    shard: _Shard, tracks: Mapping[str, Frames], *, precision: str = "float16"
) -> None:
    for track_id, path in shard.tracks:
        if not np.isfinite(tracks[track_id]).all():
            raise DataError(f"{path}: its features hold NaN; is the file damaged?")
    shards.write_shard(
        shard.folder, shard.number, shard.fingerprint, tracks, precision=precision
    )


# --- melbands, from what was read of documents


def _make_of_documents(
    store: Store, feature: Melbands, folder: Path
) -> tuple[int, int]:
    plan = _plan(store, feature, folder, feature.model_dump(mode="json"))
    todo = _unfinished(plan)
    raw = store.find("raw", made_by="ingest")
    for shard in todo:  # copying is not worth a process
        _make_document_shard(shard, feature=feature, raw=raw)
    return len(plan), len(todo)


def _make_document_shard(shard: _Shard, *, feature: Melbands, raw: Path) -> None:
    ids = [track_id for track_id, _ in shard.tracks]
    values = scaled(statistics(raw, ids), scale=feature.scale, dtype=feature.precision)
    _write(shard, dict(zip(ids, values, strict=True)), precision=feature.precision)


# --- deep_spectrum: workers draw, one CNN looks


def _make_deep_spectrum(
    params: Params, store: Store, feature: DeepSpectrum, folder: Path
) -> tuple[int, int]:
    network = _network(feature, folder, cache=store.scratch / "weights")
    weights = audio.sha256(folder / NETWORK)
    made_of = {**feature.model_dump(mode="json"), "weights": weights}
    plan = _plan(store, feature, folder, made_of)
    todo = _unfinished(plan)
    draw = partial(analysis.pictures, feature=feature)
    label = f"extract {folder.name}"
    for shard in progress(todo, total=len(todo), label=label):
        ids, paths = zip(*shard.tracks, strict=True)
        pictures = gathered(draw, paths, params.engine, label=label)
        values = analysis.seen(network, pictures, feature.batch_images)
        _write(shard, dict(zip(ids, values, strict=True)))
    return len(plan), len(todo)


def _network(feature: DeepSpectrum, folder: Path, *, cache: Path) -> "keras.Model":
    """Return the CNN, and keep it with the store: what made it is then known."""
    from tagsmith.models import imagenet

    network, source = imagenet.published(feature.network, cache=cache)
    imagenet.keep(network, folder / NETWORK)
    write_json(folder / ORIGIN, {"network": network.name, "weights": source})
    logger.info("%s, weights of %s", network.name, source)
    return network
