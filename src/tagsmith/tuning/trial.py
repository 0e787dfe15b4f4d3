"""One trial: a training with other parameters, watched and perhaps given up.

Or a fusion with other weights: see `fusing.py`.

It reads the training and the validation split and nothing of test, and writes below
the store's scratch only.
"""

import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tagsmith.errors import ConfigError, DataError
from tagsmith.tracking.recording import Recorder, Stopped, mlflow_run
from tagsmith.tracking.server import give_up
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.tuning.space import values_of
from tagsmith.tuning.task import FIGURE, Task
from tagsmith.tuning.workers import (
    DEFAULT,
    FAILURE,
    PARAMETERS,
    RETRY_OF,
    RUN,
    Heartbeat,
    release,
)

logger = logging.getLogger(__name__)

BEST = f"best_{FIGURE}"
STATE = "trial_state"  # the run's tag: started, complete, pruned or failed


class LostError(Exception):
    """Another worker took this one for dead, and does its trial."""


@dataclass(frozen=True)
class Watched:
    """A recorder that tells the study of every epoch, too, and may end the training."""

    recorder: Recorder
    trial: Trial
    heart: Heartbeat

    @property
    def run_id(self) -> str:
        """See `Recorder`."""
        return self.recorder.run_id

    def params(self, values: Mapping[str, object]) -> None:
        """See `Recorder`."""
        self.recorder.params(values)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record an epoch.

        Raises:
            LostError: Another worker does this trial.
            TrialPruned: It is worse than others.
        """
        self.recorder.metrics(values, step)
        if self.heart.lost:
            raise LostError
        if FIGURE not in values:
            return
        self.trial.report(values[FIGURE], step)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"{FIGURE} {values[FIGURE]:.4f} at epoch {step}")

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """See `Recorder`."""
        self.recorder.artifact(path, folder)

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Recorder`."""
        self.recorder.tags(values)

    def dataset(self, name: str, tables: Sequence[Path]) -> None:
        """See `Recorder`."""
        self.recorder.dataset(name, tables)


def run(study: Study, trial: Trial, task: Task, heart: Heartbeat) -> bool:
    """Do a trial, and tell the study what came of it.

    Returns:
        Whether it came to something: False if training failed.
    """
    folder = task.folder(study.study_name, trial.number)
    _inherit(study, trial, task, folder)
    failure = ""
    try:
        best = _trained(trial, task, heart, Checkpoint(folder / "checkpoint.npz"))
        _end(study, trial, TrialState.COMPLETE, best)
    except Stopped as why:
        logger.info("trial %d is pruned: %s", trial.number, why)
        _end(study, trial, TrialState.PRUNED)
    except (ConfigError, DataError) as error:
        failure = str(error)
        logger.warning("trial %d failed: %s", trial.number, failure)
        _end(study, trial, TrialState.FAIL, failure=failure)
    except (LostError, UpdateFinishedTrialError):
        logger.warning("trial %d: another worker has taken it over", trial.number)
    except BaseException:  # the checkpoint stays, for whoever tries it again
        frozen = study.get_trials(deepcopy=False)[trial.number]
        release(study, frozen, task.params.tuning.retries)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return not failure


def _end(
    study: Study,
    trial: Trial,
    state: TrialState,
    value: float | None = None,
    *,
    failure: str = "",
) -> None:
    """Tell the study what came of a trial, unless another worker has taken it over."""
    with suppress(UpdateFinishedTrialError):
        if failure:
            trial.set_user_attr(FAILURE, failure)
        study.tell(trial, value, state=state, skip_if_finished=True)


def _inherit(study: Study, trial: Trial, task: Task, folder: Path) -> None:
    """Take over what the killed worker of a trial left on this machine."""
    origin = trial.user_attrs.get(RETRY_OF)
    if origin is None:
        return
    left = task.folder(study.study_name, origin)
    if Checkpoint(left / "checkpoint.npz").progress() is not None:
        left.replace(folder)
        logger.info("trial %d goes on from trial %d", trial.number, origin)
        return
    run_id = study.get_trials(deepcopy=False)[origin].user_attrs.get(RUN)
    if run_id is not None:
        give_up(run_id, {STATE: "failed", FAILURE: "its worker was killed"})


def _trained(
    trial: Trial, task: Task, heart: Heartbeat, checkpoint: Checkpoint
) -> float:
    """Train, recorded in a run of its own.

    Returns:
        The best epoch's figure.

    Raises:
        Stopped: The trial is pruned.
    """
    values = _values(trial, task)
    trial.set_user_attr(PARAMETERS, values)
    params = task.params.override(task.named(values))
    progress = checkpoint.progress()
    with mlflow_run(
        params,
        name=f"{task.model} trial {trial.number}",
        stage="trial",
        run_id=progress.run_id if progress else None,
        nested=True,
    ) as recorder:
        trial.set_user_attr(RUN, recorder.run_id)
        recorder.params({"tuned": values})
        about = {"study": trial.study.study_name, "trial": str(trial.number)}
        recorder.tags({**about, STATE: "started"})
        for row in progress.history if progress else ():
            trial.report(row[FIGURE], int(row["epoch"]))
        watched = Watched(recorder, trial, heart)
        try:
            best = task.reach(params, watched, checkpoint)
        except optuna.TrialPruned as why:
            recorder.tags({STATE: "pruned"})
            raise Stopped(str(why)) from why
        except BaseException:
            recorder.tags({STATE: "failed"})
            raise
        recorder.metrics({BEST: best})
        recorder.tags({STATE: "complete"})
    logger.info("trial %d: %s %.4f", trial.number, BEST, best)
    return best


def _values(trial: Trial, task: Task) -> dict[str, Any]:
    """Return what the trial tries; the first one exactly what `params.yaml` had."""
    if DEFAULT in trial.user_attrs:
        exact: dict[str, Any] = trial.user_attrs[DEFAULT]
        return exact
    return values_of(task.spaces, trial.params)
