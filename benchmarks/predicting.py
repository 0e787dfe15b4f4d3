"""Batch prediction: throughput, Dask against loky, and what a second worker brings.

The ensemble is two networks of `params.yaml` that nobody trained: what they say is no
matter here. The bare way decodes with libsndfile and shows Keras's networks as many
clips, made before: no resampling, no features, no files. Workers score in ONNX Runtime,
are warm, have one thread each as the bare way has, and stay between turns.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import data
from benchmarks.ratios import Ratio, quotients, taking_turns
from tagsmith import onnx_export, predicting
from tagsmith.config import Dask, Engine, Loky
from tagsmith.features.clips import spread
from tagsmith.models import Tagger, build, save
from tagsmith.models.ensemble import Ensemble
from tagsmith.predicting import shards, worker
from tagsmith.store import write_json, write_text

MODELS = ("crnn_gru", "multiscale")
DISTINCT, QUICK_DISTINCT = 16, 1  # songs that are no links to another
SHARDS, QUICK_SHARDS = 6, 2
TURNS, QUICK_TURNS = 3, 1
DASK_PORT = 18786


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Compare ways to score the same songs."""
    count = (QUICK_SHARDS if quick else SHARDS) * shards.TRACKS
    music = _music(folder, count, QUICK_DISTINCT if quick else DISTINCT)
    keras, bundle = _bundle(folder / "keras"), folder / "bundle"
    shutil.copytree(keras, bundle)
    onnx_export.export(bundle)
    with _dask(folder) as dask:
        engines: dict[str, Engine] = {
            "one": Loky(kind="loky", workers=1),
            "two": Loky(kind="loky", workers=2),
            "dask": dask,
        }
        ways = {
            name: lambda name=name, engine=engine: _ours(
                music, folder / name, bundle, engine
            )
            for name, engine in engines.items()
        }
        ways["bare"] = lambda: _bare(music, keras)
        turns = QUICK_TURNS if quick else TURNS
        seconds = taking_turns(ways, turns, clock=time.perf_counter)
    rates = {name: count / min(taken) for name, taken in seconds.items()}
    told = ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
    yield Ratio(
        "predict, time of a bare decode and forward pass, one worker",
        quotients(seconds["one"], seconds["bare"]),
        at_most=1.5,
        note=f"tracks of {data.CLIP_SECONDS} s per second: {told}",
    )
    yield Ratio(
        "predict, speed of two workers, of one",
        quotients(seconds["one"], seconds["two"]),
        at_least=1.8,
    )
    yield Ratio(
        "predict, speed of Dask's two workers, of loky's",
        quotients(seconds["two"], seconds["dask"]),
        at_least=0.85,
    )


def _ours(music: Path, folder: Path, bundle: Path, engine: Engine) -> None:
    """Score anew, where warm workers know the ensemble already."""
    out = folder / "scores.parquet"
    out.unlink(missing_ok=True)
    predicting.scores(music, out, str(bundle), engine)


def _bare(music: Path, bundle: Path) -> None:
    ensemble = worker.loaded(bundle)
    paths = sorted(music.iterdir())
    for start in range(0, len(paths), shards.TRACKS):
        some = paths[start : start + shards.TRACKS]
        for path in some:
            soundfile.read(path, dtype="float32")
        _forward(ensemble, len(some))


def _forward(ensemble: Ensemble, tracks: int) -> None:
    """Show each network as many clips as it hears of some tracks."""
    for member in ensemble.members.values():
        scoring = member.config.scoring  # type: ignore[union-attr]  # both have one
        silent = np.zeros((member.clip_frames, member.values), np.float32)
        clips = np.concatenate([spread(silent, len(silent), scoring.clips)] * tracks)
        member.network.predict(clips, batch_size=scoring.batch_size, verbose=0)


def _music(folder: Path, count: int, distinct: int) -> Path:
    """Write songs, and give each many names: a disk need not hold them all."""
    (folder / "songs").mkdir()
    songs = data.songs(folder / "songs", distinct)
    music = folder / "music"
    music.mkdir()
    for number in range(count):
        os.link(songs[number % distinct], music / f"{number:04d}.mp3")
    return music


def _bundle(folder: Path) -> Path:
    params = data.params()
    for name in MODELS:
        config = params.model(name)
        feature = params.feature(config.feature)
        network = build(config, feature, tags=len(data.TAGS))
        tagger = Tagger(name, config, feature, tuple(data.TAGS), network)
        save(tagger, folder / "models" / name)
    described = {
        "weights": dict.fromkeys(MODELS, 1 / len(MODELS)),
        "calibration": params.calibration.model_dump(mode="json"),
    }
    write_json(folder / "ensemble.json", described)
    write_text(folder / "tags.txt", "".join(f"{tag}\n" for tag in data.TAGS))
    limits = "".join(f"{tag}\t0.5\n" for tag in data.TAGS)
    write_text(folder / "thresholds.tsv", limits)
    return folder


@contextmanager
def _dask(folder: Path) -> Iterator[Dask]:
    """Run a scheduler and two workers of one thread."""
    address = f"tcp://127.0.0.1:{DASK_PORT}"
    worker_options = ["--nthreads", "1", "--no-dashboard", "--no-nanny"]
    place = ["--local-directory", str(folder)]
    commands = [
        [
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            str(DASK_PORT),
            "--no-dashboard",
        ],
        *[["worker", address, *worker_options, *place]] * 2,
    ]
    with ExitStack() as stack:
        for words in commands:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": f"{data.ROOT / 'src'}"},
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        _wait(address)
        yield Dask(kind="dask", address=address, workers=-1)


def _wait(address: str) -> None:
    from distributed import Client  # noqa: PLC0415 - only who measures it needs it

    with Client(address, timeout=120, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
