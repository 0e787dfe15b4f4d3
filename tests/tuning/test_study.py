"""Studies: what is tried first, what counts, what is told, and what is never read."""

import mlflow
import optuna
import pytest
from optuna.trial import TrialState

from tagsmith.config import Params
from tagsmith.errors import ConfigError, DataError, MissingError, TrackingError
from tagsmith.stages import train
from tagsmith.store import Store
from tagsmith.tracking.recording import mlflow_run
from tagsmith.tuning import session, storage, study, trial
from tagsmith.tuning.naming import study_name
from tagsmith.tuning.space import spaces_of, values_of
from tagsmith.tuning.workers import FAILURE, PARAMETERS
from tests.fakes import studies
from tests.fakes.studies import MODEL, RATE

MEDIAN = {"kind": "median", "startup_trials": 1, "warmup_epochs": 1, "least_trials": 1}


@pytest.fixture
def store(tmp_path):
    return studies.store(tmp_path)


@pytest.fixture
def params(tmp_path):
    return studies.params(f"sqlite:///{tmp_path}/tuning.db")


@pytest.fixture
def fake(monkeypatch):
    """Nothing is trained and nothing tracked."""
    monkeypatch.setattr(train, "learn", studies.learn)
    monkeypatch.setattr(trial, "mlflow_run", studies.untracked)


def tune(params, store, trials):
    return study.tune(trial.Task(params, store, MODEL), trials)


def tried(outcome):
    trials = outcome.study.get_trials()
    return [each.user_attrs.get(PARAMETERS) for each in trials]


@pytest.mark.usefixtures("fake")
def test_the_first_trial_is_what_params_yaml_has(params, store):
    outcome = tune(params, store, 3)
    assert tried(outcome)[0] == {
        RATE: 0.01,
        "training.batch_size": 4,
        "filters": [8, 8, 16, 16],
        "dropout": 0.0,
    }
    config = params.model(MODEL)
    assert outcome.default.value == pytest.approx(studies.reached(config, 4))
    assert outcome.best.value >= outcome.default.value


@pytest.mark.usefixtures("fake")
def test_what_is_drawn_depends_on_the_seed_and_the_number_only(params, store):
    random = params.override({"tuning.sampler": {"kind": "random"}})
    whole = tried(tune(random, store, 4))
    other = random.override({"tuning.storage": params.tuning.storage + "2"})
    tune(other, store, 2)
    assert tried(tune(other, store, 4)) == whole
    seeded = tried(tune(random.override({"seed": 5}), store, 4))
    assert seeded[0] == whole[0] and seeded[1:] != whole[1:]


@pytest.mark.usefixtures("fake")
def test_the_same_command_again_repeats_nothing(params, store):
    first = tune(params, store, 3).study.get_trials()
    again = tune(params, store, 5).study.get_trials()
    assert [each.number for each in again] == [0, 1, 2, 3, 4]
    assert [(t.params, t.value) for t in again[:3]] == [
        (t.params, t.value) for t in first
    ]
    assert len(tune(params, store, 2).study.get_trials()) == 5


@pytest.mark.usefixtures("fake")
def test_numbers_are_rounded_as_they_are_trained_and_told(params, store):
    outcome = tune(params, store, 4)
    drawn = outcome.study.get_trials()[2]
    rate = drawn.user_attrs[PARAMETERS][RATE]
    assert rate == float(f"{drawn.params[RATE]:.3g}") != drawn.params[RATE]


def test_rounding_does_not_leave_the_space(params):
    spaces = spaces_of(params.override({"tuning.spaces": narrow(0.012345)}), MODEL)
    assert values_of(spaces, {"dropout": 0.0123451}) == {"dropout": 0.012345}


def narrow(low):
    return {MODEL: {"dropout": {"kind": "float", "low": low, "high": 0.5, "log": True}}}


@pytest.mark.usefixtures("fake")
def test_defaults_outside_their_space_are_refused(params, store):
    with pytest.raises(ConfigError, match=r"dropout is 0\.0, outside of .*widen"):
        tune(params.override({"tuning.spaces": narrow(0.1)}), store, 1)


def test_a_model_without_a_space_is_refused_with_those_that_have_one(params, store):
    with pytest.raises(ConfigError, match=r"nothing for 'multiscale'.*melband_fcn"):
        study.tune(trial.Task(params, store, "multiscale"), 1)
    with pytest.raises(ConfigError, match="did you mean 'melband_fcn'"):
        study.tune(trial.Task(params, store, "melband_fnc"), 1)


