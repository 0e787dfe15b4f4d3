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
FEATURE, MODEL = "logmel", "crnn_gru"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Peak:
    """The most memory that a process and its children had at once, in bytes."""

    anonymous: int
    resident: int


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Run `extract`, then `train` on what it made, with little and with much data."""
    if not Path("/proc/self/status").exists():
        print("memory: only Linux tells anonymous memory apart", file=sys.stderr)
        return
    few = QUICK_TRACKS if quick else TRACKS
    sizes = {few: folder / "few", FACTOR * few: folder / "many"}
    for tracks, place in sizes.items():
        data.experiment(place, tracks, _params())
    for stage in ("extract", "train"):
        little, much = (_peak(stage, place) for place in sizes.values())
        yield Ratio(
            f"{stage}: peak memory of {FACTOR * few} tracks, of {few} tracks",
            (much.anonymous / little.anonymous,),
            at_most=AT_MOST,
            note=f"anonymous {_megabytes(little.anonymous, much.anonymous)}",
        )
        yield Ratio(
            f"{stage}: the same with the pages of mapped files",
            (much.resident / little.resident,),
            note=f"resident {_megabytes(little.resident, much.resident)}",
        )


def run(stage: str, folder: Path) -> None:
    """Run a stage on an experiment: what the measured process does."""
    from tagsmith.stages import extract, train  # noqa: PLC0415 - only the child's

    store = Store(folder / "data", scratch=folder / "scratch")
    if stage == "extract":
        extract.run(_params(), store, MemoryRecorder(), FEATURE)
    else:
        train.run(_params(), store, MemoryRecorder(), MODEL)


def _params() -> Params:
    """Return an experiment of many shards and one epoch of a small network."""
    epoch = {"epochs": 1, "learning_rate": 0.001, "decay": "none", "train_trunk": True}
    return data.params(
        features__logmel__shard_tracks=8,
        models__crnn_gru__trunk={
            "kind": "random",
            "filters": [[4], [8], [8], [8]],
            "batch_normalization": True,
        },
        models__crnn_gru__training__phases=[epoch],
    )


def _peak(stage: str, folder: Path) -> Peak:
    command = [sys.executable, "-m", "benchmarks.memory", stage, str(folder)]
    with subprocess.Popen(command, cwd=data.ROOT, stdout=subprocess.DEVNULL) as child:
        watched = psutil.Process(child.pid)
        anonymous = resident = 0
        while child.poll() is None:
            now = _memory(watched)
            anonymous = max(anonymous, now.anonymous)
            resident = max(resident, now.resident)
            time.sleep(EVERY_SECONDS)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Peak(anonymous, resident)


def _memory(process: psutil.Process) -> Peak:
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
    run(sys.argv[1], Path(sys.argv[2]))
