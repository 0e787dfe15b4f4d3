"""Adopting: the intended parameters, and all else in the file as it was."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tagsmith.config import Params
from tagsmith.config.editing import flow, with_values
from tagsmith.errors import ConfigError, MissingError
from tagsmith.stages import train
from tagsmith.store import Store
from tagsmith.tuning import study, trial
from tagsmith.tuning.adoption import adopt
from tests.conftest import ROOT
from tests.fakes import studies

RATE = "training.phases.0.learning_rate"
VALUES = {
    RATE: 0.00215,
    "training.batch_size": 32,
    "training.augmentation.tilt_db": 1e-05,
    "recurrent_units": 96,
    "dropout": 0.3,  # as it is
}


def adopted(text, model, values, tmp_path):
    """Return the text with a model's values, and the experiment that it is."""
    path = tmp_path / "params.yaml"
    path.write_text(text)
    section = Params.load(path).model(model).model_dump(mode="json")
    new = with_values(text, model, values, section)
    path.write_text(new)
    return new, Params.load(path)


def lines_but(text, words):
    """Return the lines in which none of the words is."""
    return [line for line in text.splitlines() if not any(w in line for w in words)]


def test_an_entry_on_one_line_gets_what_it_lacks(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    new, params = adopted(text, "crnn_bilstm", VALUES, tmp_path)
    named = {f"models.crnn_bilstm.{key}": value for key, value in VALUES.items()}
    assert params == Params.load(ROOT / "params.yaml").override(named)
    phases = "[{epochs: 20, learning_rate: 0.00215, decay: cosine, train_trunk: true}]"
    others = "batch_size: 32, augmentation: {tilt_db: 1.0e-05}"
    own = new[new.index("  crnn_bilstm: {") : new.index("  ds_5s_gru:")].splitlines()
    assert own == [
        "  crnn_bilstm: {kind: crnn, feature: logmel, recurrence: bilstm,",
        f"    training: {{phases: {phases}, {others}}},",
        "    recurrent_units: 96}",
    ]
    before, after = text.split("crnn_bilstm: {kind"), new.split("crnn_bilstm: {kind")
    assert before[0] == after[0]
    assert (
        before[1].partition("\n")[2] == after[1].partition("recurrent_units: 96}\n")[2]
    )


def test_what_an_entry_holds_already_is_replaced_in_its_place(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    first, _ = adopted(text, "crnn_bilstm", VALUES, tmp_path)
    other = {**VALUES, RATE: 0.004, "recurrent_units": 48}
    second, params = adopted(first, "crnn_bilstm", other, tmp_path)
    assert len(second.splitlines()) == len(first.splitlines())
    assert second == first.replace("0.00215", "0.004").replace("units: 96", "units: 48")
    assert params.model("crnn_bilstm").training.phases[0].learning_rate == 0.004


BLOCK = """  crnn_bilstm:  # the best of three
    kind: crnn  # AugLi's
    feature: logmel
    recurrence: bilstm
    dropout: 0.25  # ours
    training:
      # tried by hand
      batch_size: 8
"""


def test_an_entry_in_block_style_keeps_its_comments(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    line = "  crnn_bilstm: {kind: crnn, feature: logmel, recurrence: bilstm}\n"
    assert line in text
    new, params = adopted(text.replace(line, BLOCK), "crnn_bilstm", VALUES, tmp_path)
    for comment in ("# the best of three", "# AugLi's", "# ours", "# tried by hand"):
        assert comment in new
    assert "dropout: 0.3  # ours" in new
    model = params.model("crnn_bilstm")
    assert (model.dropout, model.recurrent_units) == (0.3, 96)
    assert model.training.augmentation.tilt_db == 1e-05


def test_a_word_model_is_found_in_its_own_section(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    _, params = adopted(text, "siamese", {"loss.margin": 0.75}, tmp_path)
    assert params.model("siamese").loss.margin == 0.75


def test_a_list_of_the_entrys_own_is_changed_where_it_differs(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    line = "  melband_fcn: {kind: melband_fcn, feature: melbands}\n"
    own = line.replace("}", ", filters: [8, 8,  16, 64]}")
    values = {"filters": [8, 8, 32, 64]}
    new, _ = adopted(text.replace(line, own), "melband_fcn", values, tmp_path)
    assert "filters: [8, 8,  32, 64]}\n" in new


def test_nothing_to_change_changes_nothing(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    assert adopted(text, "crnn_bilstm", {"dropout": 0.3}, tmp_path)[0] == text


texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
plain = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | texts
trees = st.lists(plain | st.lists(plain) | st.dictionaries(texts, plain), max_size=4)


@given(st.dictionaries(texts, trees, max_size=3))
def test_what_is_written_is_read(tree):
    text = flow(tree)
    assert "\n" not in text
    assert YAML(typ="safe", pure=True).load(text) == tree


# --- the command


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """A params.yaml, its data, and a study with a better rate than the default."""
    monkeypatch.setattr(train, "learn", studies.learn)
    monkeypatch.setattr(trial, "mlflow_run", studies.untracked)
    store = studies.store(tmp_path)
    path = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", path)
    text = path.read_text()
    address = f"sqlite:///{tmp_path}/tuning.db"
    path.write_text(text.replace("sqlite:///tuning.db", address))
    task = trial.Task(Params.load(path), store, "melband_fcn")
    return path, store, study.tune(task, 8)


def test_the_best_trial_becomes_params_yaml_as_a_diff(experiment):
    path, store, outcome = experiment
    before, named = path.read_text(), study.parameters(outcome.best)
    intended = Params.load(path).override(
        {f"models.melband_fcn.{key}": value for key, value in named.items()}
    )
    diff = adopt(path, store, outcome.study.study_name, force=False)
    assert Params.load(path) == intended != Params.load(ROOT / "params.yaml")
    removed = [line for line in diff.splitlines() if line.startswith("-  ")]
    assert removed == ["-  melband_fcn: {kind: melband_fcn, feature: melbands}"]
    mine = ["melband_fcn: {kind", *named, "training: {", "phases", "filters", "dropout"]
    assert lines_but(before, mine) == lines_but(path.read_text(), mine)


def test_adopting_again_changes_nothing_and_the_study_keeps_its_name(experiment):
    path, store, outcome = experiment
    name = outcome.study.study_name
    adopt(path, store, name, force=False)
    assert adopt(path, store, name, force=False) == ""
    task = trial.Task(Params.load(path), store, "melband_fcn")
    assert study.tune(task, 8).study.study_name == name


def test_a_study_of_another_experiment_is_refused_unless_forced(experiment):
    path, store, outcome = experiment
    name = outcome.study.study_name
    path.write_text(path.read_text().replace("seed: 1883", "seed: 5"))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=rf"describe the study melband.*not {name}"):
        adopt(path, store, name, force=False)
    assert path.read_bytes() == before
    assert adopt(path, store, name, force=True)


def test_where_data_are_missing_it_cannot_be_told_and_is_said(experiment, tmp_path):
    path, _, outcome = experiment
    elsewhere = Store(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"cannot be told: .* is not there.*--force"):
        adopt(path, elsewhere, outcome.study.study_name, force=False)


def test_an_entry_that_cannot_be_edited_is_left_alone_and_told(experiment):
    path, store, outcome = experiment
    line = "  melband_fcn: {kind: melband_fcn, feature: melbands}\n"
    shared = line.replace("melband_fcn: {", "first: &it {") + "  melband_fcn: *it\n"
    path.write_text(path.read_text().replace(line, shared))
    before = path.read_bytes()
    with pytest.raises(
        ConfigError, match=r"put them there by hand:\n  models\.melband"
    ):
        adopt(path, store, outcome.study.study_name, force=False)
    assert path.read_bytes() == before


def test_an_unknown_study_is_answered_with_those_there_are(experiment):
    path, store, outcome = experiment
    with pytest.raises(MissingError, match=outcome.study.study_name):
        adopt(path, store, "melband_fcn-0", force=False)
