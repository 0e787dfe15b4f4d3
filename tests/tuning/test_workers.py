"""Workers: several at once, and what is left of one that was killed."""

import signal
import time
from collections import Counter

import optuna
import pytest
from optuna.trial import TrialState

from tagsmith.errors import DataError
from tagsmith.stages import train
from tagsmith.tracking.recording import Stopped
from tagsmith.tuning import study, trial, workers
from tagsmith.tuning.space import distributions, spaces_of
from tagsmith.tuning.storage import opened
from tagsmith.tuning.workers import ALIVE_AT, FAILURE, PARAMETERS, RETRY_OF
from tests.fakes import storages, studies
from tests.fakes.processes import SECONDS, python, wait_for
from tests.fakes.studies import MODEL


@pytest.fixture
def store(tmp_path):
    return studies.store(tmp_path)


def worker(folder, storage, trials, **options):
    """Start a worker in a process of its own."""
    words = ", ".join(f"{key}={value!r}" for key, value in options.items())
    given = f"{str(folder)!r}, {storage!r}, {trials}, {words}"
    return python(f"from tests.fakes import studies; studies.work({given})")


def only_study(storage):
    (name,) = optuna.get_all_study_names(opened(storage))
    return study.found(storage, name)


# --- the storages


@pytest.fixture(params=storages.ALL, ids=lambda made: made.__name__)
def storage(request, tmp_path):
    with request.param(tmp_path) as address:
        yield address


