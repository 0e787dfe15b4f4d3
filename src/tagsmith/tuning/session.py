"""What `tagsmith tune` does: a run of its own, its trials below it, and pictures."""

import tempfile
from pathlib import Path

from tagsmith.config import ENSEMBLE, Params
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder, mlflow_run
from tagsmith.tuning import fusing
from tagsmith.tuning.plots import draw
from tagsmith.tuning.study import Outcome, parameters, summary, tune
from tagsmith.tuning.task import Task


def task_of(params: Params, store: Store, model: str) -> Task:
    """Return what is tuned: a model's parameters, or the ensemble's weights."""
    kind = fusing.FusionTask if model == ENSEMBLE else Task
    return kind(params, store, model)


def run(params: Params, store: Store, model: str, trials: int) -> str:
    """Tune a model until so many trials have finished, tracked by MLflow.

    Args:
        params: The experiment.
        store: Where its data are.
        model: Its name, or `ensemble`.
        trials: That shall have finished.

    Returns:
        What the study has come to, for people.

    Raises:
        ConfigError: Nothing is searched for the model, or its values lie outside.
        DataError: Too many trials failed.
        MissingError: Features, tables or scores have not been made.
        TrackingError: MLflow or the studies' storage cannot be reached.
    """
    task = task_of(params, store, model)
    task.defaults()  # what is wrong or missing is told before a run is opened
    _ = task.study_name
    with mlflow_run(params, name=f"{model} study", stage="tune") as recorder:
        outcome = tune(task, trials)
        _record(outcome, recorder, model)
        lines = [summary(outcome, params.tuning.storage)]
        if isinstance(task, fusing.FusionTask):
            lines += _judged(task, outcome, recorder)
    return "\n".join(lines)


def _judged(task: fusing.FusionTask, outcome: Outcome, recorder: Recorder) -> list[str]:
    """Say what choosing among the trials is worth where it had no say."""
    found = fusing.worth(task, outcome.study)
    if found is None:
        return []
    recorder.metrics({"choosing_gain": found.gain, "choosing_better": found.better})
    return [fusing.said(found)]


def _record(outcome: Outcome, recorder: Recorder, model: str) -> None:
    tally = outcome.tally
    recorder.tags({"model": model, "study": outcome.study.study_name})
    figures: dict[str, float] = {
        "trials_complete": tally.complete,
        "trials_pruned": tally.pruned,
        "trials_failed": tally.failed,
        "trials_killed": tally.killed,
    }
    if outcome.default is not None:
        figures["default_validation_pr_auc"] = outcome.default.value or 0.0
    if outcome.best is not None:
        figures["best_validation_pr_auc"] = outcome.best.value or 0.0
        recorder.params({"best": parameters(outcome.best)})
    recorder.metrics(figures)
    with tempfile.TemporaryDirectory() as folder:
        for path in draw(outcome.study, Path(folder)):
            recorder.artifact(path, "study")
