"""`tagsmith compare`: whatever can be named is set against the first of its kind."""

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tagsmith import comparing
from tagsmith.cli import app
from tagsmith.comparing import Asked
from tagsmith.config import ENSEMBLE
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.stages import fuse, promote
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import ensembles, scored
from tests.fakes.experiments import TAGS, tiny_params

PARAMS = scored.params()


@pytest.fixture
def store(tmp_path, rng, monkeypatch):
    made = scored.store(tmp_path, rng)
    tracks = made.read_table("tracks")
    made.write_table("tracks", tracks.assign(sha256=tracks["track_id"]))
    fuse.run(PARAMS, made, MemoryRecorder())
    monkeypatch.chdir(tmp_path)
    return made


def standings(store, *names, split="test"):
    return comparing.compare(Asked(names, split, "ROC-AUC-macro"), PARAMS, store)


def answer(store, *names, json=None, picture=None, split="test"):
    asked = Asked(names, split, "ROC-AUC-macro")
    return comparing.answer(asked, PARAMS, store, json, picture)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_models_groups_and_the_ensemble_are_compared(store, split):
    names = ("crnn_gru", "groups/lstms", ENSEMBLE)
    found = standings(store, *names, split=split)
    assert [each.name for each in found] == list(names)
    assert found[0].gain is None
    assert all(each.gain.low <= each.gain.value <= each.gain.high for each in found[1:])


def test_the_text_has_a_row_a_system_and_the_tags_that_differ(store):
    text = answer(store, "crnn_gru", "crnn_bilstm")
    assert "ROC-AUC-macro against crnn_gru" in text
    assert "crnn_bilstm against crnn_gru, ROC-AUC by tag" in text
    assert "Of 4 tags, 0.2 would look sure by chance" in text
    assert any(f"{tag} " in text for tag in scored.TAGS)


def test_the_files_hold_all_of_it(store, tmp_path):
    kept, drawn = tmp_path / "out" / "c.json", tmp_path / "out" / "c.png"
    answer(store, "crnn_gru", "crnn_lstm", json=kept, picture=drawn)
    told = json.loads(kept.read_text())
    assert told["names"] == ["crnn_gru", "crnn_lstm"]
    assert told["systems"][1]["difference"].keys() >= {"value", "low", "high", "sure"}
    assert {row["tag"] for row in told["systems"][1]["tags"]} == set(scored.TAGS)
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_a_run_with_its_own_store_is_compared(store, tmp_path):
    run = Store(tmp_path / "runs" / "7", store.root)
    for split in ("validation", "test"):
        run.write_scores("crnn_gru", split, store.read_scores("crnn_lstm", split))
    same, own = standings(store, "crnn_lstm", "runs/7:crnn_gru")
    assert own.figures == same.figures
    assert own.gain.value == 0


def test_what_a_run_lacks_is_not_taken_from_data(store, tmp_path):
    run = Store(tmp_path / "runs" / "7", store.root)
    run.write_scores("crnn_gru", "test", store.read_scores("crnn_gru", "test"))
    with pytest.raises(ConfigError, match=r"no system 'crnn_lstm' in runs/7.*crnn_gru"):
        standings(store, "crnn_gru", "runs/7:crnn_lstm")


