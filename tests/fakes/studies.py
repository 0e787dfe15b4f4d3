"""Studies of a made-up training, which takes no time and whose best value is known.

`python -c "from tests.fakes import studies; studies.work(...)"` is a worker of its own.
"""

import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

from tagsmith.stages import train
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.training.checkpoint import Progress
from tagsmith.tuning import trial
from tagsmith.tuning.study import tune
from tests.fakes.experiments import store_with_features, tiny_params

MODEL = "melband_fcn"
EPOCHS = 4
RATE = "training.phases.0.learning_rate"
SPACES = {
    MODEL: {
        RATE: {"kind": "float", "low": 0.001, "high": 0.1, "log": True},
        "training.batch_size": {"kind": "int", "low": 2, "high": 8, "log": False},
        "filters": {"kind": "choice", "choices": [[8, 8, 16, 16], [4, 4, 8, 8]]},
        "dropout": {"kind": "float", "low": 0.0, "high": 0.5, "log": False},
    }
}
NO_PRUNER = {"kind": "none"}


def params(storage, **overrides):
    """Return a tiny experiment whose studies are kept in a storage."""
    mine = {"storage": str(storage), "spaces": SPACES, "stale_seconds": 60.0}
    named = {f"tuning.{key}": value for key, value in mine.items()}
    return tiny_params(**{**named, **overrides})


def store(folder):
    """Return a store that holds all that a study is named after, and learns from."""
    return store_with_features(Path(folder), np.random.default_rng(1883))


def reached(config, epoch):
    """Return what the made-up training reaches: most without dropout, at a rate."""
    missed = abs(np.log10(config.training.phases[0].learning_rate) + 1.5) / 4
    return float((0.9 - missed - config.dropout / 2) * (1 - 0.5**epoch))


def learn(params, _, recorder, name, checkpoint, before=lambda _: None):
    """Stand in for `train.learn`; goes on from a checkpoint, as that does."""
    progress = checkpoint.progress() or Progress(recorder.run_id)
    while progress.epoch < EPOCHS:
        before(progress.epoch + 1)
        figure = reached(params.model(name), progress.epoch + 1)
        row = {"validation_pr_auc": figure, "validation_roc_auc": figure, "loss": 1.0}
        progress.add(row, best_by="roc_auc")
        try:
            recorder.metrics(row, step=progress.epoch)
        finally:
            checkpoint.save(progress, network=[], optimizer=[], best=[])
    return SimpleNamespace(history=progress.history)


@contextmanager
def untracked(*_, **__):
    """Stand in for `mlflow_run`."""
    yield MemoryRecorder()


def work(folder, storage, trials, *, stall_in=0, stale_seconds=60.0, seconds=0.0):
    """Be a worker: tune, without MLflow, and stop for ever in a trial if told so.

    Args:
        folder: Where the store is.
        storage: Where the study is kept.
        trials: That shall finish.
        stall_in: The number of the trial in whose third epoch it stops.
        stale_seconds: As in `params.yaml`.
        seconds: That an epoch takes.
    """
    begun = []

    def before(epoch):
        time.sleep(seconds)
        begun.append(epoch)
        if stall_in and begun.count(1) == stall_in + 1 and epoch == 3:
            (Path(folder) / "stalled").touch()
            time.sleep(600)

    data = Store(Path(folder) / "data", scratch=Path(folder) / "scratch")
    task = trial.Task(
        params(storage, **{"tuning.stale_seconds": stale_seconds}), data, MODEL
    )
    with (
        mock.patch.object(trial, "mlflow_run", untracked),
        mock.patch.object(train, "learn", lambda *given: learn(*given, before=before)),
    ):
        tune(task, trials)
