"""Tiny experiments: the default parameters shrunk until a test can afford them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tagsmith import shards
from tagsmith.config import Params
from tagsmith.datasets.listing import one_source
from tagsmith.store import Store
from tagsmith.vectors.table import Meta, WordVectors
from tests.conftest import ROOT
from tests.fakes import glove

TAGS = ["flute", "organ", "slow"]
WITHHELD = ["air", "polka"]  # known of tracks, and learnt by no tagger

TINY_CRNN = {
    "trunk.filters": [[4], [8]],
    "recurrent_units": 8,
    "dense_units": 8,
    "training.batch_size": 4,
    "training.clips_per_track": 1,
    "training.clip_seconds": 0.5,
    "training.crop_seconds": [0.25, 0.5],
    "training.phases": [
        {"epochs": 3, "learning_rate": 0.01, "decay": "none", "train_trunk": True}
    ],
    "scoring.clips": 2,
}
TINY_DEEP_SPECTRUM_RNN = {
    "recurrent_units": 8,
    "recurrent_layers": 1,
    "dense_units": 8,
    "dropout": 0.0,
    "training.batch_size": 4,
    "training.phases": [{"epochs": 3, "learning_rate": 0.01, "decay": "none"}],
    "scoring_batch_size": 4,
}
TINY_MELBAND_FCN = {
    "filters": [8, 8, 16, 16],
    "dropout": 0.0,
    "training.batch_size": 4,
    "training.phases": [{"epochs": 3, "learning_rate": 0.01, "decay": "none"}],
    "scoring_batch_size": 4,
}
TINY_MULTISCALE = {
    "filters": [[4, 4, 4], [4, 4], [4]],
    "joint_filters": [4],
    "dense_units": 8,
    "dropout": 0.0,
    "training.batch_size": 4,
    "training.clips_per_track": 1,
    "training.clip_seconds": 3.0,
    "training.crop_seconds": [1.5, 3.0],
    "training.phases": [{"epochs": 3, "learning_rate": 0.01, "decay": "none"}],
    "scoring.clips": 2,
}
TINY_SIAMESE = {
    "filters": [8, 8, 8, 8],
    "embedding_units": 8,
    "standardization": "training",
    "dropout": 0.0,
    "warm_start_epochs": 0,
    "training.optimizer": "adam",
    "training.batch_size": 16,
    "training.clips_per_track": 1,
    "training.clip_seconds": 3.02,  # 130 frames: four maxima leave one of 128
    "training.crop_seconds": [3.02],
    "training.phases": [{"epochs": 3, "learning_rate": 0.01, "decay": "none"}],
    "scoring_batch_size": 32,
}
TINY_TEXTURE = {"clip_seconds": 1.0, "ridge": 1.0, "scoring_batch_size": 32}
TINY_NETWORKS = {
    "crnn": TINY_CRNN,
    "deep_spectrum_rnn": TINY_DEEP_SPECTRUM_RNN,
    "melband_fcn": TINY_MELBAND_FCN,
    "multiscale": TINY_MULTISCALE,
    "siamese": TINY_SIAMESE,
    "texture": TINY_TEXTURE,
}
VALUES = 12  # of what a made-up CNN sees in a window
VECTORS = {"glove": 6, "chance": 5}  # how many numbers a tag has


def tiny_params(**overrides: Any) -> Params:
    """Return the default profile with tiny networks, and overrides by dotted key."""
    tiny = {
        f"architectures.{kind}.{key}": value
        for kind, network in TINY_NETWORKS.items()
        for key, value in network.items()
    }
    return Params.load(ROOT / "profiles" / "scores.yaml", {**tiny, **overrides})


def tables(rng: np.random.Generator, *, tracks: int = 24) -> tuple[pd.DataFrame, ...]:
    """Return tables of tracks, annotations and quarantine of a made-up data set."""
    names = [f"t{number:03d}" for number in range(tracks)]
    splits = (["train"] * 4 + ["validation", "test"]) * (tracks // 6 + 1)
    listing = pd.DataFrame(
        {
            "track_id": names,
            "path": [f"{name}.mp3" for name in names],
            "sha256": [f"{number:064x}" for number in range(tracks)],
            "declared_seconds": 2.0,
            "decoded_seconds": 2.0,
            "sample_rate_hz": 16000,
            "channels": 1,
            "rms_db": -20.0,
            "artist": names,
            "album": "",
            "recording": "",
            "group": names,
            "licence": "CC0",
            "split": splits[:tracks],
            "problem": "",
        }
    )
    # Six consecutive tracks make a round of splits; tags change from round to round.
    rows = [
        (name, tag)
        for number, name in enumerate(names)
        for bit, tag in enumerate(TAGS)
        if ((number // 6) + bit) % 2 or rng.random() < 0.2
    ]
    annotations = pd.DataFrame(rows, columns=["track_id", "tag"])
    return listing, annotations, pd.DataFrame({"track_id": [], "reason": []}, dtype=str)


def withheld(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return tags that no tagger learns, of two rounds of tracks in three."""
    names = enumerate(tracks["track_id"])
    rows = [(name, [*WITHHELD, ""][number // 6 % 3]) for number, name in names]
    table = pd.DataFrame(rows, columns=["track_id", "tag"])
    return table[table["tag"] != ""]


def features(
    rng: np.random.Generator,
    annotations: pd.DataFrame,
    *,
    bands: int = 64,
    frames: int = 80,
) -> dict[str, Any]:
    """Return `(frames, bands)` of each track; every tag draws its own stripes."""
    made = {}
    for track, tags in annotations.groupby("track_id")["tag"]:
        level = rng.normal(-60, 2, (frames + int(rng.integers(40)), bands))
        frame, band = np.indices(level.shape)
        stripes = {"flute": band % 4, "organ": frame % 4, "slow": (frame + band) % 4}
        for tag in tags:
            level += 40 * (stripes[tag] < 2)
        made[track] = level.astype(np.float32)
    return made


def compressed(rng: np.random.Generator, annotations: pd.DataFrame) -> dict[str, Any]:
    """Return the same stripes from 0 up, of tracks that are longer than a clip."""
    levels = features(rng, annotations, bands=128, frames=140)
    return {track: np.maximum(level + 70, 0) / 100 for track, level in levels.items()}


def windows(rng: np.random.Generator, annotations: pd.DataFrame) -> dict[str, Any]:
    """Return `(windows, values)` of each track; every tag lights its own values."""
    made = {}
    for track, tags in annotations.groupby("track_id")["tag"]:
        seen = np.abs(rng.normal(0, 1, (2 + int(rng.integers(5)), VALUES)))
        for tag in tags:
            seen[:, TAGS.index(tag) :: len(TAGS)] += 3
        made[track] = seen.astype(np.float32)
    return made


def melbands(rng: np.random.Generator, annotations: pd.DataFrame) -> dict[str, Any]:
    """Return `(40, 9)` of each track, in [0, 1]; every tag lights bands of its own."""
    made = {}
    for track, tags in annotations.groupby("track_id")["tag"]:
        level = rng.uniform(0, 0.4, (40, 9))
        for tag in tags:
            level[4 + 12 * TAGS.index(tag) :][:8] += 0.6
        made[track] = level.astype(np.float16)
    return made


def store_with_features(folder: Path, rng: np.random.Generator) -> Store:
    """Return a store that holds everything that stage `train` reads."""
    store = Store(folder / "data", scratch=folder / "scratch")
    tracks, annotations, quarantine = tables(rng)
    tracks = tracks[tracks["track_id"].isin(annotations["track_id"])]
    store.write_table("tracks", tracks)
    store.write_table("annotations", annotations)
    store.write_table("withheld", withheld(tracks))
    store.write_table("genres", one_source())
    store.write_table("quarantine", quarantine)
    makers = {
        "logmel": features,
        "logmel_11025": partial(features, bands=128),
        "deep_spectrum_1s": windows,
        "logmel_22050": compressed,
        "melbands": melbands,
    }
    for name, make in makers.items():
        place = store.place("features", name)
        place.mkdir(parents=True)
        shards.write_shard(place, 0, "tiny", make(rng, annotations))
        shards.write_index(place, {}, shards=1)
    write_vectors(store, [*TAGS, *WITHHELD])
    return store


def write_vectors(store: Store, tags: Sequence[str]) -> None:
    """Write a vocabulary of tags, and the same in other numbers that mean nothing."""
    for name, dimensions in VECTORS.items():
        drawn = glove.rows(tags, dimensions=dimensions)
        meta = Meta(kind="glove_file", origin="tiny", open=True, spellings={})
        table = WordVectors(list(drawn), np.stack(list(drawn.values())), meta)
        table.save(store.empty("vectors", name))
