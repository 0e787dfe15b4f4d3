"""A tracking server as a group would run it: MLflow, PostgreSQL, object storage."""

import os
import subprocess
import sys
from contextlib import contextmanager

from tests.fakes.objects import BUCKET
from tests.fakes.processes import free_port, wait_for

ROOM = f"s3://{BUCKET}/mlflow"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


@contextmanager
def mlflow_server(database, folder):
    """Start a server that serves artifacts itself; yield its address."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", database, "--artifacts-destination", ROOM),
    ]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | QUIET,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: healthy(address), server)
        yield address
    finally:
        os.killpg(server.pid, 9)  # its workers too
        server.wait()


def healthy(address):
    """Say whether the server takes requests, not only connections."""
    import requests

    try:
        return requests.get(f"{address}/health", timeout=5).ok
    except requests.RequestException:
        return False
