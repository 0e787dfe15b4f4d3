"""`python -m benchmarks [NAME ...] [--quick]`: the table of ratios."""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.ratios import Ratio, table

ONE_CORE = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")
} | {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
ENVIRONMENTS = {  # of each benchmark, in the order of the table
    "decoding": ONE_CORE,
    "drawing": ONE_CORE,
    "documents": ONE_CORE,
    "predicting": ONE_CORE,
    "training": {},
    "frozen": {},
    "memory": {},
    "tagging": {},
    "idle": {},
}


def main() -> None:
    """Measure each benchmark in a process of its own; the table grows line by line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=", ".join(ENVIRONMENTS)
    )
    parser.add_argument(
        "--quick", action="store_true", help="see that it runs, no more"
    )
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.names) - set(ENVIRONMENTS):
        parser.error(f"no benchmark {sorted(unknown)}; there are {[*ENVIRONMENTS]}")
    names = options.names or [*ENVIRONMENTS]
    if options.json:
        _measure(names[0], quick=options.quick)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for line in table(
        r for name in names for r in _measured(name, quick=options.quick)
    ):
        print(line, flush=True)


def _measured(name: str, *, quick: bool) -> Iterator[Ratio]:
    """Have another process measure; threads are counted before NumPy is imported."""
    command = [sys.executable, "-m", "benchmarks", name, "--json"]
    with (
        tempfile.TemporaryFile("w+") as remarks,  # TensorFlow has many
        subprocess.Popen(
            [*command, *(["--quick"] if quick else [])],
            env=os.environ | ENVIRONMENTS[name],
            text=True,
            stdout=subprocess.PIPE,
            stderr=remarks,
        ) as child,
    ):
        assert child.stdout is not None
        for line in child.stdout:
            yield Ratio(**json.loads(line))
        if child.wait():
            remarks.seek(0)
            sys.exit(f"{remarks.read()}\nbenchmark {name} broke down: see above")


def _measure(name: str, *, quick: bool) -> None:
    benchmark = importlib.import_module(f"benchmarks.{name}")
    with tempfile.TemporaryDirectory(prefix="tagsmith-bench-") as folder:
        for ratio in benchmark.measure(Path(folder), quick=quick):
            print(json.dumps(asdict(ratio)), flush=True)


if __name__ == "__main__":
    main()
