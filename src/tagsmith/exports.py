"""Feature stores in the formats of the original systems, for those who need them.

DeepSpectrum wrote a CSV per split, `name,timeStamp,neuron_0,...` with a row per window;
AugLi's networks read an NPZ per split: `names` (tracks,), `X` (tracks, windows, values)
float32, `y` (tracks, tags) and `tags` (tags,). Where tracks differ in length, `X` is
padded with zeros, and `windows` (tracks,), which the original lacks, says how far.
"""

import csv
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import SPLITS, DeepSpectrum, Params
from tagsmith.errors import ConfigError
from tagsmith.shards import Features
from tagsmith.store import Store, atomic

logger = logging.getLogger(__name__)

Windows = NDArray[np.float16]


def export_features(params: Params, store: Store, name: str, out: Path) -> None:
    """Write a Deep Spectrum feature store as a CSV and an NPZ per split.

    Args:
        params: The experiment.
        store: Where the features lie.
        name: The feature's name in `params.yaml`.
        out: Folder for the files.

    Raises:
        ConfigError: The feature is not a Deep Spectrum.
        MissingError: It has not been extracted.
    """
    feature = params.feature(name)
    if not isinstance(feature, DeepSpectrum):
        raise ConfigError(
            f"features.{name} is {feature.kind}; only deep_spectrum has the original's "
            "CSV and NPZ"
        )
    features = Features(store.find("features", name, made_by="extract"))
    paths = store.read_tracks()["path"]
    for split in SPLITS:
        truth = store.read_truth(split)
        names = [str(paths[track_id]) for track_id in truth.index]
        tracks = [features.track(track_id) for track_id in truth.index]
        _write_csv(out / f"{split}.csv", names, tracks, feature.hop_seconds)
        _write_npz(out / f"{split}.npz", names, tracks, truth)
        logger.info("%s: %d tracks", out / f"{split}.csv|npz", len(names))


def _write_csv(
    path: Path, names: Iterable[str], tracks: list[Windows], hop_seconds: float
) -> None:
    values = tracks[0].shape[1]
    with atomic(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "timeStamp", *(f"neuron_{n}" for n in range(values))])
        for name, track in zip(names, tracks, strict=True):
            for number, window in enumerate(track):
                writer.writerow([name, number * hop_seconds, *window.tolist()])


def _write_npz(
    path: Path, names: list[str], tracks: list[Windows], truth: pd.DataFrame
) -> None:
    longest = max(len(track) for track in tracks)
    padded = np.zeros((len(tracks), longest, tracks[0].shape[1]), np.float32)
    for place, track in zip(padded, tracks, strict=True):
        place[: len(track)] = track
    with atomic(path) as temporary:
        np.savez_compressed(
            temporary,
            names=np.array(names),
            y=truth.to_numpy().astype(int),
            X=padded,
            tags=np.array(truth.columns, dtype=str),
            windows=np.array([len(track) for track in tracks]),
        )
