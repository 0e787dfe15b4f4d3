"""Several workers, any of which may be killed: signs of life, and who takes over.

Optuna's own heartbeat exists for databases only, so ours is an attribute of the trial
that every storage keeps. Ages are told by the workers' clocks, which should agree.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import optuna
from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from tagsmith.config import Tuning

logger = logging.getLogger(__name__)

ALIVE_AT = "alive_at"  # seconds since 1970, on the worker's clock
DEFAULT = "default"  # the values of params.yaml: the trial that tries these
FAILURE = "failure"  # why a trial failed; one whose worker was killed does not say
PARAMETERS = "parameters"  # values by key, as they were trained
RETRY_OF, RETRIES = "retry_of", "retries"  # the killed trial; how many there were
RUN = "run_id"  # the tracked run
SURPLUS = "surplus: another worker has it"
BEATS = 4  # signs of life in the time after which there should have been one

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class Tally:
    """How many trials of a study are in which state.

    Attributes:
        complete: Trained to the end.
        pruned: Given up as worse than others.
        failed: Diverged, or parameters that do not go together.
        killed: Their workers were; tried again, so not part of the others.
        running: Under way.
    """

    complete: int
    pruned: int
    failed: int
    killed: int
    running: int

    @classmethod
    def of(cls, study: Study) -> Self:
        """Count a study's trials."""
        trials = study.get_trials(deepcopy=False)
        states = [trial.state for trial in trials]
        failures = [t.user_attrs.get(FAILURE) for t in trials if _is_failed(t)]
        return cls(
            complete=states.count(TrialState.COMPLETE),
            pruned=states.count(TrialState.PRUNED),
            failed=sum(why not in {None, SURPLUS} for why in failures),
            killed=failures.count(None),
            running=states.count(TrialState.RUNNING),
        )

    @property
    def finished(self) -> int:
        """What counts towards the trials that were asked for."""
        return self.complete + self.pruned


class Heartbeat:
    """Says every few seconds that a trial's worker lives.

    Attributes:
        lost: Whether another worker has taken this one for dead.
    """

    def __init__(self, trial: Trial, stale_seconds: float) -> None:
        self.lost = False
        self._trial, self._pause = trial, stale_seconds / BEATS
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._trial.set_user_attr(ALIVE_AT, time.time())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._pause):
            try:
                self._trial.set_user_attr(ALIVE_AT, time.time())
            except UpdateFinishedTrialError:
                self.lost = True
                return
            except Exception as error:  # noqa: BLE001 - whatever a storage raises
                logger.warning("no sign of life could be given: %s", error)


def reap(study: Study, tuning: Tuning) -> list[FrozenTrial]:
    """End the trials whose workers were killed, and have them tried again.

    Returns:
        Those that this worker ended.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    stale = [each for each in running if _age(each) > tuning.stale_seconds]
    return [each for each in stale if release(study, each, tuning.retries)]


def release(study: Study, trial: FrozenTrial, retries: int) -> bool:
    """End a trial that its worker cannot finish, and have it tried again.

    Args:
        study: The trial's.
        trial: As the storage has it.
        retries: How often a trial may be tried again.

    Returns:
        Whether it was this worker that ended it.
    """
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, UpdateFinishedTrialError):
        return False
    known = trial.user_attrs
    tried = int(known.get(RETRIES, 0)) + 1
    if tried > retries:
        logger.warning(
            "trial %d: its worker was killed, too, and so were %d before; it is not "
            "tried again",
            trial.number,
            tried - 1,
        )
        return True
    logger.info("trial %d: its worker was killed; it is tried again", trial.number)
    again: dict[str, Any] = {RETRY_OF: trial.number, RETRIES: tried}
    again |= {DEFAULT: known[DEFAULT]} if DEFAULT in known else {}
    _enqueue(study, trial, again)
    return True


def claimed(study: Study, trial: Trial, wanted: int) -> bool:
    """Tell whether a new trial is this worker's to do; end it if it is not.

    Two workers may enqueue the same trial, or ask for the last one, at the same time:
    the lower number has it.

    Args:
        study: The trial's.
        trial: Just asked for.
        wanted: How many shall finish.
    """
    trials = study.get_trials(deepcopy=False)
    mine = trials[trial.number]
    twice = any(
        _origin(each) == _origin(mine) != ""
        for each in trials[: mine.number]
        if each.user_attrs.get(FAILURE) != SURPLUS
    )
    if not twice and _before(trials, mine) < wanted:
        return True
    trial.set_user_attr(FAILURE, SURPLUS)
    study.tell(trial, state=TrialState.FAIL)
    if not twice and _origin(mine):  # it is wanted once more trials are
        keys = {DEFAULT, RETRY_OF, RETRIES} & set(mine.user_attrs)
        _enqueue(study, mine, {key: mine.user_attrs[key] for key in keys})
    return False


def _before(trials: Sequence[FrozenTrial], mine: FrozenTrial) -> int:
    """Return how many trials are finished, or under way with a lower number."""
    under_way = [t for t in trials[: mine.number] if t.state == TrialState.RUNNING]
    return len(under_way) + sum(each.state in FINISHED for each in trials)


def _enqueue(study: Study, trial: FrozenTrial, attributes: dict[str, Any]) -> None:
    # A worker killed at once may not have drawn all: those that it was told it was to.
    told = trial.system_attrs.get("fixed_params", {})
    study.enqueue_trial({**told, **trial.params}, user_attrs=attributes)


def _origin(trial: FrozenTrial) -> str:
    """Return what only one trial may come from; empty where it was just drawn."""
    if RETRY_OF in trial.user_attrs:
        return f"retry of {trial.user_attrs[RETRY_OF]}"
    return DEFAULT if DEFAULT in trial.user_attrs else ""


def _age(trial: FrozenTrial) -> float:
    """Return the seconds since a trial's worker gave a sign of life."""
    assert trial.datetime_start is not None
    began = trial.datetime_start.timestamp()
    return time.time() - float(trial.user_attrs.get(ALIVE_AT, began))


def _is_failed(trial: FrozenTrial) -> bool:
    return trial.state == optuna.trial.TrialState.FAIL
