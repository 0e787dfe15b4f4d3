"""The ensemble as a study: what is tried, what is read, and what is adopted."""

import json
import shutil

import mlflow
import numpy as np
import pytest

from tagsmith.config import ENSEMBLE, Params
from tagsmith.core import metrics
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.stages import fuse
from tagsmith.store import Store, write_json
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.tuning import fusing, session, study, trial
from tagsmith.tuning.adoption import adopt
from tagsmith.tuning.workers import PARAMETERS
from tests.conftest import ROOT
from tests.fakes import scored, studies

SPACE = {"kind": "int", "low": 0, "high": 4, "log": False}
SPACES = {ENSEMBLE: {"weights.crnn_*": SPACE}}


@pytest.fixture
def store(tmp_path, rng):
    made = scored.store(tmp_path, rng)
    # The mean is what there is; one model is much better than the others.
    skilled = made.read_truth("validation") + 0.5 * rng.normal(size=(80, 4))
    made.write_scores("crnn_bilstm", "validation", skilled.clip(0, 2) / 2)
    fused = sum(made.read_scores(each, "validation") for each in scored.SKILLS) / 3
    made.write_scores(ENSEMBLE, "validation", fused)
    weights = {"method": "mean", "weights": dict.fromkeys(scored.SKILLS, 1 / 3)}
    write_json(made.place("fusion", "ensemble.json"), weights)
    return Store(made.root, scratch=tmp_path / "scratch")


@pytest.fixture
def params(tmp_path):
    address = f"sqlite:///{tmp_path}/tuning.db"
    return scored.params(**{"tuning.storage": address, "tuning.spaces": SPACES})


@pytest.fixture
def untracked(monkeypatch):
    monkeypatch.setattr(trial, "mlflow_run", studies.untracked)


def tune(params, store, trials):
    return study.tune(session.task_of(params, store, ENSEMBLE), trials)


def tried(outcome):
    trials = outcome.study.get_trials()
    return [each.user_attrs[PARAMETERS] for each in trials]


@pytest.mark.usefixtures("untracked")
def test_the_first_trial_is_the_present_ensemble(params, store):
    outcome = tune(params, store, 3)
    assert tried(outcome)[0] == pytest.approx(
        {f"weights.{model}": 1 / 3 for model in scored.SKILLS}
    )
    reached = metrics.areas(
        store.read_truth("validation"), store.read_scores(ENSEMBLE, "validation")
    )
    assert outcome.default.value == pytest.approx(reached["PR-AUC-macro"], abs=1e-9)


@pytest.mark.usefixtures("untracked")
def test_better_weights_are_found_and_some_trials_leave_models_out(params, store):
    outcome = tune(params, store, 15)
    assert outcome.best.value > outcome.default.value
    assert any(0 in values.values() for values in tried(outcome))
    truth = store.read_truth("validation")
    weights = session.task_of(params, store, ENSEMBLE).named(
        study.parameters(outcome.best)
    )["fusion.weights"]
    again = metrics.areas(truth, fusing.fused(store, weights))["PR-AUC-macro"]
    assert outcome.best.value == again


@pytest.mark.usefixtures("untracked")
def test_the_test_split_is_not_read(params, store):
    for model in scored.SKILLS:
        store.place("scores", model, "test.parquet").unlink()
        store.place("scores", model, "train.parquet").unlink()
    outcome = tune(params, store, 3)
    task = session.task_of(params, store, ENSEMBLE)
    assert fusing.worth(task, outcome.study).resamples > 0


@pytest.mark.usefixtures("untracked")
def test_other_scores_make_another_study(params, store):
    task = session.task_of(params, store, ENSEMBLE)
    before = task.study_name
    assert before.startswith("ensemble-")
    write_json(store.place("fusion", "ensemble.json"), {})  # another ensemble
    assert task.study_name == before
    scores = store.read_scores("crnn_gru", "validation")
    store.write_scores("crnn_gru", "validation", scores**2)
    assert task.study_name != before


@pytest.mark.usefixtures("untracked")
def test_the_same_command_again_repeats_nothing(params, store):
    first = tune(params, store, 3).study.get_trials()
    again = tune(params, store, 5).study.get_trials()
    assert [each.number for each in again] == [0, 1, 2, 3, 4]
    assert [each.value for each in again[:3]] == [each.value for each in first]


@pytest.mark.usefixtures("untracked")
def test_a_trial_that_leaves_every_model_out_fails_and_says_so(params, store):
    with pytest.raises(DataError, match="every model is left out"):
        fusing.fused(store, {})
    zero = {"kind": "choice", "choices": [0, 0.0]}
    nothing = params.override({"tuning.spaces": {ENSEMBLE: {"weights.*": zero}}})
    with pytest.raises(DataError, match=r"narrow tuning\.spaces\.ensemble"):
        tune(nothing, store, 2)


