"""The official figures are scikit-learn's, and bad matrices are refused."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from tagsmith.core import metrics
from tagsmith.errors import DataError

SHAPE = (12, 4)
EVERY_TAG = np.tile(np.eye(4, dtype=bool), (3, 1))  # each tag on three tracks
matrices = hnp.arrays(np.bool_, SHAPE)
scored = hnp.arrays(np.float32, SHAPE, elements=st.floats(0, 1, width=16))


@given(matrices, matrices)
def test_precision_recall_and_f_are_scikit_learns(truth, decisions):
    figures = metrics.decided(truth, decisions)
    for mean in ("macro", "micro"):
        expected = precision_recall_fscore_support(
            truth, decisions, average=mean, zero_division=0
        )
        ours = [
            figures[f"{name}-{mean}"] for name in ("precision", "recall", "F-score")
        ]
        assert ours == pytest.approx(expected[:3], abs=1e-12)


@given(scored)
def test_areas_are_scikit_learns_where_every_tag_has_both_kinds(scores):
    figures = metrics.areas(EVERY_TAG, scores)
    for mean in ("macro", "micro"):
        roc = roc_auc_score(EVERY_TAG, scores, average=mean)
        precision = average_precision_score(EVERY_TAG, scores, average=mean)
        assert figures[f"ROC-AUC-{mean}"] == pytest.approx(roc, abs=1e-12)
        assert figures[f"PR-AUC-{mean}"] == pytest.approx(precision, abs=1e-12)


@given(scored)
def test_a_tag_nobody_has_changes_no_macro_area(scores):
    nobody = np.zeros((len(scores), 1))
    truth = np.hstack([EVERY_TAG, nobody])
    with_it = metrics.areas(truth, np.hstack([scores, nobody]))
    without = metrics.areas(EVERY_TAG, scores)
    for name in ("ROC-AUC-macro", "PR-AUC-macro"):
        assert with_it[name] == pytest.approx(without[name])


def test_tags_without_positives_or_without_negatives_are_named():
    truth = np.array([[0, 1, 1], [0, 1, 0]], bool)
    assert metrics.undefined(truth).tolist() == [True, True, False]


def test_there_are_ten_figures_in_the_official_order(rng):
    scores = rng.random(SHAPE)
    figures = metrics.evaluate(EVERY_TAG, scores, scores > 0.5)
    assert list(figures) == [
        f"{measure}-{mean}"
        for mean in ("macro", "micro")
        for measure in ("PR-AUC", "ROC-AUC", "F-score", "precision", "recall")
    ]
    assert tuple(figures) == metrics.NAMES


def test_perfect_scores_and_decisions_reach_one_everywhere():
    figures = metrics.evaluate(EVERY_TAG, EVERY_TAG.astype(float), EVERY_TAG)
    assert set(figures.values()) == {1.0}


def test_one_tag_alone_is_judged_like_any_other(rng):
    truth, scores = EVERY_TAG[:, :1], rng.random((12, 1))
    figures = metrics.evaluate(truth, scores, scores > 0.5)
    for measure in ("PR-AUC", "ROC-AUC", "F-score", "precision", "recall"):
        assert figures[f"{measure}-macro"] == pytest.approx(figures[f"{measure}-micro"])


def test_the_table_by_tag_averages_to_the_macro_figures(rng):
    scores = rng.random(SHAPE)
    decisions = scores > 0.5
    figures = metrics.evaluate(EVERY_TAG, scores, decisions)
    table = metrics.per_tag(EVERY_TAG, scores, decisions, tags=list("abcd"))
    means = table.drop(columns=["tag", "positives"]).mean()
    assert means["roc_auc"] == pytest.approx(figures["ROC-AUC-macro"])
    assert means["pr_auc"] == pytest.approx(figures["PR-AUC-macro"])
    assert means["f_score"] == pytest.approx(figures["F-score-macro"])
    assert table["positives"].tolist() == [3, 3, 3, 3]


def test_the_table_by_tag_leaves_an_undefined_area_open():
    truth = np.array([[1, 0], [0, 0]])
    scores = np.array([[0.9, 0.1], [0.2, 0.3]])
    table = metrics.per_tag(truth, scores, truth, tags=["has", "has not"])
    assert table["roc_auc"].tolist()[0] == 1
    assert table.loc[1, ["roc_auc", "pr_auc"]].isna().all()


@pytest.mark.parametrize("run", ["baseline/vggish", "baseline/popular"])
def test_the_baselines_of_mediaeval_score_as_published(fixtures, run):
    folder = fixtures / "mediaeval2019"
    expected = json.loads((folder / "expected.json").read_text())[run]
    figures = metrics.evaluate(
        np.load(folder / "groundtruth.npy"),
        np.load(folder / f"{run}_predictions.npy"),
        np.load(folder / f"{run}_decisions.npy"),
    )
    assert {name: round(value, 6) for name, value in figures.items()} == expected


def test_no_warning_is_given_for_tags_never_decided(rng):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = metrics.evaluate(EVERY_TAG, rng.random(SHAPE), np.zeros(SHAPE))
    assert figures["F-score-macro"] == 0


@pytest.mark.parametrize(
    ("scores", "evidence"),
    [
        (np.zeros((3, 4)), r"scores are \(3, 4\), truth is \(12, 4\)"),
        (np.where(EVERY_TAG, np.nan, 0), r"12 of 48 .* nan at row 0, column 0"),
        (np.where(EVERY_TAG, np.inf, 0), r"inf at row 0, column 0"),
        (np.full(SHAPE, "a"), "scores must be numbers, got <U1"),
    ],
)
def test_scores_that_cannot_be_judged_are_refused_with_evidence(scores, evidence):
    with pytest.raises(DataError, match=evidence):
        metrics.areas(EVERY_TAG, scores)


@pytest.mark.parametrize(
    ("truth", "evidence"),
    [
        (np.full(SHAPE, 2), "truth must hold only 0 and 1, got 2"),
        (np.full(SHAPE, np.nan), "got nan"),
        (np.zeros(4), r"must be \(tracks, tags\).*got \(4,\)"),
        (np.zeros((0, 4)), r"not empty, got \(0, 4\)"),
        (np.zeros(SHAPE), "each of 4 tags is on all of 12 tracks or on none"),
        (np.ones(SHAPE), "each of 4 tags is on all of 12 tracks or on none"),
        (np.full(SHAPE, None), "truth must be booleans or 0 and 1, got object"),
    ],
)
def test_truth_that_cannot_be_judged_is_refused_with_evidence(truth, evidence):
    with pytest.raises(DataError, match=evidence):
        metrics.areas(truth, np.zeros(truth.shape))


def test_decisions_that_are_scores_are_refused(rng):
    with pytest.raises(DataError, match="decisions must hold only 0 and 1, got 0"):
        metrics.decided(EVERY_TAG, rng.random(SHAPE))


def test_names_that_are_not_as_many_as_tags_are_refused():
    with pytest.raises(DataError, match="truth has 4 tags, but 1 are named"):
        metrics.per_tag(EVERY_TAG, EVERY_TAG, EVERY_TAG, tags=["one"])
