"""What a track costs at each step, in core-seconds and bytes: for docs/scale.md.

    python -m benchmarks.throughput [--tracks 16]

Steps run on one worker, on mp3s of 29 s in stereo at 44.1 kHz. What counts is the
processor time of this process with all its threads, divided by the tracks, after a
first call that nobody counts: other work on the machine makes it longer by what it
takes from the caches, and no more. What the steps behind the scores need is told by
`benchmarks.big_tables`.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.__main__ import ONE_CORE

# Threads that wait for each other would count: NumPy gets one, as in a worker.
os.environ |= ONE_CORE | {"TF_CPP_MIN_LOG_LEVEL": "3"}

import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from tagsmith import shards
from tagsmith.config import Params, ScoresDataset, WordModel
from tagsmith.datasets.scores import dataset as rendered
from tagsmith.datasets.scores.programme import plan
from tagsmith.features.probe import probe
from tagsmith.models import Tagger, build
from tagsmith.models.analysis import analyser
from tagsmith.models.words import know
from tagsmith.stages import convert, extract
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.training import device
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.training.learner import Validation
from tagsmith.training.teach import teach

MODELS = (  # one of each architecture
    *("crnn_bilstm", "ds_5s_bilstm", "multiscale"),
    *("melband_fcn", "siamese", "texture"),
)
DIMENSIONS = 50  # of a tag vector
VALIDATION_TRACKS = 2
SIZES = (10**4, 10**6, 10**8)
HOUR_SECONDS, GIGABYTE = 3600, 1e9

Tracks = Sequence[NDArray[np.floating]]
Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Cost:
    """What a track costs at a step.

    Attributes:
        step: The stage, and the feature or model.
        seconds: Of one core.
        written: Bytes that the step leaves.
    """

    step: str
    seconds: float
    written: float = 0.0

    def line(self) -> str:
        """Say it, and what it comes to."""
        hours = [self.seconds * size / HOUR_SECONDS for size in SIZES]
        room = [self.written * size / GIGABYTE for size in SIZES]
        return (
            f"{self.step:30}{self.seconds:9.4f} s{self.written / 1000:9.1f} kB   "
            + "".join(f"{value:12,.1f}" for value in hours)
            + "   "
            + "".join(f"{value:12,.1f}" for value in room)
        )


def costs(folder: Path, tracks: int) -> Iterator[Cost]:
    """Yield what each step costs, from rendering to training."""
    params = data.params(engine__workers=1)
    store = data.experiment(folder, tracks, params)
    yield from _audio(params, store, tracks)
    for name in params.features:
        yield _extracted(params, store, name, tracks)
    for name in MODELS:
        yield from _model(params, store, name)


# --- audio and features


def _audio(params: Params, store: Store, tracks: int) -> Iterator[Cost]:
    raw = store.place("raw")
    raw.mkdir()
    yield _rendered(params, raw, tracks)
    for number, path in enumerate(data.songs(raw, tracks)):
        path.rename(raw / f"t{number:04d}.mp3")
    songs = sorted(raw.glob("t*.mp3"))
    yield Cost("probe (part of ingest)", _seconds(probe, songs), _size(songs))
    began = time.process_time()
    convert.run(params, store, MemoryRecorder())
    seconds = (time.process_time() - began) / tracks
    yield Cost("convert", seconds, _size(store.place("wavs").glob("*.wav")))


def _rendered(params: Params, raw: Path, tracks: int) -> Cost:
    assert isinstance(params.dataset, ScoresDataset)
    clips = plan(params.dataset, seed=params.seed)[:tracks]
    banks = tuple(map(rendered.soundfont, params.dataset.soundfonts))

    def render(number: int) -> None:
        item = (f"rendered/{number}.mp3", clips[number])
        rendered._render(  # noqa: SLF001 - what a worker does
            item, raw, banks, params.dataset.clip_seconds, params.seed
        )

    seconds = _seconds(render, range(tracks))
    return Cost("ingest, rendering", seconds, _size((raw / "rendered").iterdir()))


def _extracted(params: Params, store: Store, name: str, tracks: int) -> Cost:
    """Make a feature store for its size; time what it does to each track."""
    extract.run(params, store, MemoryRecorder(), name)
    feature, folder = params.feature(name), store.place("features", name)
    analyse = analyser(feature, folder)
    suffix = "mp3" if feature.audio == "raw" else "wav"
    place = store.place("raw" if feature.audio == "raw" else "wavs")
    seconds = _seconds(analyse, sorted(place.glob(f"t*.{suffix}")))
    written = sum(path.stat().st_size for path in folder.glob("shard-*")) / tracks
    return Cost(f"extract {name}", seconds, written)


# --- models


def _model(params: Params, store: Store, name: str) -> Iterator[Cost]:
    feature = params.model(name).feature
    kept = shards.Features(store.place("features", feature))
    tracks = kept.tracks(kept.index.index)
    truth = np.random.default_rng(data.SEED).random((len(tracks), len(data.TAGS)))
    has = truth < data.TAG_SHARE
    taught, once = _taught(params, name, tracks, has, epochs=1)
    if name != "texture":  # which has no epochs
        _, thrice = _taught(params, name, tracks, has, epochs=3)
        once = (thrice - once) / 2
    yield Cost(f"train {name}, an epoch", once / len(tracks))
    taught.score_features(tracks)
    began = time.process_time()
    scores = taught.score_features(tracks)
    seconds = (time.process_time() - began) / len(tracks)
    yield Cost(f"score {name}", seconds, scores[0].nbytes)


def _taught(
    params: Params, name: str, tracks: Tracks, has: Truth, *, epochs: int
) -> tuple[Tagger, float]:
    """Teach a model for so many epochs; return it, and the core-seconds."""
    device.prepare(params.seed, "float32")
    tagger = _untrained(_short(params, name, epochs), name)
    few = slice(VALIDATION_TRACKS)
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="tagsmith-throughput-") as folder:
        teach(
            tagger,
            tracks,
            has,
            validation=Validation(tracks[few], has[few]),
            checkpoint=Checkpoint(Path(folder) / "training.npz"),
            recorder=MemoryRecorder(),
            seed=params.seed,
        )
    return tagger, time.process_time() - began


def _short(params: Params, name: str, epochs: int) -> Params:
    """Let a model's training have one phase of so many epochs."""
    training = getattr(params.model(name), "training", None)
    if training is None:
        return params
    phase = training.phases[0].model_dump(mode="json") | {"epochs": epochs}
    changes: dict[str, object] = {f"models.{name}.training.phases": [phase]}
    if name == "siamese":
        changes[f"models.{name}.warm_start_epochs"] = 0
    return params.override(changes)