# --- claims of every storage


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_two_workers_at_once_share_a_study(storage, tmp_path):
    both = [worker(tmp_path, storage, 12, seconds=0.02) for _ in range(2)]
    assert [each.wait(SECONDS) for each in both] == [0, 0]
    found = only_study(storage)
    tally = workers.Tally.of(found)
    assert (tally.finished, tally.running, tally.failed, tally.killed) == (12, 0, 0, 0)
    done = [t for t in found.get_trials() if t.state in workers.FINISHED]
    assert len({str(each.params) for each in done}) == 12


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_after_a_kill_nothing_finished_is_lost_or_repeated(storage, tmp_path):
    options = {"stale_seconds": 1.0}
    killed = worker(tmp_path, storage, 6, stall_in=2, **options)
    wait_for((tmp_path / "stalled").exists, killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = only_study(storage).get_trials()
    assert [t.state.name for t in before] == ["COMPLETE", "COMPLETE", "RUNNING"]
    time.sleep(1)
    assert worker(tmp_path, storage, 6, **options).wait(SECONDS) == 0
    found = only_study(storage)
    after = found.get_trials()
    assert [(t.params, t.value) for t in after[:2]] == [
        (t.params, t.value) for t in before[:2]
    ]
    (again,) = [t for t in after if t.user_attrs.get(RETRY_OF) == 2]
    assert again.params == before[2].params and again.state == TrialState.COMPLETE
    assert list(again.intermediate_values) == [1, 2, 3, 4]
    tally = workers.Tally.of(found)
    assert (tally.finished, tally.killed, tally.failed) == (6, 1, 0)


# --- the same, in one process


@pytest.fixture
def params(tmp_path):
    return studies.params(f"sqlite:///{tmp_path}/tuning.db")


@pytest.fixture
def task(params, store):
    return trial.Task(params, store, MODEL)


@pytest.fixture
def fake(monkeypatch):
    """Nothing is trained and nothing tracked; says which epochs there were."""
    epochs = Counter()

    def learn(params, store, recorder, name, checkpoint):
        def before(epoch):
            epochs[str(params.model(name)), epoch] += 1

        return studies.learn(params, store, recorder, name, checkpoint, before)

    monkeypatch.setattr(train, "learn", learn)
    monkeypatch.setattr(trial, "mlflow_run", studies.untracked)
    monkeypatch.setattr(trial, "give_up", lambda run_id, _: epochs.update([run_id]))
    return epochs


class Dies(BaseException):
    """Stands for SIGKILL."""


def killed_in(monkeypatch, task, *, epoch, stale=True):
    """Begin a study, and let its first trial's worker be killed in an epoch."""

    def learn(*given):
        def before(now):
            if now == epoch:
                raise Dies

        return studies.learn(*given, before)

    with monkeypatch.context() as during:
        during.setattr(train, "learn", learn)
        during.setattr(trial, "mlflow_run", studies.untracked)
        during.setattr(trial, "release", lambda *_: False)  # the dead do nothing
        with pytest.raises(Dies):
            study.tune(task, 2)
    found = only_study(task.params.tuning.storage)
    if stale:
        last = found.get_trials()[-1]
        found._storage.set_trial_user_attr(last._trial_id, ALIVE_AT, time.time() - 61)
    return found


def test_a_killed_trial_goes_on_after_its_last_epoch(task, fake, monkeypatch):
    killed_in(monkeypatch, task, epoch=3)
    outcome = study.tune(task, 2)
    first, again = outcome.study.get_trials()[:2]
    assert (first.state, again.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert again.user_attrs[RETRY_OF] == 0 and again.params == first.params
    assert outcome.default.number == 1
    assert list(again.intermediate_values) == [1, 2, 3, 4]
    config = str(task.params.model(MODEL))
    assert [fake[config, epoch] for epoch in (1, 2, 3, 4)] == [0, 0, 1, 1]


def test_one_that_finished_no_epoch_starts_over_in_another_run(task, fake, monkeypatch):
    killed_in(monkeypatch, task, epoch=1)
    outcome = study.tune(task, 1)
    assert fake["memory"] == 1  # the run that was given up
    assert outcome.tally.complete == 1 == outcome.tally.killed
    assert outcome.default.number == 1


@pytest.mark.usefixtures("fake")
def test_a_worker_that_may_live_is_waited_for(task, monkeypatch):
    found = killed_in(monkeypatch, task, epoch=3, stale=False)
    waits = iter([lambda: None, lambda: study.outcome(found), None])

    def sleep(_):
        if next(waits) is None:
            raise TimeoutError

    monkeypatch.setattr(study.time, "sleep", sleep)
    with pytest.raises(TimeoutError):
        study.tune(task, 1)
    assert len(found.get_trials()) == 1


@pytest.mark.usefixtures("fake")
def test_a_trial_that_kills_its_workers_is_given_up(task, monkeypatch):
    for _ in range(1 + task.params.tuning.retries):
        killed_in(monkeypatch, task, epoch=2)
    outcome = study.tune(task, 1)
    assert outcome.tally.killed == 3 and outcome.default is None
    assert outcome.best.number == 3


@pytest.mark.usefixtures("fake")
def test_two_workers_that_bury_the_same_trial_try_it_again_once(task, monkeypatch):
    found = killed_in(monkeypatch, task, epoch=3)
    dead = found.get_trials()[0]
    assert workers.release(found, dead, 2)
    assert not workers.release(found, dead, 2)
    # On a database two of them may both believe to have been the first.
    workers._enqueue(found, dead, dict(found.get_trials()[-1].user_attrs))
    outcome = study.tune(task, 3)
    retries = [t for t in outcome.study.get_trials() if RETRY_OF in t.user_attrs]
    assert [t.state.name for t in retries] == ["COMPLETE", "FAIL"]
    assert retries[1].user_attrs[FAILURE] == workers.SURPLUS
    assert (outcome.tally.finished, outcome.tally.failed) == (3, 0)


@pytest.mark.usefixtures("fake")
def test_of_two_workers_only_one_has_the_last_trial(task):
    outcome = study.tune(task, 1)
    found, space = outcome.study, distributions(spaces_of(task.params, MODEL))
    first, second = found.ask(space), found.ask(space)
    assert workers.claimed(found, first, 2)
    assert not workers.claimed(found, second, 2)
    tally = workers.Tally.of(found)
    assert (tally.running, tally.failed, tally.killed) == (1, 0, 0)


@pytest.mark.usefixtures("fake")
def test_a_worker_that_was_taken_for_dead_leaves_its_trial_alone(task, monkeypatch):
    lost = []

    def learn(*given):
        def before(epoch):
            if epoch == 3 and not lost:
                (mine,) = found().get_trials(states=(TrialState.RUNNING,))
                lost.append(workers.release(found(), mine, 2))

        return studies.learn(*given, before)

    def found():
        return only_study(task.params.tuning.storage)

    monkeypatch.setattr(train, "learn", learn)
    outcome = study.tune(task, 2)
    assert lost == [True]
    assert (outcome.tally.finished, outcome.tally.killed) == (2, 1)


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("end", [None, DataError("diverged"), Stopped("bad")], ids=str)
def test_what_a_lost_worker_comes_to_is_dropped(task, monkeypatch, end):
    def learn(*given):
        learnt = studies.learn(*given)
        found = only_study(task.params.tuning.storage)
        (mine,) = found.get_trials(states=(TrialState.RUNNING,))
        assert not mine.number  # the second trial is the same again: it ends here
        assert workers.release(found, mine, 2)
        if end:
            raise end
        return learnt

    monkeypatch.setattr(train, "learn", learn)
    with pytest.raises(AssertionError):
        study.tune(task, 1)
    first = only_study(task.params.tuning.storage).get_trials()[0]
    assert (first.state, first.value) == (TrialState.FAIL, None)
    assert FAILURE not in first.user_attrs


def test_an_interrupted_trial_is_tried_again_at_once(task, fake, monkeypatch):
    def learn(*given):
        def before(epoch):
            if epoch == 3:
                raise KeyboardInterrupt

        return studies.learn(*given, before)

    with monkeypatch.context() as during:
        during.setattr(train, "learn", learn)
        with pytest.raises(KeyboardInterrupt):
            study.tune(task, 1)
    outcome = study.tune(task, 1)
    assert (outcome.tally.finished, outcome.tally.killed) == (1, 1)
    config = str(task.params.model(MODEL))
    assert [fake[config, epoch] for epoch in (1, 2, 3)] == [0, 0, 1]


@pytest.mark.usefixtures("fake")
def test_signs_of_life_go_on_while_an_epoch_lasts(task):
    found = study.tune(task, 1).study
    asked = found.ask(distributions(spaces_of(task.params, MODEL)))
    with workers.Heartbeat(asked, 0.2):
        first = found.get_trials()[-1].user_attrs[ALIVE_AT]
        wait_for(lambda: found.get_trials()[-1].user_attrs[ALIVE_AT] > first)


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.usefixtures("mlflow_database")
def test_a_real_training_that_was_killed_ends_as_an_undisturbed_one(task, monkeypatch):
    import mlflow

    from tagsmith.tracking.recording import MlflowRecorder

    metrics = MlflowRecorder.metrics

    def dies(self, values, step=0):
        if step == 2:
            raise Dies
        metrics(self, values, step)

    with monkeypatch.context() as during:
        during.setattr(MlflowRecorder, "metrics", dies)
        with pytest.raises(Dies):
            study.tune(task, 1)
    outcome = study.tune(task, 1)
    (run,) = mlflow.search_runs(
        filter_string="tags.trial_state = 'complete'", output_format="list",
        search_all_experiments=True,
    )  # fmt: skip
    assert outcome.best.user_attrs["run_id"] == run.info.run_id
    undisturbed = trial.Task(
        task.params.override(
            {"tuning.storage": task.params.tuning.storage + "2"}
        ),
        task.store,
        MODEL,
    )  # fmt: skip
    other = study.tune(undisturbed, 1)
    assert outcome.best.intermediate_values == other.best.intermediate_values
    assert outcome.best.user_attrs[PARAMETERS] == other.best.user_attrs[PARAMETERS]
