"""What the benchmarks work on, made on the fly and the same every time."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from tagsmith.config import Params
from tagsmith.datasets.listing import one_source
from tagsmith.store import TRACK_COLUMNS, Store

ROOT = Path(__file__).parents[1]
SEED = 1883
RATE_HZ = 44100
CLIP_SECONDS = 29
NOTES_PER_SECOND = 4
NOTE_SECONDS = 2
# libsndfile maps 0..1 to LAME's 320..32 kbit/s: this is 128.
COMPRESSION = (320 - 128) / (320 - 32)
TAGS = [f"tag{number:02d}" for number in range(25)]
TAG_SHARE = 0.3  # of the tags that a track has
SPLITS = ["train"] * 7 + ["validation"] * 2 + ["test"]  # of ten tracks

Sound = NDArray[np.float32]


def params(**overrides: object) -> Params:
    """Return the experiment of `params.yaml` with overrides; `__` stands for a dot."""
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return Params.load(ROOT / "params.yaml", dotted)


def songs(folder: Path, count: int) -> list[Path]:
    """Write mp3s of 29 s, 44.1 kHz, stereo, 128 kbit/s: decaying notes and noise."""
    rng = np.random.default_rng(SEED)
    scale = [_note(55 * 2 ** (semitone / 12)) for semitone in range(60)]
    paths = [folder / f"{number:03d}.mp3" for number in range(count)]
    for path in paths:
        with soundfile.SoundFile(
            path,
            "w",
            RATE_HZ,
            channels=2,
            compression_level=COMPRESSION,
            bitrate_mode="CONSTANT",
        ) as file:
            file.write(_song(scale, rng))
    return paths


def experiment(folder: Path, tracks: int, params: Params) -> Store:
    """Write what stage `extract` reads: tables, and wavs that share a few sounds."""
    store = Store(folder / "data", scratch=folder / "scratch")
    rng = np.random.default_rng(SEED)
    names = [f"t{number:04d}" for number in range(tracks)]
    listing = pd.DataFrame(dict.fromkeys(TRACK_COLUMNS, "") | {"track_id": names})
    listing["path"] = listing["track_id"] + ".mp3"
    listing["split"] = [SPLITS[number % len(SPLITS)] for number in range(tracks)]
    has = rng.random((tracks, len(TAGS))) < TAG_SHARE
    track, tag = np.nonzero(has)
    annotations = pd.DataFrame(
        {"track_id": np.take(names, track), "tag": np.take(TAGS, tag)}
    )
    store.write_table("tracks", listing)
    store.write_table("annotations", annotations)
    store.write_table("quarantine", listing[["track_id"]].iloc[:0])
    store.write_table("genres", one_source())
    _wavs(store.place("wavs"), names, params.wavs.sample_rate_hz, rng)
    return store


def _note(hz: float) -> Sound:
    at = np.arange(NOTE_SECONDS * RATE_HZ, dtype=np.float32) / RATE_HZ
    partials = [np.sin(2 * np.pi * hz * k * at) / k for k in range(1, 6)]
    return np.asarray(0.1 * np.exp(-3 * at) * np.sum(partials, axis=0), np.float32)


def _song(scale: list[Sound], rng: np.random.Generator) -> Sound:
    """Return `(samples, 2)`."""
    samples = CLIP_SECONDS * RATE_HZ
    song = rng.normal(0, 0.01, (samples, 2)).astype(np.float32)
    for _ in range(NOTES_PER_SECOND * CLIP_SECONDS):
        note = scale[rng.integers(len(scale))]
        start = rng.integers(samples - len(note))
        place = rng.uniform(0.2, 1, 2).astype(np.float32)  # left and right
        song[start : start + len(note)] += note[:, None] * place
    return np.clip(song, -1, 1)


def _wavs(
    folder: Path, names: list[str], rate_hz: int, rng: np.random.Generator
) -> None:
    """Write one sound and give it every name: a disk need not hold them all."""
    folder.mkdir(parents=True)
    first = folder / f"{names[0]}.wav"
    soundfile.write(first, rng.normal(0, 0.1, CLIP_SECONDS * rate_hz), rate_hz)
    for name in names[1:]:
        os.link(first, folder / f"{name}.wav")
