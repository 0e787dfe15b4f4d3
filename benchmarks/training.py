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

MODEL = "crnn_gru"
BATCHES, TURNS = 24, 4
QUICK_BATCHES, QUICK_TURNS = 1, 1
# Augmentation that does nothing, whatever there is of it.
PLAIN = {**dict.fromkeys(Augmentation.model_fields, 0), "background_db": None}


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Compare passes over the same number of clips of the same shape."""
    params = data.params()
    plain = params.override({f"models.{MODEL}.training.augmentation": PLAIN})
    batch_size = params.model(MODEL).training.batch_size
    count = batch_size * (QUICK_BATCHES if quick else BATCHES)
    tracks = _tracks(folder, count, params.feature("logmel"))
    stored, augmented = _clips(plain, tracks), _clips(params, tracks)
    arrays = [np.concatenate(part) for part in zip(*stored.epoch(0), strict=True)]
    network = _network(params)
    seconds = taking_turns(
        {
            "store": lambda: steps(network, Ahead(stored.epoch(0))),
            "augmented": lambda: steps(network, Ahead(augmented.epoch(0))),
            "fit": lambda: network.fit(*arrays, batch_size=batch_size, verbose=0),
            "bare": lambda: steps(network, _sliced(arrays, batch_size)),
        },
        QUICK_TURNS if quick else TURNS,
        clock=time.perf_counter,
    )
    fit = seconds["fit"]
    rates = {name: count / np.median(each) for name, each in seconds.items()}
    yield Ratio(
        "training from the feature store, speed of fit on arrays",
        quotients(fit, seconds["store"]),
        at_least=0.95,
        note=", ".join(f"{name} {rate:.0f} clips/s" for name, rate in rates.items()),
    )
    yield Ratio(
        "the same with the profile's augmentation", quotients(fit, seconds["augmented"])
    )
    yield Ratio(
        "the same without, speed of bare steps on arrays",
        quotients(seconds["bare"], seconds["store"]),
    )


def _network(params: Params) -> keras.Model:
    keras.utils.set_random_seed(data.SEED)
    network = build(params.model(MODEL), params.feature("logmel"), tags=len(data.TAGS))
    network.compile(optimizer="adam", loss="binary_crossentropy")
    return network


def _clips(params: Params, tracks: list[Frames]) -> Clips:
    """Draw one clip of each track, whatever the profile says."""
    training = params.model(MODEL).training.model_copy(update={"clips_per_track": 1})
    truth = np.random.default_rng(data.SEED).random((len(tracks), len(data.TAGS)))
    rate = params.feature("logmel").frames_per_second
    return Clips(tracks, truth < data.TAG_SHARE, training, rate, data.SEED)


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
    for shard, start in enumerate(starts):
        made = {
            name: 15 * rng.standard_normal(shape, np.float32) - 60
            for name in names[start : start + feature.shard_tracks]
        }
        shards.write_shard(folder, shard, "", made)
    shards.write_index(folder, {}, shards=len(starts))
    store = shards.Features(folder)
    return [store.track(name) for name in names]