@pytest.mark.usefixtures("fake")
def test_bad_trials_are_pruned_and_their_checkpoints_gone(params, store):
    outcome = tune(params.override({"tuning.pruner": MEDIAN}), store, 12)
    assert outcome.tally.finished == 12 and 1 <= outcome.tally.pruned <= 10
    pruned = outcome.study.get_trials(states=(TrialState.PRUNED,))
    assert all(2 <= each.last_step < studies.EPOCHS for each in pruned)
    assert not list(store.scratch.glob("tuning/*/*"))


@pytest.mark.usefixtures("fake")
def test_a_trial_that_diverges_fails_and_others_go_on(params, store, monkeypatch):
    def learn(params, *others):
        if params.model(MODEL).filters == (4, 4, 8, 8):
            raise DataError("training diverged")
        return studies.learn(params, *others)

    monkeypatch.setattr(train, "learn", learn)
    outcome = tune(params, store, 5)
    assert outcome.tally.finished == 5 and outcome.tally.failed >= 1
    failed = outcome.study.get_trials(states=(TrialState.FAIL,))
    assert {each.user_attrs[FAILURE] for each in failed} == {"training diverged"}


@pytest.mark.usefixtures("fake")
def test_a_study_in_which_everything_fails_ends(params, store, monkeypatch):
    def learn(*_):
        raise DataError("training diverged")

    monkeypatch.setattr(train, "learn", learn)
    with pytest.raises(DataError, match="4 trials failed, more than the 3"):
        tune(params, store, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 5},
        {f"models.{MODEL}.training.best_by": "loss"},
        {"features.melbands.scale": "maximum"},
        {f"tuning.spaces.{MODEL}": narrow(0.1)[MODEL]},
    ],
    ids=str,
)
def test_another_experiment_is_another_study(params, store, change):
    assert study_name(params.override(change), store, MODEL) != study_name(
        params, store, MODEL
    )


def test_other_data_are_another_study(params, store):
    before = study_name(params, store, MODEL)
    annotations = store.read_table("annotations")
    store.write_table("annotations", annotations[1:])
    assert study_name(params, store, MODEL) != before


@pytest.mark.parametrize(
    "change",
    [
        {f"models.{MODEL}.{RATE}": 0.02, f"models.{MODEL}.filters": [4, 4, 8, 8]},
        {"models.crnn_gru.dropout": 0.1},
        {"tuning.pruner": MEDIAN},
        {"engine.workers": 1},
    ],
    ids=str,
)
def test_what_is_searched_and_what_is_elsewhere_leaves_a_study_its_name(
    params, store, change
):
    assert study_name(params.override(change), store, MODEL) == study_name(
        params, store, MODEL
    )


@pytest.mark.usefixtures("fake")
def test_a_study_that_is_not_there_is_answered_with_those_that_are(params, store):
    name = tune(params, store, 1).study.study_name
    with pytest.raises(MissingError, match=f"did you mean '{name}'"):
        study.found(params.tuning.storage, name[:-1])


@pytest.mark.parametrize(
    "address",
    ["postgresql://127.0.0.1:9/a", "grpc://127.0.0.1:9", "journal:///nowhere/a.log"],
)
def test_a_storage_that_does_not_answer_is_one_sentence(
    params, store, monkeypatch, address
):
    monkeypatch.setattr(storage, "SECONDS_FOR_SERVER", 0.2)
    dead = params.override({"tuning.storage": address})
    with pytest.raises(TrackingError, match=rf"{address} cannot be used: "):
        tune(dead, store, 1)


def test_a_password_in_an_address_is_refused(params):
    with pytest.raises(ConfigError, match=r"must not say a password.*PGPASSWORD"):
        params.override({"tuning.storage": "postgresql://ada:secret@host/tagsmith"})


# --- what is tracked


def runs(**tags):
    wanted = " and ".join(f"tags.{key} = '{value}'" for key, value in tags.items())
    return mlflow.search_runs(
        filter_string=wanted, search_all_experiments=True, output_format="list"
    )


