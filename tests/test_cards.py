"""A version's card: in the reports, the run and the registry, not in the bundle."""

import json

import mlflow
import pytest

from tagsmith.errors import DataError, MissingError
from tagsmith.stages import promote
from tagsmith.tracking import registry
from tagsmith.tracking.recording import MemoryRecorder, mlflow_run
from tests.fakes import ensembles
from tests.fakes.experiments import TAGS, tiny_params

pytestmark = pytest.mark.usefixtures("mlflow_database")
PARAMS = tiny_params(**{"promotion.bootstrap_samples": 50, "promotion.floor": 0.6})
NAME = PARAMS.promotion.registered_model
FILES = ("model_card.json", "model_card.md")


@pytest.fixture
def store(tmp_path, rng, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    return ensembles.store(tmp_path / "data", rng, noise=0.6)


def promoted(store, params=PARAMS):
    recorder = MemoryRecorder()
    promote.run(params, store, recorder)
    return recorder


def card(store):
    return store.read_report("model_card", made_by="promote")


def described(number):
    return mlflow.MlflowClient().get_model_version(NAME, number).description


def test_it_says_what_the_version_is(store):
    promoted(store)
    found = card(store)
    assert found["model"]["version"] == "1"
    assert found["members"] == {"loud": 0.75, "quiet": 0.25}
    assert {each["tag"] for each in found["tags"]} == set(TAGS)
    assert found["data"]["licences"] == {"CC0": 240}
    assert found["parameters_of"] == PARAMS.model_dump(mode="json")
    assert found["limits"] and found["made_of"]["versions"]["mlflow"]


def test_its_figures_are_those_of_the_gate(store):
    promoted(store)
    told = {each["metric"]: each["test"] for each in card(store)["figures"]}
    report = store.read_report("promotion", made_by="promote")
    assert told == pytest.approx(report["metrics"])


def test_its_files_are_among_the_artifacts_of_the_run(store):
    kept = [path.name for path, _ in promoted(store).logged_artifacts]
    assert set(FILES) < set(kept)


def test_the_run_that_the_description_names_has_the_whole_card(store):
    with mlflow_run(PARAMS, name="ensemble", stage="promote") as recorder:
        promote.run(PARAMS, store, recorder)
    assert f"artifacts of run `{recorder.run_id}`" in described("1")
    listed = mlflow.MlflowClient().list_artifacts(recorder.run_id)
    assert {each.path for each in listed} > set(FILES)


def test_a_refused_version_has_a_card_too(store):
    promoted(store, PARAMS.override({"promotion.floor": 1.0}))
    assert "Not promoted: ROC-AUC-macro" in described("1")
    assert "below the floor of 1" in described("1")


def test_every_version_is_described_by_its_own_figures(store):
    promoted(store)
    ensembles.write_scores(store, noise=0.1)
    promoted(store)
    assert described("1").startswith(f"# {NAME} version 1\n")
    assert described("2").startswith(f"# {NAME} version 2\n")
    assert described("1") != described("2").replace("version 2", "version 1")


def test_the_bundle_does_not_hold_it(store):
    promoted(store)
    version = registry.aliased(NAME, "champion")
    folder = registry.fetch_from_bundle(version, "meta.json").parent
    assert not list(folder.rglob("*card*"))


def test_a_card_is_json_that_anybody_reads(store):
    store.write_thresholds("ensemble", {**dict.fromkeys(TAGS, 0.5), "slow": 1e999})
    ensembles.write_scores(store, noise=0.6, never=["slow"])
    promoted(store)
    text = store.place("reports", "model_card.json").read_text()
    json.loads(text, parse_constant=pytest.fail)
    (slow,) = [each for each in card(store)["tags"] if each["tag"] == "slow"]
    assert slow["threshold"] is None
    assert any("Never decided for" in each for each in card(store)["limits"])


def nothing_is_registered():
    return not mlflow.search_registered_models()


def test_reports_of_another_ensemble_are_refused_before_anything_is_registered(store):
    report = store.read_report("metrics", made_by="evaluate")
    report["test"]["ensemble"]["ROC-AUC-macro"] = 0.1234
    store.write_report("metrics", report)
    with pytest.raises(DataError, match=r"ROC-AUC-macro 0\.1234, its scores have 0\."):
        promoted(store)
    assert nothing_is_registered()


@pytest.mark.parametrize("file", ["metrics.json", "intervals.json", "per_tag.csv"])
def test_a_missing_report_is_said_before_anything_is_registered(store, file):
    store.place("reports", file).unlink()
    with pytest.raises(MissingError, match=rf"{file} is not there; `dvc repro evalu"):
        promoted(store)
    assert nothing_is_registered()


def test_validation_by_an_earlier_version_is_refused(store):
    store.write_report("validation", {"success": True, "quarantined": 0})
    with pytest.raises(DataError, match="does not say what splits share"):
        promoted(store)
    assert nothing_is_registered()
