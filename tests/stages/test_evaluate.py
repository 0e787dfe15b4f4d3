"""Everything that a reader of results asks for is measured, and written once."""

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import ENSEMBLE
from tagsmith.core import metrics, thresholds
from tagsmith.errors import DataError, MissingError
from tagsmith.stages import calibrate, evaluate, fuse
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import scored

GROUPS = {*scored.MEMBERS}
DRAWN = {*scored.SKILLS, ENSEMBLE}


@pytest.fixture(scope="module")
def recorder():
    return MemoryRecorder()


@pytest.fixture(scope="module")
def store(tmp_path_factory, recorder):
    """A store in which everything has been evaluated."""
    made = scored.store(tmp_path_factory.mktemp("scored"), np.random.default_rng(3))
    for model in scored.SKILLS:
        calibrate.run(scored.params(), made, MemoryRecorder(), model)
    fuse.run(scored.params(), made, MemoryRecorder())
    evaluate.run(scored.params(), made, recorder)
    return made


def report(store, name):
    return store.read_report(name, made_by="evaluate")


def plot(store, name):
    path = store.place("reports", "plots", f"{name}.csv")
    return pd.read_csv(path, keep_default_na=False)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_every_system_has_the_ten_official_figures(store, split):
    figures = report(store, "metrics")[split]
    assert set(figures) == DRAWN | GROUPS
    for found in figures.values():
        assert set(found) == set(metrics.NAMES)
        assert all(isinstance(value, float) for value in found.values())


@pytest.mark.parametrize("system", ["groups/lstms", ENSEMBLE])
def test_figures_are_those_of_the_written_scores_and_thresholds(store, system):
    truth, scores = store.read_truth("test"), store.read_scores(system, "test")
    limits = list(store.read_thresholds(system).values())
    config = scored.params().calibration
    decisions = thresholds.decide(scores.to_numpy(), limits, config)
    expected = metrics.evaluate(truth, scores, decisions)
    assert report(store, "metrics")["test"][system] == pytest.approx(expected)


def test_intervals_hold_their_figures(store):
    figures = report(store, "metrics")["test"]
    for name, intervals in report(store, "intervals")["test"].items():
        for metric, interval in intervals.items():
            assert interval["value"] == pytest.approx(figures[name][metric])
            assert interval["low"] <= interval["value"] <= interval["high"]


def test_every_tag_of_every_model_and_the_ensemble_has_a_row(store):
    path = store.place("reports", "per_tag.csv")
    table = pd.read_csv(path, keep_default_na=False)
    assert list(table)[:4] == ["model", "split", "tag", "positives"]
    rows = set(zip(table["model"], table["tag"], strict=True))
    assert rows == {(name, tag) for name in DRAWN for tag in scored.TAGS}
    assert set(table["split"]) == {"test"}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("roc", ["model", "tag", "false_positive_rate", "true_positive_rate"]),
        ("precision_recall", ["model", "tag", "recall", "precision"]),
        ("score_histogram", ["model", "truth", "bin_left", "count"]),
        ("cooccurrence", ["kind", "tag", "other", "count"]),
        ("training_curves", ["model", "epoch", "metric", "value"]),
    ],
)
def test_every_plot_has_its_data_and_its_picture(store, name, columns):
    assert list(plot(store, name)) == columns
    assert store.place("reports", "plots", f"{name}.png").stat().st_size > 0


def test_groups_are_compared_with_intervals_but_not_drawn(store):
    assert set(report(store, "intervals")["test"]) == DRAWN | GROUPS
    for name in ("roc", "precision_recall", "score_histogram"):
        assert set(plot(store, name)["model"]) == DRAWN


def test_training_curves_hold_every_models_epochs(store):
    table = plot(store, "training_curves")
    assert set(table["model"]) == set(scored.SKILLS)
    one = table[(table["model"] == "crnn_gru") & (table["metric"] == "loss")]
    assert one["value"].tolist() == [0.7, 0.5]


@pytest.mark.usefixtures("store")
def test_the_recorder_gets_figures_and_pictures(recorder):
    names = {name for name, _, _ in recorder.logged_metrics}
    assert "test/ensemble/ROC-AUC-macro" in names
    pictures = {path.name for path, _ in recorder.logged_artifacts}
    assert {"roc.png", "training_curves.png"} <= pictures


def test_the_same_scores_give_the_same_reports(store):
    before = report(store, "metrics"), report(store, "intervals")
    evaluate.run(scored.params(), store, MemoryRecorder())
    assert (report(store, "metrics"), report(store, "intervals")) == before


def test_a_tag_that_no_test_track_has_is_named(tmp_path, rng, caplog):
    made = scored.store(tmp_path, rng)
    annotations, test = made.read_table("annotations"), made.read_truth("test").index
    gone = (annotations["tag"] == "slow") & annotations["track_id"].isin(test)
    made.write_table("annotations", annotations[~gone])
    for model in scored.SKILLS:
        calibrate.run(scored.params(), made, MemoryRecorder(), model)
    fuse.run(scored.params(), made, MemoryRecorder())
    evaluate.run(scored.params(), made, MemoryRecorder())
    assert "1 of 4 tags" in caplog.text and "slow" in caplog.text


def test_thresholds_of_other_tags_are_refused(tmp_path, rng):
    made = scored.store(tmp_path, rng)
    made.write_thresholds("crnn_gru", {"cello": 0.5})
    with pytest.raises(DataError, match=r"crnn_gru are for 1 tags, .* has 4"):
        evaluate.run(scored.params(), made, MemoryRecorder())


def test_before_calibration_there_is_nothing_to_evaluate(tmp_path, rng):
    with pytest.raises(MissingError, match="dvc repro calibrate"):
        evaluate.run(scored.params(), scored.store(tmp_path, rng), MemoryRecorder())
