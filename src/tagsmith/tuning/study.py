"""A study: joined or begun, worked at until enough trials finished, and summed up."""

import logging
import time
from dataclasses import dataclass
from typing import Any

import optuna
from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tagsmith.config import nearest
from tagsmith.errors import DataError, MissingError
from tagsmith.tuning import sampling, trial
from tagsmith.tuning.space import distributions
from tagsmith.tuning.storage import opened, reaching
from tagsmith.tuning.task import Task
from tagsmith.tuning.workers import (
    DEFAULT,
    PARAMETERS,
    Heartbeat,
    Tally,
    claimed,
    reap,
)

logger = logging.getLogger(__name__)

MODEL = "model"  # the study's attribute
LONGEST_PAUSE = 2.0  # seconds between looks at what other workers do


@dataclass(frozen=True)
class Outcome:
    """What a study has come to.

    Attributes:
        study: It.
        tally: How many trials it has, by state.
        default: What the values of `params.yaml` reach; None if that trial failed.
        best: The best trial; None if none is complete.
    """

    study: Study
    tally: Tally
    default: FrozenTrial | None
    best: FrozenTrial | None


def tune(task: Task, trials: int) -> Outcome:
    """Work at a model's study until so many trials have finished, whoever does them.

    Args:
        task: What is tuned.
        trials: Complete and pruned ones together, those of earlier commands too.

    Raises:
        ConfigError: Nothing is searched for the model, or its values lie outside.
        DataError: More trials failed than were asked for.
        TrackingError: The storage cannot be reached.
    """
    address = task.params.tuning.storage
    with reaching(address):
        study = _joined(task, opened(address))
        _work(study, task, trials)
        return outcome(study)


def found(address: str, name: str) -> Study:
    """Return a study that is there.

    Raises:
        MissingError: It is not.
    """
    storage = opened(address)
    names = optuna.get_all_study_names(storage)
    if name not in names:
        raise MissingError(
            f"no study {name!r} in {address}{nearest(name, names)}; it has "
            f"{sorted(names)}"
        )
    return optuna.load_study(study_name=name, storage=storage)


def outcome(study: Study) -> Outcome:
    """Sum a study up."""
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    values = [(each.value or 0.0, -each.number) for each in complete]
    best = complete[values.index(max(values))] if complete else None
    by_default = [each for each in complete if DEFAULT in each.user_attrs]
    return Outcome(study, Tally.of(study), next(iter(by_default), None), best)


def parameters(best: FrozenTrial) -> dict[str, Any]:
    """Return the values that a trial was trained with, by key below its model."""
    values: dict[str, Any] = best.user_attrs[PARAMETERS]
    return values


def summary(found: Outcome, address: str) -> str:
    """Say what a study has come to."""
    tally = found.tally
    lines = [
        f"study {found.study.study_name} in {address}",
        f"  {tally.finished} finished: {_counted(tally)}",
    ]
    if found.default is not None:
        lines.append(f"  defaults  {found.default.value:.4f}  {_said(found.default)}")
    if found.best is not None:
        lines.append(f"  best      {found.best.value:.4f}  {_said(found.best)}")
        values = parameters(found.best)
        width = max(map(len, values))
        lines += [f"    {key:{width}}  {value}" for key, value in values.items()]
        lines.append(f"  take it   tagsmith adopt {found.study.study_name}")
    return "\n".join(lines)


def _counted(tally: Tally) -> str:
    return (
        f"{tally.complete} complete, {tally.pruned} pruned; {tally.failed} failed, "
        f"{tally.killed} killed"
    )


def _said(of: FrozenTrial) -> str:
    return f"macro PR-AUC on validation, trial {of.number}"


def _joined(task: Task, storage: BaseStorage) -> Study:
    """Return the study of a task; who begins it has the defaults tried first."""
    tuning, values = task.params.tuning, task.defaults()
    study = optuna.create_study(
        storage=storage,
        study_name=task.study_name,
        direction="maximize",
        sampler=sampling.sampler(tuning, task.params.seed),
        pruner=sampling.pruner(tuning),
        load_if_exists=True,
    )
    known = study.get_trials(deepcopy=False)
    if not any(DEFAULT in each.user_attrs for each in known):
        study.set_user_attr(MODEL, task.model)
        study.enqueue_trial(task.drawn(values), user_attrs={DEFAULT: values})
    logger.info("study %s has %d trials", study.study_name, len(known))
    return study


def _work(study: Study, task: Task, wanted: int) -> None:
    tuning = task.params.tuning
    dimensions = distributions(task.spaces)
    pause = min(LONGEST_PAUSE, tuning.stale_seconds / 4)
    failures, waits = 0, False
    while failures <= wanted:
        reap(study, tuning)
        tally = Tally.of(study)
        if tally.finished >= wanted:
            return
        if tally.finished + tally.running >= wanted:  # others do what is left
            if not waits:
                logger.info("waiting for %d trials of other workers", tally.running)
            waits = True
            time.sleep(pause)
            continue
        asked = study.ask(dimensions)
        with Heartbeat(asked, tuning.stale_seconds) as heart:
            if claimed(study, asked, wanted):
                failures += not trial.run(study, asked, task, heart)
    raise DataError(
        f"{failures} trials failed, more than the {wanted} that were asked for; what "
        f"was wrong stands above: narrow tuning.spaces.{task.model}"
    )