def _untrained(params: Params, name: str) -> Tagger:
    config = params.model(name)
    feature = params.feature(config.feature)
    words = isinstance(config, WordModel)
    options = {"dimensions": DIMENSIONS} if words else {}
    network = build(config, feature, tags=len(data.TAGS), **options)
    if words:
        vectors = np.random.default_rng(data.SEED).normal(
            size=(len(data.TAGS), DIMENSIONS)
        )
        know(network, vectors.astype(np.float32))
    return Tagger(name, config, feature, tuple(data.TAGS), network)


# --- how


def _seconds(function: Callable[..., object], items: Sequence[object]) -> float:
    """Return the core-seconds of a call, after a first one."""
    function(items[0])
    began = time.process_time()
    for item in items:
        function(item)
    return (time.process_time() - began) / len(items)


def _size(paths: Iterator[Path] | Sequence[Path]) -> float:
    return float(np.mean([path.stat().st_size for path in paths]))


def main() -> None:
    """Print a line per step as soon as it is known."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.throughput", description=__doc__
    )
    parser.add_argument("--tracks", type=int, default=16, help="three or more")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':30}{'a track':>11}{'':12}   {'core-hours of':>24}{'GB of':>24}")
    print(f"{'':53}" + "".join(f"{f'{size:,}':>13}" for size in 2 * SIZES))
    with tempfile.TemporaryDirectory(prefix="tagsmith-throughput-") as folder:
        for cost in costs(Path(folder), options.tracks):
            print(cost.line(), flush=True)


if __name__ == "__main__":
    main()
