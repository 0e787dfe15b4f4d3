"""No threshold beats the chosen one, and a tag without positives is never decided."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from tagsmith.config import Calibration
from tagsmith.core import thresholds
from tagsmith.errors import DataError

SHAPE = (9, 3)
labelled = hnp.arrays(np.bool_, SHAPE)
scored = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=16))


def calibration(rule="f1", comparison="inclusive", *, fallback=False):
    return Calibration(rule=rule, comparison=comparison, fallback_to_top_tag=fallback)


@given(labelled, scored)
def test_no_threshold_beats_the_chosen_f1(truth, scores):
    chosen = thresholds.fit(truth, scores, calibration())
    decisions = thresholds.decide(scores, chosen, calibration())
    for tag in np.flatnonzero(truth.any(axis=0)):
        reached = f1_score(truth[:, tag], decisions[:, tag], zero_division=0)
        for other in scores[:, tag]:
            rival = f1_score(truth[:, tag], scores[:, tag] >= other, zero_division=0)
            assert reached >= rival - 1e-12


@given(labelled, scored)
def test_no_threshold_beats_the_chosen_j(truth, scores):
    def youden(tag, decisions):
        has = truth[:, tag]
        return decisions[has].mean() - decisions[~has].mean()

    chosen = thresholds.fit(truth, scores, calibration("youden"))
    for tag in np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0)):
        column = scores[:, tag]
        reached = youden(tag, column >= chosen[tag])
        rivals = [youden(tag, column >= other) for other in column]
        assert reached >= max(rivals) - 1e-12


@pytest.mark.parametrize("rule", ["f1", "youden"])
@given(scores=scored)
def test_a_tag_without_positives_is_never_decided(rule, scores):
    truth = np.zeros(SHAPE, bool)
    chosen = thresholds.fit(truth, scores, calibration(rule))
    assert np.isposinf(chosen).all()
    both = calibration(rule, fallback=True)
    assert not thresholds.decide(scores, chosen, both).any()


@pytest.mark.parametrize("rule", ["f1", "youden"])
@given(scores=scored)
def test_a_tag_on_every_track_is_always_decided(rule, scores):
    chosen = thresholds.fit(np.ones(SHAPE, bool), scores, calibration(rule))
    assert thresholds.decide(scores, chosen, calibration(rule)).all()


@given(labelled, scored)
def test_thresholds_are_scores_of_their_tag(truth, scores):
    chosen = thresholds.fit(truth, scores, calibration())
    for tag in np.flatnonzero(truth.any(axis=0)):
        assert np.float32(chosen[tag]) in scores[:, tag]


def test_the_track_that_sets_the_threshold_is_decided_only_inclusively():
    truth, scores = np.array([[1], [0]], bool), np.array([[0.7], [0.2]])
    chosen = thresholds.fit(truth, scores, calibration())
    decided = [
        thresholds.decide(scores, chosen, calibration(comparison=comparison)).tolist()
        for comparison in ("inclusive", "strict")
    ]
    assert decided == [[[True], [False]], [[False], [False]]]


@given(scored, hnp.arrays(np.float64, SHAPE[1], elements=st.floats(0, 2)))
def test_with_the_fallback_every_track_gets_a_tag(scores, limits):
    decisions = thresholds.decide(scores, limits, calibration(fallback=True))
    assert decisions.any(axis=1).all()


@given(scored, hnp.arrays(np.float64, SHAPE[1], elements=st.floats(0, 2)))
def test_the_fallback_leaves_tracks_that_have_tags_alone(scores, limits):
    plain = thresholds.decide(scores, limits, calibration())
    decisions = thresholds.decide(scores, limits, calibration(fallback=True))
    tagged = plain.any(axis=1)
    assert (decisions[tagged] == plain[tagged]).all()
    assert (decisions[~tagged].sum(axis=1) == 1).all()


def test_the_fallback_takes_the_tag_nearest_to_its_threshold():
    config = calibration(comparison="strict", fallback=True)
    decided = thresholds.decide(np.array([[0.5, 0.2]]), [0.9, 0.21], config)
    assert decided.tolist() == [[False, True]]


def test_the_fallback_never_takes_a_tag_without_positives():
    decided = thresholds.decide(
        np.array([[0.99, 0.01]]), [np.inf, 0.9], calibration(fallback=True)
    )
    assert decided.tolist() == [[False, True]]


def test_the_fallback_refuses_scores_below_zero():
    with pytest.raises(DataError, match="scores of 0 or more, got -1"):
        thresholds.decide(np.array([[-1.0]]), [0.5], calibration(fallback=True))


def test_thresholds_of_other_tags_are_refused():
    with pytest.raises(DataError, match=r"scores are \(1, 2\), thresholds are \(3,\)"):
        thresholds.decide(np.zeros((1, 2)), [1, 2, 3], calibration())


def test_the_thresholds_and_decisions_of_the_vggish_baseline_are_reproduced(fixtures):
    folder = fixtures / "mediaeval2019"
    truth = np.load(folder / "groundtruth.npy")
    scores = np.load(folder / "baseline" / "vggish_predictions.npy")
    lines = (folder / "baseline" / "vggish_thresholds.txt").read_text().splitlines()
    chosen = thresholds.fit(truth, scores, calibration())
    assert chosen.tolist() == [float(line.split("\t")[1]) for line in lines]
    decisions = thresholds.decide(scores, chosen, calibration(comparison="strict"))
    assert (decisions == np.load(folder / "baseline" / "vggish_decisions.npy")).all()
