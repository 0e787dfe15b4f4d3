"""A real MLflow server on a database file, and three trainings to look at in it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import numpy as np

from tagsmith.tracking.recording import mlflow_run

EPOCHS = 20
BEST = {"crnn_gru": 0.935, "crnn_lstm": 0.925, "crnn_bilstm": 0.948}
PATIENCE_SECONDS = 300  # a shared machine takes its time to import MLflow


@contextmanager
def serving(database: Path, log: Path) -> Iterator[str]:
    """Serve an MLflow database for a while; gives the address.

    Args:
        database: An SQLite file.
        log: Where the server's words go.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{database}"]
    words += ["--host", "127.0.0.1", "--port", str(port)]
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # saves half of the start
    }
    with log.open("w") as out:
        server = subprocess.Popen(
            words,
            env=os.environ | quiet,
            cwd=log.parent,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            _wait(f"http://127.0.0.1:{port}", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)  # its workers, too
            server.wait(60)


def _wait(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 - ours
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"the server does not answer: {log.read_text()[-2000:]}")


def trained(params) -> None:
    """Log made-up trainings of the three recurrences, as `train` logs real ones."""
    rng = np.random.default_rng(1883)
    for model, best in BEST.items():
        with mlflow_run(params, name=model, stage="train") as recorder:
            for epoch in range(1, EPOCHS + 1):
                recorder.metrics(_figures(best, epoch, rng), step=epoch)
            kept = {"ROC-AUC-macro": best, "PR-AUC-macro": best - 0.24}
            recorder.metrics({f"validation/{name}": kept[name] for name in kept})


def _figures(best: float, epoch: int, rng: np.random.Generator) -> dict[str, float]:
    shape = 1 - np.exp(-epoch / 4)
    noise = 0.004 * rng.normal()
    return {
        "loss": float(0.35 - 0.25 * shape + abs(noise)),
        "validation_roc_auc": float(0.5 + (best - 0.5) * shape + noise),
        "validation_pr_auc": float(0.1 + (best - 0.34) * shape + noise),
    }
