"""Clusters on this machine: a Dask scheduler with workers in processes of their own."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tagsmith.config import Dask, Ray
from tests.conftest import ROOT

SECONDS = 240  # in which a worker must be there, on a slow machine


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
    options = ["--no-nanny", "--no-dashboard", "--nthreads", "1"]
    options += ["--local-directory", str(folder)]
    words = ["-m", "dask", "worker", address, *options]
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


@contextmanager
def ray() -> Iterator[Ray]:
    """Run a node with two workers; this process is its driver."""
    import ray

    home = tempfile.mkdtemp(prefix="ray-")  # the name of a socket must be short
    with pytest.MonkeyPatch.context() as environment:
        # Without a token of ours, Ray writes one into the user's home folder.
        environment.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        _start_ray(home)
        try:
            yield Ray(kind="ray", address="auto", workers=-1)
        finally:
            ray.shutdown()
            shutil.rmtree(home, ignore_errors=True)


def ray_address() -> str:
    """Return where the node that runs is reached from elsewhere."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def _start_ray(home: str, tries: int = 4) -> None:
    """Start a node; Ray itself gives up after 30 s, which a busy machine may need."""
    import ray

    environment = {"env_vars": {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}}
    for left in reversed(range(tries)):
        try:
            ray.init(
                "local",
                num_cpus=2,
                include_dashboard=False,
                log_to_driver=False,
                runtime_env=environment,
                object_store_memory=100_000_000,
                _temp_dir=home,
            )
        except Exception as error:
            if "timed out during startup" not in str(error) or not left:
                raise
        else:
            return
