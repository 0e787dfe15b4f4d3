"""Rows are judged as by scikit-learn, and ties as if all their orders were tried."""

from itertools import permutations
from statistics import mean

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from tagsmith.core import retrieval
from tagsmith.errors import DataError

BEST = (1, 2, 3, 5, 9)
ROW = (4, 5)
tables = hnp.arrays(np.bool_, ROW)
tied = hnp.arrays(np.float64, ROW, elements=st.sampled_from([0.1, 0.4, 0.7]))
untied = st.permutations(range(20)).map(lambda places: np.reshape(places, ROW) / 20)


def rankable(truth):
    return truth.any(axis=1) & ~truth.all(axis=1)


def orders(has, scores):
    """Yield the truth `(items,)` in every order of items that scores allow."""
    for order in permutations(range(len(scores))):
        ranked = scores[list(order)]
        if (ranked[:-1] >= ranked[1:]).all():
            yield has[list(order)]


def precision_within(ranked, k):
    """Compute average precision within the k best as its definition reads."""
    found = [ranked[: rank + 1].mean() for rank in range(k) if ranked[rank]]
    return sum(found) / min(ranked.sum(), k)


@given(tables, tied)
def test_areas_are_those_of_scikit_learn_row_by_row(truth, scores):
    values = retrieval.row_values(truth, scores, best=BEST)
    for row in np.flatnonzero(rankable(truth)):
        pair = truth[row], scores[row]
        assert values["roc_auc"][row] == pytest.approx(roc_auc_score(*pair))
        precision = average_precision_score(*pair)
        assert values["average_precision"][row] == pytest.approx(precision)


@given(tables, tied)
def test_ties_count_as_the_mean_over_all_their_orders(truth, scores):
    values = retrieval.row_values(truth, scores, best=BEST)
    for row in np.flatnonzero(rankable(truth)):
        every = list(orders(truth[row], scores[row]))
        for k in BEST:
            hit = mean(float(ranked[:k].any()) for ranked in every)
            precision = mean(precision_within(ranked, min(k, 5)) for ranked in every)
            assert values[f"hit@{k}"][row] == pytest.approx(hit, abs=1e-12)
            assert values[f"precision@{k}"][row] == pytest.approx(precision, abs=1e-12)


@given(tables, tied)
def test_the_chance_of_a_hit_at_one_is_what_a_gain_at_one_is(truth, scores):
    values = retrieval.row_values(truth, scores, best=[1])
    for row in np.flatnonzero(rankable(truth)):
        gain = ndcg_score(truth[[row]], scores[[row]], k=1)
        assert values["hit@1"][row] == pytest.approx(gain)
        assert values["precision@1"][row] == pytest.approx(gain)


@given(tables, untied)
def test_among_all_items_without_ties_it_is_average_precision(truth, scores):
    values = retrieval.row_values(truth, scores, best=[5])
    np.testing.assert_allclose(values["precision@5"], values["average_precision"])


@given(tables, tied)
def test_figures_depend_on_the_order_of_scores_only(truth, scores):
    values = retrieval.row_values(truth, scores, best=BEST)
    again = retrieval.row_values(truth, np.exp(5 * scores), best=BEST)
    for name, found in values.items():
        np.testing.assert_array_equal(found, again[name])


@given(tables, tied, st.permutations(range(5)))
def test_the_order_of_items_changes_nothing(truth, scores, order):
    values = retrieval.row_values(truth, scores, best=BEST)
    again = retrieval.row_values(truth[:, order], scores[:, order], best=BEST)
    for name, found in values.items():
        np.testing.assert_allclose(found, again[name])


@given(tables, tied)
def test_a_row_that_cannot_be_ranked_is_left_out_of_every_figure(truth, scores):
    values = retrieval.row_values(truth, scores, best=BEST)
    for found in values.values():
        np.testing.assert_array_equal(np.isnan(found), ~rankable(truth))


