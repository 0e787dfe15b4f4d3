"""Peak memory of stages at one and at ten times the data.

The stage runs in a process of its own, and the *anonymous* memory of it and its workers
is what counts (`RssAnon` of Linux, added up, looked at every few milliseconds). The
resident set also holds the pages of mapped files, of which the system takes back as
many as it likes: features are mapped, so it grows with the data until it may not.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import data
from benchmarks.ratios import Ratio
from tagsmith.config import Params
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder

TRACKS, QUICK_TRACKS = 64, 10
FACTOR = 10
AT_MOST = 1.10
EVERY_SECONDS = 0.005
# (stage, feature or model), each on what those before it made. The multi-scale network
# hears 29 s at once, as published: what it hears, not what it is made of, is large.
RUNS = (
    ("extract", "logmel"),
    ("train", "crnn_gru"),
    ("extract", "logmel_11025"),
    ("train", "multiscale"),
)
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Peak:
    """The most memory that a process and its children had at once, in bytes."""

    anonymous: int
    resident: int


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Run `extract`, and `train` on what it made, with little and with much data."""
    if not Path("/proc/self/status").exists():
        print("memory: only Linux tells anonymous memory apart", file=sys.stderr)
        return
    few = QUICK_TRACKS if quick else TRACKS
    sizes = {few: folder / "few", FACTOR * few: folder / "many"}
    for tracks, place in sizes.items():
        data.experiment(place, tracks, _params())
    for stage, name in RUNS:
        little, much = (_peak(stage, name, place) for place in sizes.values())
        yield Ratio(
            f"{stage} {name}: peak memory of {FACTOR * few} tracks, of {few}",
            (much.anonymous / little.anonymous,),
            at_most=AT_MOST,
            note=f"anonymous {_megabytes(little.anonymous, much.anonymous)}",
        )
        yield Ratio(
            "the same with the pages of mapped files",
            (much.resident / little.resident,),
            note=f"resident {_megabytes(little.resident, much.resident)}",
        )


def run(stage: str, name: str, folder: Path) -> None:
    """Run a stage on an experiment: what the measured process does."""
    from tagsmith.stages import extract, train  # noqa: PLC0415 - only the child's

    store = Store(folder / "data", scratch=folder / "scratch")
    if stage == "extract":
        extract.run(_params(), store, MemoryRecorder(), name)
    else:
        train.run(_params(), store, MemoryRecorder(), name)


def _params() -> Params:
    """Return an experiment of many shards and one epoch of small networks."""
    epoch = {"epochs": 1, "learning_rate": 0.001, "decay": "none"}
    return data.params(
        features__logmel__shard_tracks=8,
        features__logmel_11025__shard_tracks=8,
        models__crnn_gru__trunk={
            "kind": "random",
            "filters": [[4], [8], [8], [8]],
            "batch_normalization": True,
        },
        models__crnn_gru__training__phases=[{**epoch, "train_trunk": True}],
        models__multiscale__filters=[[4, 8, 8], [8, 8], [8]],
        models__multiscale__training__phases=[epoch],
        models__multiscale__training__clip_seconds=float(data.CLIP_SECONDS),
        models__multiscale__training__crop_seconds=[float(data.CLIP_SECONDS)],
        models__multiscale__training__clips_per_track=1,
        models__multiscale__scoring__batch_size=32,
    )


def _peak(stage: str, name: str, folder: Path) -> Peak:
    command = [sys.executable, "-m", "benchmarks.memory", stage, name, str(folder)]
    with subprocess.Popen(command, cwd=data.ROOT, stdout=subprocess.DEVNULL) as child:
        watched = psutil.Process(child.pid)
        anonymous = resident = 0
        while child.poll() is None:
            now = memory_of(watched)
            anonymous = max(anonymous, now.anonymous)
            resident = max(resident, now.resident)
            time.sleep(EVERY_SECONDS)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Peak(anonymous, resident)


def memory_of(process: psutil.Process) -> Peak:
    """Return what a process and its descendants have now."""
    anonymous = resident = 0
    for pid in [
        process.pid,
        *(child.pid for child in process.children(recursive=True)),
    ]:
        try:
            status = Path(f"/proc/{pid}/status").read_text("utf-8")
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines())
        anonymous += _bytes(fields.get("RssAnon", "0 kB"))
        resident += _bytes(fields.get("VmRSS", "0 kB"))
    return Peak(anonymous, resident)


def _bytes(kilobytes: str) -> int:
    return 1024 * int(kilobytes.split(maxsplit=1)[0])


def _megabytes(little: int, much: int) -> str:
    return f"{little / MEGABYTE:.0f} MB, then {much / MEGABYTE:.0f} MB"


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
