"""What is plotted keeps the areas and the counts of what was measured."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tagsmith.core import curves
from tagsmith.core.curves import Judged

TAGS = ["fast", "slow", "nobody"]


@pytest.fixture
def systems(rng):
    """Two systems and 2000 tracks, of which none has the last tag."""
    truth = rng.random((2000, 3)) < [0.3, 0.1, 0]

    def judged(noise):
        scores = 1 / (1 + np.exp(-2 * truth - noise * rng.normal(size=truth.shape)))
        return Judged(truth, scores, scores > 0.6)

    return {"gru": judged(2), "ensemble": judged(1)}


def test_a_thinned_roc_curve_keeps_its_area(systems):
    table = curves.roc(systems, "ensemble", TAGS)
    one = table[(table["model"] == "ensemble") & (table["tag"] == "fast")]
    area = np.trapezoid(one["true_positive_rate"], one["false_positive_rate"])
    judged = systems["ensemble"]
    exact = roc_auc_score(judged.truth[:, 0], judged.scores[:, 0])
    assert area == pytest.approx(exact, abs=2e-3)


def test_a_thinned_precision_recall_curve_keeps_its_area(systems):
    table = curves.precision_recall(systems, "ensemble", TAGS)
    one = table[(table["model"] == "gru") & (table["tag"] == "micro")]
    area = np.trapezoid(one["precision"], one["recall"])
    judged = systems["gru"]
    exact = average_precision_score(judged.truth.ravel(), judged.scores.ravel())
    assert area == pytest.approx(exact, abs=5e-3)


@pytest.mark.parametrize("draw", [curves.roc, curves.precision_recall])
def test_no_curve_has_more_points_than_an_eye_can_see(systems, draw):
    points = draw(systems, "ensemble", TAGS).groupby(["model", "tag"]).size()
    assert points.max() <= curves.POINTS + 1


def test_every_system_is_drawn_pooled_and_only_the_leader_by_tag(systems):
    table = curves.roc(systems, "ensemble", TAGS)
    assert set(zip(table["model"], table["tag"], strict=True)) == {
        ("gru", "micro"),
        ("ensemble", "micro"),
        ("ensemble", "fast"),
        ("ensemble", "slow"),
    }


def test_curves_begin_and_end_where_they_should(systems):
    table = curves.roc(systems, "ensemble", TAGS)
    for _, curve in table.groupby(["model", "tag"]):
        assert curve.iloc[0, 2:].tolist() == [0, 0]
        assert curve.iloc[-1, 2:].tolist() == [1, 1]
    recall = curves.precision_recall(systems, "ensemble", TAGS)["recall"]
    assert recall.min() == 0 and recall.max() == 1


def test_the_histogram_counts_every_score_once(systems):
    table = curves.score_histogram(systems)
    positives = systems["gru"].truth.sum()
    counted = table.groupby(["model", "truth"])["count"].sum()
    assert counted["gru", 1] == positives
    assert counted["gru", 0] == systems["gru"].truth.size - positives


def test_scores_outside_of_the_unit_interval_are_counted_at_its_ends():
    judged = Judged(np.array([[True, True]]), np.array([[-3.0, 7.0]]), np.ones((1, 2)))
    counts = curves.score_histogram({"odd": judged}).query("truth == 1")["count"]
    assert counts.iloc[0] == counts.iloc[-1] == 1


def test_tags_come_together_as_often_as_counted_by_hand(systems):
    judged = systems["gru"]
    table = curves.cooccurrence(judged, TAGS).set_index(["kind", "tag", "other"])
    both = (judged.truth[:, 0] & judged.truth[:, 1]).sum()
    assert table.loc["truth", "fast", "slow"]["count"] == both
    assert table.loc["truth", "slow", "fast"]["count"] == both
    alone = judged.decisions[:, 1].sum()
    assert table.loc["decisions", "slow", "slow"]["count"] == alone
