"""Recordings and a bundle that knows some of them: all that `tagsmith drift` reads."""

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from tagsmith.config import Params
from tagsmith.models import ensemble
from tagsmith.stages import reference
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import audio, ensembles
from tests.fakes.experiments import TAGS

LOUDNESS = 0.75 + 0.25 / 2  # what the fakes' ensemble makes of a peak of 1


def recording(rng: np.random.Generator, *, hz: float = 500.0) -> np.ndarray:
    """Draw half a second or more of a tone and noise, at a level of its own."""
    level = 10 ** (rng.normal(-14, 2) / 20)
    seconds = rng.uniform(0.5, 0.7)
    tone = audio.sine(hz * rng.uniform(0.8, 1.25), seconds=seconds)
    return level * (2 * tone + audio.noise(int(rng.integers(1000)), seconds=seconds))


def music(
    folder: Path, rng: np.random.Generator, count: int = 40, *, gain: float = 1.0, **how
) -> Path:
    """Write recordings into a folder: louder by `gain`, with another tone by `hz`."""
    for number in range(count):
        sound = np.clip(gain * recording(rng, **how), -1, 1)
        audio.write(folder / f"new{number:03d}.wav", sound)
    return folder


def bundle(folder: Path, rng: np.random.Generator, params: Params) -> Path:
    """Write a bundle whose reference is of recordings that its ensemble heard."""
    store = ensembles.store(folder / "data", rng)
    tracks = store.read_table("tracks")
    tracks["path"] = tracks["track_id"] + ".wav"
    store.write_table("tracks", tracks)
    names = store.read_truth("test").index
    for name in names:
        audio.write(store.place("raw", f"{name}.wav"), recording(rng))
    store.write_scores("ensemble", "test", _scores(store, names))
    reference.run(params, store, MemoryRecorder())
    place = folder / "bundle"
    ensemble.write_bundle(
        store,
        place,
        calibration=params.calibration,
        test_set_sha256="0" * 64,
        metrics={"ROC-AUC-macro": 0.9},
    )
    return place


def _scores(store: Store, names: pd.Index) -> pd.DataFrame:
    files = [store.place("raw", f"{name}.wav") for name in names]
    peaks = [np.abs(soundfile.read(file)[0]).max() for file in files]
    shares = LOUDNESS / np.arange(1, len(TAGS) + 1)
    return pd.DataFrame(np.outer(peaks, shares), index=names, columns=TAGS)