def test_without_a_space_it_is_told_what_one_looks_like(params, store):
    with pytest.raises(ConfigError, match=r"nothing for 'ensemble'; give it weights"):
        tune(params.override({"tuning.spaces": {}}), store, 1)


def test_what_was_never_fused_is_missed_with_its_stage(params, store):
    shutil.rmtree(store.place("fusion"))
    with pytest.raises(MissingError, match=r"ensemble\.json.*dvc repro fuse"):
        session.run(params, store, ENSEMBLE, 1)


@pytest.mark.usefixtures("mlflow_database")
def test_every_trial_is_a_run_below_the_commands(params, store):
    text = session.run(params, store, ENSEMBLE, 3)
    assert "3 finished" in text and "no say" in text
    runs = mlflow.search_runs(search_all_experiments=True).set_index("run_id")
    parent = runs.index[runs["tags.stage"] == "tune"].item()
    trials = runs[runs["tags.mlflow.parentRunId"] == parent]
    assert list(trials["tags.trial_state"]) == ["complete"] * 3
    assert trials["metrics.best_validation_pr_auc"].gt(0).all()
    assert np.isfinite(runs.loc[parent, "metrics.choosing_gain"])


# --- adopting


@pytest.fixture
def experiment(tmp_path, params, store):
    """A params.yaml whose models and space are those of the store."""
    lines = (ROOT / "params.yaml").read_text().splitlines(keepends=True)
    begin = next(n for n, line in enumerate(lines) if line.startswith("models:"))
    end = lines.index("calibration:\n")
    models = [line for line in lines[begin + 1 : end] if line.startswith("  crnn_")]
    text = "".join([*lines[: begin + 1], *models, "word_models: {}\n", *lines[end:]])
    start, stop = text.index("  spaces:  "), text.index("evaluation:\n")
    spaces = f"  spaces: {json.dumps(SPACES)}\n"
    text = text[:start] + spaces + text[stop:]
    for old, new in (
        ("sqlite:///tuning.db", params.tuning.storage),
        ("  registered: {texture: tagsmith-zeroshot}", "  registered: {}"),
        ("ds: ds_*, ds_1s: ds_1s_*, ds_5s: ds_5s_*}", "}"),
        ("bootstrap_samples: 1000", "bootstrap_samples: 50"),
    ):
        text = text.replace(old, new)
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return path, tune(Params.load(path), store, 15)


@pytest.mark.usefixtures("untracked")
def test_the_best_weights_become_params_yaml_and_the_ensemble(experiment, store):
    path, outcome = experiment
    before = path.read_text()
    diff = adopt(path, store, outcome.study.study_name, force=False)
    params = Params.load(path)
    removed = [line for line in diff.splitlines() if line.startswith("-  ")]
    assert len(removed) == 1 and removed[0].startswith("-  weights: {}  ")
    assert len(path.read_text().splitlines()) == len(before.splitlines())
    assert "# by model: the ensemble's" in path.read_text()
    fuse.run(params, store, MemoryRecorder())
    told = json.loads(store.place("fusion", "ensemble.json").read_text())
    total = sum(params.fusion.weights.values())
    assert told["method"] == "given"
    assert told["weights"] == pytest.approx(
        {model: each / total for model, each in params.fusion.weights.items()}
    )


@pytest.mark.usefixtures("untracked")
def test_adopting_again_changes_nothing_and_the_study_keeps_its_name(experiment, store):
    path, outcome = experiment
    name = outcome.study.study_name
    adopt(path, store, name, force=False)
    assert adopt(path, store, name, force=False) == ""
    assert tune(Params.load(path), store, 15).study.study_name == name


@pytest.mark.usefixtures("untracked")
def test_who_is_no_member_any_more_gets_a_weight_of_0(experiment, store):
    path, outcome = experiment
    text = path.read_text()
    path.write_text(text.replace("weights: {}", "weights: {crnn_lstm: 9}", 1))
    task = session.task_of(Params.load(path), store, ENSEMBLE)
    edited = task.edited(path.read_text(), {"weights.crnn_gru": 2})
    assert "weights: {crnn_lstm: 0, crnn_gru: 2}" in edited
    adopt(path, store, outcome.study.study_name, force=False)
    assert Params.load(path).fusion.weights != {"crnn_lstm": 9}


@pytest.mark.usefixtures("untracked")
def test_what_was_luck_is_refused_unless_forced(experiment, store, monkeypatch):
    path, outcome = experiment
    luck = fusing.Worth(-0.004, 0.3, -0.02, 0.01, 50)
    monkeypatch.setattr(fusing, "worth", lambda *_: luck)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"no better than the present .*-0\.0040"):
        adopt(path, store, outcome.study.study_name, force=False)
    assert path.read_bytes() == before
    assert adopt(path, store, outcome.study.study_name, force=True)
