"""Thresholds come from validation scores, and from nothing else."""

import numpy as np
import pytest

from tagsmith.core import thresholds
from tagsmith.errors import ConfigError, MissingError
from tagsmith.stages import calibrate
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import scored

MODEL = "crnn_gru"


@pytest.fixture
def store(tmp_path, rng):
    return scored.store(tmp_path, rng)


def test_every_tag_gets_the_threshold_that_fits_validation(store):
    calibrate.run(scored.params(), store, MemoryRecorder(), MODEL)
    truth = store.read_truth("validation").to_numpy()
    scores = store.read_scores(MODEL, "validation").to_numpy()
    expected = thresholds.fit(truth, scores, scored.params().calibration)
    written = store.read_thresholds(MODEL)
    assert written == dict(zip(scored.TAGS, expected, strict=True))


def test_test_scores_have_no_say(store, rng):
    calibrate.run(scored.params(), store, MemoryRecorder(), MODEL)
    before = store.read_thresholds(MODEL)
    test = store.read_scores(MODEL, "test")
    store.write_scores(MODEL, "test", test * rng.random(test.shape))
    calibrate.run(scored.params(), store, MemoryRecorder(), MODEL)
    assert store.read_thresholds(MODEL) == before


def test_a_tag_missing_from_validation_is_never_decided(store):
    annotations = store.read_table("annotations")
    validation = store.read_truth("validation").index
    gone = (annotations["tag"] == "slow") & annotations["track_id"].isin(validation)
    store.write_table("annotations", annotations[~gone])
    recorder = MemoryRecorder()
    calibrate.run(scored.params(), store, recorder, MODEL)
    assert np.isposinf(store.read_thresholds(MODEL)["slow"])
    assert (f"{MODEL}/tags_never_decided", 1.0, 0) in recorder.logged_metrics


def test_the_rule_is_a_parameter(store):
    calibrate.run(scored.params(), store, MemoryRecorder(), MODEL)
    f1 = store.read_thresholds(MODEL)
    youden = scored.params(**{"calibration.rule": "youden"})
    calibrate.run(youden, store, MemoryRecorder(), MODEL)
    assert store.read_thresholds(MODEL) != f1


def test_without_a_name_every_model_is_calibrated_and_no_other_left(store):
    store.write_thresholds("gone", {"slow": 0.5})
    calibrate.run(scored.params(), store, MemoryRecorder())
    left = {path.stem for path in store.place("thresholds").iterdir()}
    assert left == set(scored.params().models)


def test_what_is_missing_costs_no_thresholds(store):
    calibrate.run(scored.params(), store, MemoryRecorder())
    before = store.read_thresholds(MODEL)
    (store.root / "scores" / MODEL / "validation.parquet").unlink()
    with pytest.raises(MissingError, match="dvc repro train"):
        calibrate.run(scored.params(), store, MemoryRecorder())
    assert store.read_thresholds(MODEL) == before


def test_an_unknown_model_is_refused_with_those_there_are(store):
    with pytest.raises(ConfigError, match="no model 'crnn_gro'"):
        calibrate.run(scored.params(), store, MemoryRecorder(), "crnn_gro")


def test_a_model_that_was_not_trained_is_refused_with_the_way_out(tmp_path, rng):
    empty = Store(tmp_path / "other", source=scored.store(tmp_path, rng).root)
    (empty.source / "scores" / MODEL / "validation.parquet").unlink()
    with pytest.raises(MissingError, match="dvc repro train"):
        calibrate.run(scored.params(), empty, MemoryRecorder(), MODEL)
