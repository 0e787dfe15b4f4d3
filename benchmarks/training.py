"""Training through the feature store, against `fit` on arrays in memory.

TensorFlow 2.21 waits up to a second at the end of an epoch of `fit`, while tf.data ends
its threads. `train_on_batch` on slices of the same arrays has neither that nor any
input to prepare: nothing that trains with this network can be faster.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from benchmarks.ratios import Ratio, quotients, taking_turns
from tagsmith import shards
from tagsmith.config import Augmentation, LogMel, Params
from tagsmith.features.clips import Frames
from tagsmith.models import build
from tagsmith.training.batches import Ahead, Batch, Clips

# (profile, model): batches in an epoch. The second hears 29 s at the published sizes.
EPOCHS = {("scores", "crnn_gru"): 24, ("magnatagatune", "multiscale"): 4}
TURNS, QUICK_TURNS = 4, 1
# Augmentation that does nothing, whatever there is of it.
PLAIN = {**dict.fromkeys(Augmentation.model_fields, 0), "background_db": None}


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Compare passes over the same number of clips of the same shape."""
    for (profile, model), batches in EPOCHS.items():
        params = Params.load(data.ROOT / "profiles" / f"{profile}.yaml")
        seconds, count = _seconds(
            folder / model, params, model, 1 if quick else batches, quick=quick
        )
        fit = seconds["fit"]
        rates = {name: count / np.median(each) for name, each in seconds.items()}
        yield Ratio(
            f"training {model} of {profile}, speed of fit on arrays",
            quotients(fit, seconds["store"]),
            at_least=0.95,
            note=", ".join(f"{way} {rate:.1f} clips/s" for way, rate in rates.items()),
        )
        if "augmented" in seconds:
            yield Ratio(
                "the same with the profile's augmentation",
                quotients(fit, seconds["augmented"]),
            )
        yield Ratio(
            "the same without, speed of bare steps on arrays",
            quotients(seconds["bare"], seconds["store"]),
        )


def _seconds(
    folder: Path, params: Params, model: str, batches: int, *, quick: bool
) -> tuple[dict[str, tuple[float, ...]], int]:
    """Return the seconds of each way to run an epoch, and the clips of one."""
    plain = params.override({f"models.{model}.training.augmentation": PLAIN})
    feature, batch_size = _heard(params, model)
    tracks = _tracks(folder, batch_size * batches, feature)
    stored, augmented = (_clips(each, model, tracks) for each in (plain, params))
    arrays = [np.concatenate(part) for part in zip(*stored.epoch(0), strict=True)]
    network = _network(params, model)
    ways = {
        "store": lambda: steps(network, Ahead(stored.epoch(0))),
        "augmented": lambda: steps(network, Ahead(augmented.epoch(0))),
        "fit": lambda: network.fit(*arrays, batch_size=batch_size, verbose=0),
        "bare": lambda: steps(network, _sliced(arrays, batch_size)),
    }
    if plain.models == params.models:
        del ways["augmented"]
    turns = QUICK_TURNS if quick else TURNS
    return taking_turns(ways, turns, clock=time.perf_counter), len(tracks)


def _heard(params: Params, model: str) -> tuple[LogMel, int]:
    config = params.model(model)
    feature = params.feature(config.feature)
    assert isinstance(feature, LogMel)
    return feature, config.training.batch_size


def _network(params: Params, model: str) -> keras.Model:
    keras.utils.set_random_seed(data.SEED)
    feature, _ = _heard(params, model)
    network = build(params.model(model), feature, tags=len(data.TAGS))
    network.compile(optimizer="adam", loss="binary_crossentropy")
    return network


def _clips(params: Params, model: str, tracks: list[Frames]) -> Clips:
    """Draw one clip of each track, whatever the profile says."""
    training = params.model(model).training.model_copy(update={"clips_per_track": 1})
    truth = np.random.default_rng(data.SEED).random((len(tracks), len(data.TAGS)))
    feature, _ = _heard(params, model)
    return Clips(tracks, truth < data.TAG_SHARE, training, feature, data.SEED)


def steps(network: keras.Model, batches: Iterable[Batch]) -> None:
    """Do what an epoch of stage `train` does, but for the validation."""
    for batch, truth in batches:
        float(network.train_on_batch(batch, truth, return_dict=True)["loss"])


def _sliced(arrays: list[NDArray[np.float32]], batch_size: int) -> Iterator[Batch]:
    for start in range(0, len(arrays[0]), batch_size):
        batch, truth = (array[start : start + batch_size] for array in arrays)
        yield batch, truth


def _tracks(folder: Path, count: int, feature: LogMel) -> list[Frames]:
    """Write a feature store of noise and map its tracks into memory."""
    rng = np.random.default_rng(data.SEED)
    shape = (round(data.CLIP_SECONDS * feature.frames_per_second), feature.mel_bands)
    names = [f"t{number:04d}" for number in range(count)]
    starts = range(0, count, feature.shard_tracks)
    folder.mkdir()
    for shard, start in enumerate(starts):
        made = {
            name: 15 * rng.standard_normal(shape, np.float32) - 60
            for name in names[start : start + feature.shard_tracks]
        }
        shards.write_shard(folder, shard, "", made)
    shards.write_index(folder, {}, shards=len(starts))
    store = shards.Features(folder)
    return [store.track(name) for name in names]
