"""Whether the input keeps a device busy: published networks on a feature store.

    KERAS_BACKEND=jax python -m benchmarks.feeding [PATTERN ...]
        [--precision mixed_bfloat16] [--batches 16] [--epochs 4]

Noise is written as `extract` would, and the network learns from there as in stage
`train`. The first epoch compiles and is left out, of the others the median counts.
Beside it stands how fast batches are made where nobody takes time to learn them.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import SEED
from benchmarks.published import Case, Tracks, cases, lessons
from tagsmith import shards
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.training import device
from tagsmith.training.batches import Ahead
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.training.learner import Validation
from tagsmith.training.teach import teach

DEFAULT = (  # one of each architecture
    *("zeroshot/siamese", "acousticbrainz2018/melband_fcn_own"),
    *("magnatagatune/multiscale", "mediaeval2019/ds_1s_gru", "mediaeval2019/crnn_gru"),
)
VALIDATION_TRACKS = 32
HEAD = f"{'':38}{'batch':>6}{'learnt/s':>10}{'waiting':>9}{'made/s':>10}"


@dataclass(frozen=True)
class Fed:
    """How a network was fed.

    Attributes:
        network: `profile/model`.
        batch: Clips or tracks in a batch.
        learnt_per_second: Clips or tracks, by the network that learns them.
        waiting: Share of an epoch in which it waits for a batch.
        made_per_second: Clips or tracks, where nobody learns them.
    """

    network: str
    batch: int
    learnt_per_second: float
    waiting: float
    made_per_second: float

    def line(self) -> str:
        """Say it."""
        return (
            f"{self.network:38}{self.batch:6}{self.learnt_per_second:10.0f}"
            f"{100 * self.waiting:7.1f} %{self.made_per_second:10.0f}"
        )


def fed(case: Case, folder: Path, *, batches: int, epochs: int, precision: str) -> Fed:
    """Teach a network of a profile for some epochs."""
    case = _short(case, epochs)
    device.prepare(SEED, precision, "none")
    size = case.config.training.batch_size
    tracks, truth = _stored(case, folder, size * batches), case.truth(size * batches)
    few = slice(VALIDATION_TRACKS)
    recorder = MemoryRecorder()
    teach(
        case.tagger(),
        tracks,
        truth,
        validation=Validation(tracks[few], truth[few]),
        checkpoint=Checkpoint(folder / "training.npz"),
        recorder=recorder,
        seed=SEED,
    )
    return Fed(
        network=str(case),
        batch=size,
        learnt_per_second=_later(recorder, "clips_per_second"),
        waiting=_later(recorder, "share_waiting_for_input"),
        made_per_second=_made(case, tracks),
    )


def _short(case: Case, epochs: int) -> Case:
    """Let training have one phase; of a CRNN's the one that trains the trunk too."""
    phase = case.config.training.phases[-1].model_dump(mode="json")
    key = f"models.{case.model}.training.phases"
    short = case.params.override({key: [{**phase, "epochs": epochs, "decay": "none"}]})
    made = Case(case.profile, case.model)
    made.__dict__["params"] = short
    return made


def _stored(case: Case, folder: Path, count: int) -> Tracks:
    """Write a feature store of noise and map its tracks into memory."""
    step = case.feature.shard_tracks
    made = case.tracks(min(count, step))  # every shard holds the same
    for shard, start in enumerate(range(0, count, step)):
        names = [f"t{start + row:06d}" for row in range(min(step, count - start))]
        shards.write_shard(folder, shard, "", dict(zip(names, made, strict=False)))
    shards.write_index(folder, {}, shards=-(-count // step))
    store = shards.Features(folder)
    return store.tracks(sorted(store.index.index))


def _later(recorder: MemoryRecorder, name: str) -> float:
    """Return the median of the epochs behind the first."""
    found = [value for each, value, step in recorder.logged_metrics if each == name]
    return float(np.median(found[1:]))


def _made(case: Case, tracks: Tracks) -> float:
    """Return how many clips or tracks a second become batches."""
    taught = lessons(case, tracks)
    began = time.perf_counter()
    for _ in Ahead(taught.epoch(0)):
        pass
    return taught.per_epoch / (time.perf_counter() - began)


def measured(
    patterns: list[str], *, batches: int, epochs: int, precision: str
) -> Iterator[Fed]:
    """Yield how each network was fed."""
    for case in cases(patterns or DEFAULT):
        with tempfile.TemporaryDirectory(prefix="tagsmith-feeding-") as folder:
            yield fed(
                case, Path(folder), batches=batches, epochs=epochs, precision=precision
            )


def main() -> None:
    """Print a line per network as soon as it is known."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.feeding", description=__doc__.splitlines()[0]
    )
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batches", type=int, default=16, help="of an epoch")
    parser.add_argument("--epochs", type=int, default=4, help="two or more")
    options = parser.parse_args()
    print(f"{device.prepare(SEED, options.precision, 'none')}; {os.cpu_count()} cores")
    print(HEAD)
    for each in measured(
        options.patterns,
        batches=options.batches,
        epochs=options.epochs,
        precision=options.precision,
    ):
        print(each.line(), flush=True)


if __name__ == "__main__":
    main()
