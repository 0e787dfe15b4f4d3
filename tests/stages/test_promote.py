"""Promotion: what is registered, who becomes champion, and what is said about it."""

import json

import mlflow
import pytest

from tagsmith.stages import promote
from tagsmith.tracking import registry
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import ensembles
from tests.fakes.experiments import tiny_params

pytestmark = pytest.mark.usefixtures("mlflow_database")
PARAMS = tiny_params(**{"promotion.bootstrap_samples": 100, "promotion.floor": 0.6})
NAME = PARAMS.promotion.registered_model


@pytest.fixture
def store(tmp_path, rng, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    return ensembles.store(tmp_path / "data", rng, noise=0.6)


def promoted(store, params=PARAMS):
    promote.run(params, store, MemoryRecorder())
    return store.read_report("promotion", made_by="promote")


def champion():
    found = registry.aliased(NAME, "champion")
    return found.number if found else None


def test_the_first_ensemble_above_the_floor_is_champion(store):
    report = promoted(store)
    assert report["promoted"]
    assert champion() == report["version"] == "1"
    assert registry.aliased(NAME, "challenger").number == "1"


def test_an_ensemble_below_the_floor_is_registered_but_refused(store):
    report = promoted(store, PARAMS.override({"promotion.floor": 1.0}))
    assert not report["promoted"]
    assert champion() is None
    assert registry.aliased(NAME, "challenger").number == "1"


def test_the_reason_is_on_the_version_and_in_the_report(store):
    report = promoted(store, PARAMS.override({"promotion.floor": 1.0}))
    tags = registry.aliased(NAME, "challenger").tags
    assert tags["reason"] == report["reason"]
    assert tags["promoted"] == "false"
    assert "below the floor of 1" in report["reason"]


def test_a_better_ensemble_takes_over(store):
    promoted(store)
    ensembles.write_scores(store, noise=0.1)
    report = promoted(store)
    assert report["promoted"]
    assert champion() == "2"


def test_a_worse_ensemble_leaves_the_champion_in_place(store):
    promoted(store)
    ensembles.write_scores(store, noise=0.8)
    report = promoted(store)
    assert not report["promoted"]
    assert (champion(), report["version"], report["alias"]) == ("1", "2", "challenger")


def test_the_same_ensemble_is_not_registered_twice(store):
    promoted(store)
    report = promoted(store)
    assert (report["promoted"], report["version"]) == (True, "1")
    assert len(mlflow.search_model_versions(filter_string=f"name='{NAME}'")) == 1


def test_an_ensemble_whose_files_are_gone_is_registered_again(store, tmp_path):
    promoted(store)
    for path in (tmp_path / "mlruns").rglob("MLmodel"):
        path.unlink()
    mlflow.MlflowClient().delete_registered_model_alias(NAME, "champion")
    assert promoted(store)["version"] == "2"


def test_invalid_data_are_refused(store):
    ensembles.write_verdict(store, success=False, quarantined=3)
    report = promoted(store)
    assert not report["promoted"]
    assert [check["name"] for check in report["checks"] if not check["passed"]] == [
        "data"
    ]


def test_another_test_set_is_not_compared(store):
    promoted(store)
    tracks = store.read_table("tracks")
    tracks["sha256"] = tracks["sha256"].str.replace("0", "f")
    store.write_table("tracks", tracks)
    report = promoted(store)
    assert "another test set" in report["reason"]
    assert champion() == "1"


def test_another_name_starts_a_new_line_of_champions(store):
    promoted(store)
    other = PARAMS.override({"promotion.registered_model": "other"})
    assert promoted(store, other)["promoted"]
    assert registry.aliased("other", "champion").number == "1"
    assert champion() == "1"


def test_the_report_is_plain_json_with_the_figures(store):
    report = promoted(store)
    assert json.loads(json.dumps(report)) == report
    assert report["metrics"]["ROC-AUC-macro"] > 0.6
    assert len(report["test_set_sha256"]) == 64
    assert [check["name"] for check in report["checks"]] == ["floor", "better", "data"]
