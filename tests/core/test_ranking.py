"""Areas, of many weightings or of many tags, are those of scikit-learn one by one."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, roc_auc_score

from tagsmith.core.ranking import Ranking, area, areas

TRACKS = 10
labelled = hnp.arrays(np.bool_, TRACKS)
tied = hnp.arrays(np.float64, TRACKS, elements=st.sampled_from([0.1, 0.2, 0.3, 0.9]))
counts = hnp.arrays(np.int64, (TRACKS, 3), elements=st.integers(0, 4))
tables = hnp.arrays(np.bool_, (TRACKS, 3))
sheets = hnp.arrays(
    np.float32, (TRACKS, 3), elements=st.sampled_from([-0.5, 0.0, 0.25, 0.5])
)


def ranking(truth, scores):
    return Ranking.of(truth, scores, np.arange(len(truth)))


def written_out(truth, scores, weights):
    truth, scores = np.repeat(truth, weights), np.repeat(scores, weights)
    assume(truth.any() and not truth.all())
    return truth, scores


@given(labelled, tied, counts)
def test_roc_auc_of_weights_is_that_of_repeated_tracks(truth, scores, weights):
    values = ranking(truth, scores).roc_auc(weights.astype(float))
    for value, times in zip(values, weights.T, strict=True):
        repeated = written_out(truth, scores, times)
        assert value == pytest.approx(roc_auc_score(*repeated), abs=1e-12)


def with_itself_once(truth, scores, tracks, times):
    """Average precision where a track that is drawn twice is not beside itself."""
    precision, drawn = [], []
    for item in np.flatnonzero(truth):
        counts = np.where(tracks == tracks[item], 1, times[tracks])
        reach = counts * (scores >= scores[item])
        precision.append(reach[truth].sum() / reach.sum())
        drawn.append(times[tracks[item]])
    return np.average(precision, weights=drawn)


@given(labelled, tied, counts)
def test_average_precision_of_weights_has_each_track_beside_itself_once(
    truth, scores, weights
):
    tracks = np.arange(TRACKS)
    values = ranking(truth, scores).average_precision(weights.astype(float))
    for value, times in zip(values, weights.T, strict=True):
        written_out(truth, scores, times)
        expected = with_itself_once(truth, scores, tracks, times)
        assert value == pytest.approx(expected, abs=1e-12)


@given(
    hnp.arrays(np.bool_, TRACKS),
    tied,
    hnp.arrays(np.intp, TRACKS, elements=st.integers(0, 3)),
    hnp.arrays(np.int64, 4, elements=st.integers(0, 4)),
)
def test_items_of_one_track_are_beside_each_other_once(truth, scores, tracks, times):
    tracks[0] = 3
    assume((truth * times[tracks]).any())
    (value,) = Ranking.of(truth, scores, tracks).average_precision(
        times[:, np.newaxis].astype(float)
    )
    expected = with_itself_once(truth, scores, tracks, times)
    assert value == pytest.approx(expected, abs=1e-12)


@given(labelled, tied)
def test_average_precision_of_the_tracks_themselves_is_scikit_learns(truth, scores):
    assume(truth.any())
    (value,) = ranking(truth, scores).average_precision(np.ones((TRACKS, 1)))
    assert value == pytest.approx(average_precision_score(truth, scores), abs=1e-12)


def test_resamples_are_not_better_than_the_tracks_they_are_drawn_from(rng):
    truth, scores = np.arange(4000) < 40, rng.normal(size=4000)
    drawn = rng.multinomial(4000, np.full(4000, 1 / 4000), size=300).T.astype(float)
    judged = ranking(truth, scores)
    (value,) = judged.average_precision(np.ones((4000, 1)))
    found = judged.average_precision(drawn)
    standard_error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - value) < 4 * standard_error
    whole = drawn.astype(int)
    copies = [
        average_precision_score(np.repeat(truth, times), np.repeat(scores, times))
        for times in whole.T
    ]
    assert np.mean(copies) - value > 5 * standard_error  # why copies are no measure


@given(labelled, tied)
def test_areas_depend_on_the_order_of_scores_only(truth, scores):
    assume(truth.any() and not truth.all())
    once = np.ones((TRACKS, 1))
    assert ranking(truth, scores).roc_auc(once) == ranking(
        truth, np.exp(5 * scores)
    ).roc_auc(once)


@given(labelled, tied)
def test_turning_scores_around_turns_the_area_around(truth, scores):
    assume(truth.any() and not truth.all())
    once = np.ones((TRACKS, 1))
    upright = ranking(truth, scores).roc_auc(once)
    assert ranking(truth, -scores).roc_auc(once) == pytest.approx(1 - upright)


def test_a_sample_without_positives_has_no_area():
    weights = np.array([[0.0], [1.0]])
    judged = ranking(np.array([True, False]), np.array([0.9, 0.1]))
    assert np.isnan(judged.roc_auc(weights)).all()
    assert np.isnan(judged.average_precision(weights)).all()


def test_items_of_one_track_share_its_weight():
    truth, scores = np.array([1, 0, 0, 1], bool), np.array([0.9, 0.8, 0.3, 0.2])
    judged = Ranking.of(truth, scores, np.array([0, 0, 1, 1]))
    once = [
        judged.roc_auc(np.array([[a], [b]]))[0] for a, b in ((2.0, 0.0), (0.0, 2.0))
    ]
    assert once == [1.0, 0.0]


@given(tables, sheets)
def test_areas_of_all_tags_are_those_of_each_ties_included(truth, scores):
    roc_aucs, average_precisions = areas(truth, scores)
    for tag, pair in enumerate(zip(truth.T, scores.T, strict=True)):
        found = roc_aucs[tag], average_precisions[tag]
        if truth[:, tag].all() or not truth[:, tag].any():
            assert np.isnan(found).all()
            continue
        expected = roc_auc_score(*pair), average_precision_score(*pair)
        assert found == pytest.approx(expected, abs=1e-12)


@given(tables, sheets)
def test_pooled_areas_are_those_of_one_long_list(truth, scores):
    pair = truth.ravel(), scores.ravel()
    assume(truth.any() and not truth.all())
    expected = roc_auc_score(*pair), average_precision_score(*pair)
    assert area(*pair) == pytest.approx(expected, abs=1e-12)