@given(tables, tied, tables, tied)
def test_two_parts_together_are_the_mean_weighted_by_their_rows(b, of_b, c, of_c):
    assume(rankable(b).any() and rankable(c).any())
    one = retrieval.judged(b, of_b, best=BEST)
    two = retrieval.judged(c, of_c, best=BEST)
    both = retrieval.judged(np.vstack([b, c]), np.vstack([of_b, of_c]), best=BEST)
    for figure in every_figure:
        parts = [figure(one), figure(two)]
        weighted = np.average(parts, weights=[one.rows, two.rows])
        assert figure(both) == pytest.approx(weighted)


every_figure = [
    lambda figures: figures.roc_auc,
    lambda figures: figures.average_precision,
    *(lambda figures, k=k: figures.hit[k] for k in BEST),
    *(lambda figures, k=k: figures.precision[k] for k in BEST),
]


def test_blocks_change_nothing(rng, monkeypatch):
    truth, scores = rng.random((50, 7)) < 0.3, rng.random((50, 7)).round(1)
    whole = retrieval.judged(truth, scores, best=BEST)
    monkeypatch.setattr(retrieval, "BLOCK", 20)
    assert retrieval.judged(truth, scores, best=BEST) == whole


# --- by hand


def test_a_ranking_with_ties_and_empty_rows_by_hand():
    truth = [[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 0]]
    scores = [[0.9, 0.5, 0.5, 0.1], [1, 2, 3, 4], [1, 2, 3, 4], [0.2, 0.2, 0.2, 0.2]]
    figures = retrieval.judged(truth, scores, best=[1, 2])
    assert (figures.rows, figures.undefined) == (2, 2)
    assert figures.roc_auc == pytest.approx((3.5 / 4 + 1 / 2) / 2)
    assert figures.average_precision == pytest.approx(((1 + 2 / 3) / 2 + 1 / 4) / 2)
    assert figures.hit == pytest.approx({1: (1 + 1 / 4) / 2, 2: (1 + 1 / 2) / 2})
    # Half of the orders have both right ones first, and the others the first alone.
    second = (1 / 4) * 1 + (1 / 4) * (1 / 2)
    assert figures.precision == pytest.approx(
        {1: (1 + 1 / 4) / 2, 2: ((1 + 1 / 2) / 2 + second) / 2}
    )


def test_more_than_all_items_are_all_items():
    figures = retrieval.judged([[0, 1, 0]], [[0.3, 0.2, 0.1]], best=[3, 100])
    assert figures.hit == {3: 1.0, 100: 1.0}
    assert figures.precision == {3: 0.5, 100: 0.5}


def test_a_k_given_twice_is_told_once():
    figures = retrieval.judged([[0, 1]], [[0.1, 0.2]], best=[1, 1])
    assert figures.hit == figures.precision == {1: 1.0}


def test_no_k_at_all_leaves_the_areas():
    figures = retrieval.judged([[0, 1]], [[0.1, 0.2]], best=[])
    assert (figures.roc_auc, figures.hit) == (1.0, {})


# --- bad input


def test_rows_that_all_cannot_be_ranked_are_refused():
    with pytest.raises(DataError, match="each of 2 rows has all items or none"):
        retrieval.judged([[0, 0], [1, 1]], [[0.1, 0.2], [0.1, 0.2]], best=[1])


def test_a_k_below_one_is_refused():
    with pytest.raises(DataError, match=r"one or more, got \[1, 0\]"):
        retrieval.judged([[0, 1]], [[0.1, 0.2]], best=[1, 0])


def test_scores_of_another_shape_or_not_finite_are_refused():
    with pytest.raises(DataError, match=r"scores are \(1, 3\), truth is \(1, 2\)"):
        retrieval.judged([[0, 1]], [[0.1, 0.2, 0.3]], best=[1])
    with pytest.raises(DataError, match="the first is nan at row 0, column 1"):
        retrieval.judged([[0, 1]], [[0.1, np.nan]], best=[1])
