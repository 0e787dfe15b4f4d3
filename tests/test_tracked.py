"""`runs:/RUN_ID`: the model that a training left is measured on what it never met."""

import numpy as np
import pytest

from tagsmith import comparing, tracked
from tagsmith.comparing import Asked
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.stages import train
from tagsmith.tracking.recording import mlflow_run
from tests.fakes.experiments import store_with_features, tiny_params

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("mlflow_database")]
MODEL = "melband_fcn"
PARAMS = tiny_params(**{"evaluation.bootstrap_samples": 50})


@pytest.fixture
def store(tmp_path, rng):
    return store_with_features(tmp_path, rng)


@pytest.fixture
def run(store):
    """The address of a training."""
    with mlflow_run(PARAMS, name=MODEL, stage="train") as recorder:
        train.run(PARAMS, store, recorder, MODEL)
    return f"runs:/{recorder.run_id}"


def test_a_runs_model_scores_as_it_did_when_it_was_trained(run, store):
    for split in ("validation", "test"):
        again = tracked.scores(run, PARAMS, store, split)
        assert np.abs(again - store.read_scores(MODEL, split)).max(axis=None) < 1e-6


def test_a_run_is_compared_with_what_the_store_holds(run, store):
    asked = Asked((MODEL, run), "test", "ROC-AUC-macro")
    here, there = comparing.compare(asked, PARAMS, store)
    assert there.name == run
    assert there.figures == here.figures and there.gain.value == 0


def test_a_run_that_learnt_from_other_tables_is_refused(run, store):
    tracks = store.read_table("tracks")
    store.write_table("tracks", tracks.assign(artist="another"))
    with pytest.raises(DataError, match=r"learnt from tables with the digest .* has"):
        tracked.scores(run, PARAMS, store, "test")


def test_a_run_that_heard_another_feature_is_refused(run, store):
    other = PARAMS.override({"features.melbands.scale": "maximum"})
    with pytest.raises(DataError, match=r"features\.melbands of params\.yaml"):
        tracked.scores(run, other, store, "test")


def test_a_run_without_a_model_says_what_it_was(store):
    with mlflow_run(PARAMS, name="fuse", stage="fuse") as recorder:
        pass
    with pytest.raises(MissingError, match=r"fuse: stage fuse, completed.*no trained"):
        tracked.scores(f"runs:/{recorder.run_id}", PARAMS, store, "test")


@pytest.mark.parametrize(
    ("uri", "error", "said"),
    [
        ("runs:/" + "0" * 32, MissingError, "is not at sqlite"),
        ("runs:/a/model", ConfigError, "a training is runs:/RUN_ID"),
        ("runs:/", ConfigError, "a training is runs:/RUN_ID"),
    ],
)
def test_what_names_no_run_is_one_sentence(store, uri, error, said):
    with pytest.raises(error, match=said):
        tracked.scores(uri, PARAMS, store, "test")
