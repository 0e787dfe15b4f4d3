"""What the steps behind the scores need at many tracks, which are made up.

    python -m benchmarks.big_tables 10000 100000

Each step runs in a process of its own, whose processor time and greatest resident set
count (`VmHWM` of Linux); one that only makes the same tables says what to take off.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import data

TAGS_OF_A_TRACK = 0.1  # of 26
TAG_NAMES = [f"tag{number:02d}" for number in range(26)]
TRACKS_OF_A_GROUP = 2
MEGABYTE = 1 << 20


def report(sizes: Sequence[int]) -> Iterator[str]:
    """Yield a line per step and size."""
    yield f"{'step':24}{'tracks':>12}{'core-seconds':>14}{'peak MB':>10}"
    for step in STEPS:
        for tracks in sizes:
            found = _measured(step, tracks)
            yield f"{step:24}{tracks:12,}{found['seconds']:14.2f}{found['peak']:10.0f}"


def _measured(step: str, tracks: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.big_tables", step, str(tracks)]
    child = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=data.ROOT
    )
    found: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return found


# --- the steps: `prepared` is made before the clock runs


def _matrices(tracks: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(data.SEED)
    truth = rng.random((tracks, len(TAG_NAMES)), np.float32) < TAGS_OF_A_TRACK
    scores = rng.random(truth.shape, np.float32) + truth
    return truth, scores


def _nothing(tracks: int) -> Callable[[], object]:
    made = _matrices(tracks)
    return lambda: made


def _metrics(tracks: int) -> Callable[[], object]:
    from tagsmith.core import metrics  # noqa: PLC0415 - only this child's

    truth, scores = _matrices(tracks)
    return lambda: metrics.evaluate(truth, scores, scores > 1)


def _bootstrap(tracks: int) -> Callable[[], object]:
    from tagsmith.core import bootstrap  # noqa: PLC0415

    truth, scores = _matrices(tracks)
    config = data.params().evaluation
    return lambda: bootstrap.interval(
        truth, scores, metric="ROC-AUC-macro", config=config, seed=1
    )


def _tables(tracks: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what `ingest` writes of tracks, and of annotations."""
    rng = np.random.default_rng(data.SEED)
    names = np.char.add("t", np.arange(tracks).astype("U9"))
    groups = np.char.add("g", (np.arange(tracks) // TRACKS_OF_A_GROUP).astype("U9"))
    splits = np.array(data.SPLITS)[np.arange(tracks) // TRACKS_OF_A_GROUP % 10]
    listing = pd.DataFrame(
        {
            "track_id": names,
            "path": np.char.add(names, ".mp3"),
            "sha256": [f"{number:064x}" for number in range(tracks)],
            "declared_seconds": 29.0,
            "decoded_seconds": 29.0,
            "sample_rate_hz": 44100,
            "channels": 2,
            "rms_db": -20.0,
            "artist": groups,
            "album": "",
            "recording": "",
            "group": groups,
            "licence": "CC0",
            "split": splits,
            "problem": "",
        }
    )
    has = rng.random((tracks, len(TAG_NAMES)), np.float32) < TAGS_OF_A_TRACK
    has[np.arange(tracks), rng.integers(len(TAG_NAMES), size=tracks)] = True
    track, tag = np.nonzero(has)
    said = pd.DataFrame({"track_id": names[track], "tag": np.take(TAG_NAMES, tag)})
    return listing, said


def _splits(tracks: int) -> Callable[[], object]:
    from tagsmith.core import splits  # noqa: PLC0415
    from tagsmith.core.truth import table  # noqa: PLC0415

    listing, said = _tables(tracks)
    tracks_index = pd.Index(listing["track_id"])
    truth = table(said, tracks_index, TAG_NAMES).to_numpy()
    shares = data.params().dataset.shares
    return lambda: splits.by_group(listing["group"], shares, seed=1, truth=truth)


def _validate(tracks: int) -> Callable[[], object]:
    from tagsmith.stages import validate  # noqa: PLC0415
    from tagsmith.store import Store  # noqa: PLC0415
    from tagsmith.tracking.recording import MemoryRecorder  # noqa: PLC0415

    store = Store(Path(tempfile.mkdtemp(prefix="tagsmith-big-")))
    for name, table in zip(("tracks", "annotations"), _tables(tracks), strict=True):
        store.write_table(name, table)
    params = data.params()
    return lambda: validate.run(params, store, MemoryRecorder())


STEPS = {
    "the matrices alone": _nothing,
    "ten figures": _metrics,
    "interval, 1,000 samples": _bootstrap,
    "deal splits by group": _splits,
    "validate": _validate,
}


def main() -> None:
    """Print a line per step and size, or run one step in this process."""
    if sys.argv[1] not in STEPS:
        for line in report([int(size) for size in sys.argv[1:]]):
            print(line, flush=True)
        return
    prepared = STEPS[sys.argv[1]](int(sys.argv[2]))
    began = time.process_time()
    prepared()
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "peak": _peak()}))


def _peak() -> float:
    """Return the greatest resident set in MB; `getrusage` tells the parent's too."""
    told = Path("/proc/self/status").read_text("utf-8")
    kilobytes = re.search(r"VmHWM:\s+(\d+) kB", told)
    assert kilobytes is not None
    return int(kilobytes[1]) * 1024 / MEGABYTE


if __name__ == "__main__":
    main()
