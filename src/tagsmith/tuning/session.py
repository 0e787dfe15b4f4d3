"""What `tagsmith tune` does: a run of its own, its trials below it, and pictures."""

import tempfile
from pathlib import Path

from tagsmith.config import Params
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder, mlflow_run
from tagsmith.tuning.naming import study_name
from tagsmith.tuning.plots import draw
from tagsmith.tuning.space import defaults
from tagsmith.tuning.study import Outcome, parameters, summary, tune
from tagsmith.tuning.trial import Task


def run(params: Params, store: Store, model: str, trials: int) -> str:
    """Tune a model until so many trials have finished, tracked by MLflow.

    Returns:
        What the study has come to, for people.

    Raises:
        ConfigError: Nothing is searched for the model, or its values lie outside.
        DataError: Too many trials failed.
        MissingError: Features or tables have not been made.
        TrackingError: MLflow or the studies' storage cannot be reached.
    """
    defaults(params, model)  # what is wrong or missing is told before a run is opened
    study_name(params, store, model)
    with mlflow_run(params, name=f"{model} study", stage="tune") as recorder:
        outcome = tune(Task(params, store, model), trials)
        _record(outcome, recorder, model)
    return summary(outcome, params.tuning.storage)


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