def test_a_run_on_other_tracks_is_refused(store, tmp_path, rng):
    scored.store(tmp_path / "other", rng)
    other = Store(tmp_path / "other" / "data")
    tracks = other.read_table("tracks")
    other.write_table("tracks", tracks.assign(sha256=tracks["track_id"]))
    with pytest.raises(DataError, match="not measured on the same tracks and tags"):
        standings(store, "crnn_gru", "other/data:crnn_gru")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["crnn_gru"], "two systems or more are needed"),
        (["crnn_gru", "crnn_gru"], "crnn_gru is named twice"),
        (["crnn_gru", "crnn_grru"], "did you mean 'crnn_gru'"),
        (["crnn_gru", "groups/lstm"], "did you mean 'groups/lstms'"),
        (["crnn_gru", "models:/tagsmith"], "models:/NAME/VERSION or models:/NAME@"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(store, names, said):
    with pytest.raises(ConfigError, match=said):
        standings(store, *names)


def test_a_picture_is_a_png(store, tmp_path):
    with pytest.raises(ConfigError, match=r"a picture is a \.png, got .*c\.pdf"):
        answer(store, "crnn_gru", "crnn_lstm", picture=tmp_path / "c.pdf")


# --- registered versions


@pytest.fixture
def registry(request, tmp_path, rng, monkeypatch):
    """Two versions in a registry, and the store of the second."""
    request.getfixturevalue("mlflow_database")
    ensembles.put_in_place(monkeypatch)
    made = ensembles.store(tmp_path / "data", rng, noise=0.6)
    params = tiny_params(
        **{"promotion.bootstrap_samples": 50, "evaluation.bootstrap_samples": 50}
    )
    for noise in (0.6, 0.2):
        ensembles.write_scores(made, noise=noise)
        promote.run(params, made, MemoryRecorder())
    return params, made


def registered(registry, *names, split="test"):
    params, made = registry
    return comparing.compare(Asked(names, split, "ROC-AUC-macro"), params, made)


def test_registered_versions_are_compared_by_number_and_alias(registry):
    names = ("models:/tagsmith/1", "models:/tagsmith@champion", ENSEMBLE)
    first, second, here = registered(registry, *names)
    assert second.gain.low > 0
    assert second.figures == here.figures != first.figures
    assert set(second.tags["tag"]) == set(TAGS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("models:/tagsmith/9", r"tagsmith has the versions \[1, 2\]"),
        ("models:/tagsmith@best", r"tagsmith has the versions \[1, 2\]"),
        ("models:/tagsmit/1", r"the models \['tagsmith'\] .did you mean 'tagsmith'"),
    ],
)
def test_a_version_that_is_not_there_is_told_what_is(registry, name, said):
    with pytest.raises(MissingError, match=rf"{name} is not in the registry; .*{said}"):
        registered(registry, ENSEMBLE, name)


def test_a_version_has_no_validation_scores(registry):
    with pytest.raises(DataError, match="of the test split only, not of validation"):
        registered(registry, "models:/tagsmith/1", ENSEMBLE, split="validation")


def test_versions_of_another_test_set_are_refused(registry):
    _, made = registry
    tracks = made.read_table("tracks")
    made.write_table("tracks", tracks.assign(sha256="0"))
    with pytest.raises(DataError, match="same names, but audio or truth differ"):
        registered(registry, "models:/tagsmith/1", "models:/tagsmith/2")


# --- other commits


def git(*words):
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repository(store):
    """A repository whose first commit's models DVC has kept."""
    from dvc.repo import Repo

    git("init", "-q")
    with Repo.init(".") as repo:
        repo.config["core"]["analytics"] = False
        repo.add(["data/scores", "data/tables", "data/fusion"])
    git("add", ".")
    git("commit", "-qm", "Begin")
    return store


@pytest.mark.slow
def test_what_dvc_kept_of_another_commit_is_compared(repository):
    before = repository.read_scores("crnn_gru", "test")
    repository.write_scores("crnn_gru", "test", 1 - before)
    was, now, fused = standings(
        repository, "HEAD:crnn_gru", "crnn_gru", "HEAD:ensemble"
    )
    assert now.gain.high < 0
    assert now.figures["ROC-AUC-macro"].value == pytest.approx(
        1 - was.figures["ROC-AUC-macro"].value
    )
    assert fused.name == "HEAD:ensemble"


@pytest.mark.slow
def test_what_is_neither_a_folder_nor_a_commit_is_said(repository):
    with pytest.raises(DataError, match="'HEAP' is neither a folder nor a commit"):
        standings(repository, "crnn_gru", "HEAP:crnn_gru")


def test_a_folder_that_is_not_there_is_said_where_there_is_no_repository(store):
    with pytest.raises(DataError, match="'runs/9' is neither a folder nor a commit"):
        standings(store, "crnn_gru", "runs/9:crnn_gru")


@pytest.mark.slow
def test_what_dvc_knows_but_its_cache_lost_is_said(repository):
    for kept in Path(".dvc/cache").rglob("*"):
        if kept.is_file():
            kept.unlink()
    with pytest.raises(MissingError, match=r"within reach: .*dvc fetch --all-commits"):
        standings(repository, "crnn_gru", "HEAD:crnn_gru")


@pytest.mark.slow
def test_what_a_commit_does_not_have_is_said(repository):
    with pytest.raises(
        MissingError, match="commit HEAD has no data/scores/crnn_gruu/test"
    ):
        standings(repository, "crnn_gru", "HEAD:crnn_gruu")


# --- the command


@pytest.mark.usefixtures("store")
def test_the_command_prints_the_table():
    whole = ROOT / "profiles" / "scores.yaml"
    words = ["compare", "crnn_gru", "crnn_lstm", "--params", str(whole)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "crnn_lstm against crnn_gru" in done.output


def test_the_command_knows_two_areas():
    done = CliRunner().invoke(app, ["compare", "a", "b", "--metric", "f_score"])
    assert done.exit_code == 2
    assert "roc_auc_macro" in done.output
