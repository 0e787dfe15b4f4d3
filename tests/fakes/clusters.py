"""Clusters on this machine: a Dask scheduler with workers in processes of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tagsmith.config import Dask
from tests.conftest import ROOT

SECONDS = 240  # in which a worker must be there, on a slow machine

# What a worker runs first: its ensembles are fakes, and TensorFlow is not needed.
PRELOAD = "from tests.fakes import ensembles\nensembles.install()\n"


def free_port() -> int:
    """Return a port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*words: str, folder: Path) -> Iterator[subprocess.Popen]:
    """Run Python in another folder, until it is no longer needed."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("a"),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def dask_worker(address: str, folder: Path):
    """Start a worker with one thread, in a folder of its own."""
    preload = folder / "preload.py"
    preload.write_text(PRELOAD)
    options = ["--no-nanny", "--no-dashboard", "--nthreads", "1"]
    places = ["--local-directory", str(folder), "--preload", str(preload)]
    words = ["-m", "dask", "worker", address, *options, *places]
    return running(*words, folder=folder)


@contextmanager
def dask(folder: Path, *, workers: int = 2) -> Iterator[Dask]:
    """Run a scheduler and workers, and return the engine that uses them."""
    port = free_port()
    engine = Dask(kind="dask", address=f"tcp://127.0.0.1:{port}", workers=-1)
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    with ExitStack() as stack:
        scheduler = ["-m", "dask", "scheduler", *options]
        stack.enter_context(running(*scheduler, folder=folder))
        for _ in range(workers):
            stack.enter_context(dask_worker(engine.address, folder))
        wait_for_workers(engine, workers)
        yield engine


def wait_for_workers(engine: Dask, count: int) -> None:
    """Wait until a cluster has that many workers."""
    from distributed import Client

    began = time.monotonic()
    while True:
        try:
            client = Client(engine.address, timeout=5, set_as_default=False)
        except OSError:
            assert time.monotonic() - began < SECONDS
            continue
        with client:
            if count:
                client.wait_for_workers(count, timeout=SECONDS)
        return