@pytest.mark.usefixtures("mlflow_database")
def test_every_trial_is_a_run_with_curves_below_the_commands(
    params, store, monkeypatch
):
    monkeypatch.setattr(train, "learn", studies.learn)
    pruning = params.override({"tuning.pruner": MEDIAN})
    told = session.run(pruning, store, MODEL, 6)
    (parent,) = runs(stage="tune")
    pruned, complete = runs(trial_state="pruned"), runs(trial_state="complete")
    assert len(pruned) + len(complete) == 6 and pruned
    assert {run.info.status for run in pruned} == {"KILLED"}
    assert {run.info.status for run in complete} == {"FINISHED"}
    below = {run.data.tags["mlflow.parentRunId"] for run in pruned + complete}
    assert below == {parent.info.run_id}
    client = mlflow.MlflowClient()
    curve = client.get_metric_history(complete[0].info.run_id, "validation_pr_auc")
    assert [point.step for point in curve] == [1, 2, 3, 4]
    best = max(run.data.metrics["best_validation_pr_auc"] for run in complete)
    assert f"best      {best:.4f}" in told
    assert f"6 finished: {len(complete)} complete, {len(pruned)} pruned" in told


@pytest.mark.usefixtures("mlflow_database")
def test_a_mistake_opens_no_run(params, store):
    with pytest.raises(ConfigError):
        session.run(params, store, "texture", 1)
    with pytest.raises(MissingError):
        session.run(params, Store(store.root / "none"), MODEL, 1)
    assert not runs(stage="tune")


@pytest.mark.usefixtures("mlflow_database")
def test_pictures_and_pages_are_kept_with_the_commands_run(params, store, monkeypatch):
    monkeypatch.setattr(train, "learn", studies.learn)
    session.run(params, store, MODEL, 3)
    (parent,) = runs(stage="tune")
    kept = mlflow.MlflowClient().list_artifacts(parent.info.run_id, "study")
    names = {path.path.removeprefix("study/") for path in kept}
    plots = ("param_importances", "optimization_history", "parallel_coordinate")
    assert names == {f"{plot}.{kind}" for plot in plots for kind in ("png", "html")}
    assert all(path.file_size > 5000 for path in kept)


@pytest.mark.usefixtures("mlflow_database")
def test_a_failed_trial_says_so_in_its_run(params, store, monkeypatch):
    def learn(*_):
        raise DataError("training diverged")

    monkeypatch.setattr(train, "learn", learn)
    with pytest.raises(DataError):
        session.run(params, store, MODEL, 1)
    assert {run.info.status for run in runs(trial_state="failed")} == {"FAILED"}
    assert runs(stage="tune")[0].data.tags["status"] == "failed"


# --- real trainings


def no_test(self, split):
    assert split != "test", "the test split is read"
    return read_truth(self, split)


read_truth = Store.read_truth


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.usefixtures("mlflow_database")
def test_data_are_not_written_and_the_test_split_is_not_read(
    params, store, monkeypatch
):
    held_out = set(store.read_truth("test").index)
    heard = []
    spied = train.Features.tracks

    def tracks(self, ids):
        heard.extend(ids)
        return spied(self, ids)

    monkeypatch.setattr(train.Features, "tracks", tracks)
    monkeypatch.setattr(Store, "read_truth", no_test)
    before = sorted(store.root.rglob("*"))
    outcome = tune(params, store, 2)
    assert outcome.tally.complete == 2
    assert heard and not held_out & set(heard)
    assert sorted(store.root.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.usefixtures("mlflow_database")
def test_a_trial_reaches_what_training_with_its_values_reaches(params, store):
    import pandas as pd

    outcome = tune(params, store, 2)
    values = tried(outcome)[1]
    adopted = params.override({f"models.{MODEL}.{k}": v for k, v in values.items()})
    with mlflow_run(adopted, name=MODEL, stage="train") as recorder:
        train.run(adopted, store, recorder, MODEL)
    history = pd.read_csv(store.place("models", MODEL, "history.csv"))
    value = outcome.study.get_trials()[1].value
    assert history["validation_pr_auc"].max() == value


def test_the_shipped_spaces_hold_their_defaults():
    from tagsmith.tuning.space import defaults
    from tests.conftest import ROOT

    params = Params.load(ROOT / "params.yaml")
    models = {"crnn_bilstm", "multiscale", "melband_fcn"}
    assert set(params.tuning.spaces) == {*models, "ensemble"}
    for model in models:
        assert defaults(params, model)
    assert optuna.__version__.startswith("5")
