"""AcousticBrainz documents become a matrix: speed on one core, and peak memory.

The reference reads as melbaseline did: `json.load` of every file that `os.walk` finds,
an array per statistic, and a dictionary of float16 arrays. Documents are a real one
with other numbers, under many names: hard links, so that the disk does not matter.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from benchmarks import data
from benchmarks.memory import MEGABYTE, memory_of
from benchmarks.ratios import Ratio, quotients, taking_turns
from tagsmith.config import Loky
from tagsmith.datasets.acousticbrainz import documents
from tagsmith.features.melbands import STATISTICS

REAL = data.ROOT / "tests/golden/0dad432b-16cc-4bf0-8961-fd31d124b01b.json"
FEW, QUICK_FEW = 10_000, 100
FACTOR = 10
TURNS, QUICK_TURNS = 3, 1
DISTINCT = 200  # documents that are no links to another
AT_LEAST = 3.0
AT_MOST = 1.10
EVERY_SECONDS = 0.005


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Compare the speed of whole documents, and the memory that short ones take."""
    few = QUICK_FEW if quick else FEW
    yield _speed(folder, few, QUICK_TURNS if quick else TURNS)
    sizes = {few: folder / "short_few", FACTOR * few: folder / "short_many"}
    for count, place in sizes.items():
        _write(place, count, short=True)
    peaks = {
        way: [_peak(way, place) for place in sizes.values()]
        for way in ("ours", "original")
    }
    little, much = peaks["ours"]
    yield Ratio(
        f"read documents: peak memory of {FACTOR * few}, of {few}",
        (much / little,),
        at_most=AT_MOST,
        note=f"anonymous {little / MEGABYTE:.0f} MB, then {much / MEGABYTE:.0f} MB",
    )
    before, after = peaks["original"]
    yield Ratio(
        "memory that a document takes, of json.load's way",
        ((much - little) / (after - before),),
        note=(
            f"original: {before / MEGABYTE:.0f} MB, then {after / MEGABYTE:.0f} MB; a "
            f"document takes ours {(much - little) / (FACTOR - 1) / few:.0f} bytes, "
            f"it {(after - before) / (FACTOR - 1) / few:.0f}"
        ),
    )


def run(way: str, folder: Path) -> None:
    """Read a folder one way: what the measured process does."""
    if way == "ours":
        _ours(folder, folder.with_name(f"{folder.name}_read"), workers=2)
    else:
        _original(folder)


def _speed(folder: Path, count: int, turns: int) -> Ratio:
    place = folder / "whole"
    _write(place, count, short=False)
    anew = iter(range(10**6))
    ways = {
        "ours": lambda: _ours(place, folder / f"read{next(anew)}", workers=1),
        "original": lambda: _original(place),
    }
    seconds = taking_turns(ways, turns, clock=time.process_time)
    rates = {way: count / min(taken) for way, taken in seconds.items()}
    return Ratio(
        "read documents, speed of json.load's way, one core",
        quotients(seconds["original"], seconds["ours"]),
        at_least=AT_LEAST,
        note=f"{rates['ours']:.0f} documents per second, {rates['original']:.0f}",
    )


def _ours(source: Path, target: Path, *, workers: int) -> None:
    engine = Loky(kind="loky", workers=workers)
    documents.read([str(source)], target, engine=engine)


def _original(source: Path) -> dict[str, np.ndarray]:
    features = {}
    for folder, _, names in os.walk(source):
        for name in names:
            with Path(folder, name).open(encoding="utf-8") as file:
                melbands = json.load(file)["lowlevel"]["melbands"]
            columns = []
            for statistic in STATISTICS:
                column = np.array(melbands[statistic])
                peak = column.max()
                columns.append((column / peak if peak else column).astype(np.float16))
            features[name.removesuffix(".json")] = np.stack(columns, axis=-1)
    return features


# --- documents


def _write(folder: Path, count: int, *, short: bool) -> None:
    """Write documents in the layout of the archives."""
    rng = np.random.default_rng(7)
    tree = json.loads(REAL.read_text("utf-8"))
    if short:  # a quarter of the size
        del tree["tonal"], tree["rhythm"], tree["lowlevel"]["gfcc"]
        del tree["lowlevel"]["mfcc"]
    melbands = tree["lowlevel"]["melbands"]
    places: list[Path] = []
    for number in range(count):
        name = str(uuid.UUID(bytes=rng.bytes(16)))
        place = folder / name[:2] / f"{name}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        if number >= DISTINCT:
            place.hardlink_to(places[number % DISTINCT])
            continue
        tree["lowlevel"]["melbands"] = {
            key: (np.array(values) * rng.uniform(0.5, 2, 40)).tolist()
            for key, values in melbands.items()
        }
        place.write_text(json.dumps(tree), "utf-8")
        places.append(place)


# --- memory


def _peak(way: str, folder: Path) -> int:
    """Return the most anonymous memory of a process that reads, in bytes."""
    command = [sys.executable, "-m", "benchmarks.documents", way, str(folder)]
    with subprocess.Popen(command, cwd=data.ROOT, stdout=subprocess.DEVNULL) as child:
        watched = psutil.Process(child.pid)
        most = 0
        while child.poll() is None:
            most = max(most, memory_of(watched).anonymous)
            time.sleep(EVERY_SECONDS)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return most


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
