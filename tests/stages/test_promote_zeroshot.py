"""A word model is registered, and is champion if unseen tags are above chance."""

import json

import mlflow
import pytest

from tagsmith.errors import ConfigError
from tagsmith.stages import promote_zeroshot
from tagsmith.store import Store
from tagsmith.tracking import registry
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import ensembles, wordtaggers
from tests.fakes.experiments import tiny_params

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("mlflow_database")]
PARAMS = tiny_params(**{"zeroshot.registered": wordtaggers.REGISTERED})
NAME = wordtaggers.REGISTERED["siamese"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store that nobody changes."""
    return wordtaggers.store(tmp_path_factory.mktemp("made"))


@pytest.fixture
def store(made, tmp_path):
    return Store(tmp_path / "data", made.root)


def promoted(store, recorder=None):
    promote_zeroshot.run(PARAMS, store, recorder or MemoryRecorder(), "siamese")
    return store.read_report("zeroshot_siamese", made_by="promote_zeroshot")


def champion():
    found = registry.aliased(NAME, "champion")
    return found.number if found else None


def test_a_model_above_the_control_is_champion(store):
    report = promoted(store)
    assert report["promoted"]
    assert champion() == report["version"] == "1"
    assert registry.aliased(NAME, "challenger").number == "1"


def test_a_model_that_chance_may_explain_is_registered_but_refused(store):
    wordtaggers.write_figures(store, gain=0.04)  # give or take 0.05
    report = promoted(store)
    assert (report["promoted"], report["alias"]) == (False, "challenger")
    assert champion() is None
    assert registry.aliased(NAME, "challenger").number == "1"


def test_a_champion_stays_when_a_later_model_is_refused(store):
    promoted(store)
    wordtaggers.write_figures(store, gain=-0.1)
    report = promoted(store)
    assert (champion(), report["version"], report["alias"]) == ("1", "2", "challenger")


def test_the_reason_is_on_the_version_and_in_the_report(store):
    wordtaggers.write_figures(store, gain=0.0)
    report = promoted(store)
    tags = registry.aliased(NAME, "challenger").tags
    assert tags["reason"] == report["reason"]
    assert (tags["promoted"], tags["model"]) == ("false", "siamese")
    assert "+0.0000 against chance, 95% interval [-0.0500, +0.0500]" in tags["reason"]


def test_invalid_data_are_refused(store):
    ensembles.write_verdict(store, success=False, quarantined=3)
    failed = [c["name"] for c in promoted(store)["checks"] if not c["passed"]]
    assert failed == ["data"]


def test_the_same_model_is_not_registered_twice(store):
    promoted(store)
    report = promoted(store)
    assert (report["promoted"], report["version"]) == (True, "1")
    assert len(mlflow.search_model_versions(filter_string=f"name='{NAME}'")) == 1


def test_the_figures_are_in_the_report_and_the_run(store):
    recorder = MemoryRecorder()
    report = promoted(store, recorder)
    assert json.loads(json.dumps(report)) == report
    measured = {name: value for name, value, _ in recorder.logged_metrics}
    assert measured["sounds/retrieval/difference"] == 0.1
    assert measured["promoted"] == 1.0
    assert report["unseen_tags"]["sounds"]["retrieval"]["glove"]["value"] == 0.6


def test_the_version_has_a_card_of_its_own(store):
    recorder = MemoryRecorder()
    promoted(store, recorder)
    card = store.read_report("model_card_siamese", made_by="promote_zeroshot")
    assert card["unseen_tags"]["sounds"]["retrieval"]["glove"]["value"] == 0.6
    assert card["model"]["version"] == "1"
    version = mlflow.MlflowClient().get_model_version(NAME, "1")
    assert "Scores any words for music" in version.description
    assert "0.600 | 0.500 | +0.100 | +0.050 to +0.150 |" in version.description
    kept = {path.name for path, _ in recorder.logged_artifacts}
    assert kept == {"model_card_siamese.json", "model_card_siamese.md"}


def test_a_model_that_is_not_to_be_registered_is_refused(store):
    with pytest.raises(ConfigError, match=r"no model 'crnn_gru'; it has \['siamese'\]"):
        promote_zeroshot.run(PARAMS, store, MemoryRecorder(), "crnn_gru")
