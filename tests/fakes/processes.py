"""Other processes of a test: Python's, and servers that answer after a while."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing

from tests.conftest import ROOT

SECONDS = 120  # in which anything here must be over, on a slow machine


def python(code, **options):
    """Run code that may import the project and its tests."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, **options)


def module(name, *words, **variables):
    """Run a module of the tests with other variables, to its end.

    Raises:
        RuntimeError: It failed; with what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", name, *words],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def wait_for(claim, *processes):
    """Wait until something is so, while processes live."""
    began = time.monotonic()
    while not claim():
        assert time.monotonic() - began < SECONDS
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)


def free_port():
    """Return a port that nobody listens at."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    """Say whether somebody listens there."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
