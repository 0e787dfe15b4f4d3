"""The official figures of genre runs, against scikit-learn and written-out cases."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.metrics import precision_recall_fscore_support

from tagsmith.core import genre_metrics
from tagsmith.core.genre_metrics import BLOCKS, MEASURES, rounded
from tagsmith.errors import DataError

LABELS = ["jazz", "pop", "pop---ballad", "rock", "rock---indie", "rock---punk"]
GENRES = np.array([True, True, False, True, False, False])
seeds = st.integers(0, 2**32 - 1)


def drawn(seed, tracks=40):
    """Truth with a label per track at least, and decisions with any number."""
    rng = np.random.default_rng(seed)
    truth = rng.random((tracks, len(LABELS))) < 0.3
    truth[np.arange(tracks), rng.integers(0, len(LABELS), tracks)] = True
    return truth, rng.random(truth.shape) < rng.random()


def evaluate(truth, decisions, labels=LABELS):
    tracks = [f"id-{row}" for row in range(len(truth))]
    return genre_metrics.evaluate(
        csr_array(truth), csr_array(decisions), tracks=tracks, labels=labels
    )


def sets(*rows):
    """Tracks' labels, such as `pop rock`, as a matrix."""
    return np.array([[label in row.split() for label in LABELS] for row in rows])


# --- independent references


@given(seeds)
def test_labels_score_as_scikit_learn_says(seed):
    truth, decisions = drawn(seed)
    found = evaluate(truth, decisions).labels
    there = truth.any(axis=0)
    expected = precision_recall_fscore_support(
        truth[:, there], decisions[:, there], average=None, zero_division=0
    )[:3]
    assert np.abs(found.to_numpy().T - expected).max() <= 0.5001e-4
    assert list(found.index) == list(np.array(LABELS)[there])


@given(seeds)
def test_tracks_score_as_scikit_learn_says(seed):
    truth, decisions = drawn(seed)
    found = evaluate(truth, decisions).tracks
    for block, among in zip(BLOCKS, (GENRES | ~GENRES, GENRES, ~GENRES), strict=True):
        asked = truth[:, among].any(axis=1)
        expected = precision_recall_fscore_support(  # a track's labels are its classes
            truth[asked][:, among].T,
            decisions[asked][:, among].T,
            average=None,
            zero_division=0,
        )[:3]
        columns = found[[f"{measure}.{block}" for measure in MEASURES]].to_numpy()
        assert np.abs(columns[asked].T - expected).max(initial=0) <= 0.5001e-4
        assert np.isnan(columns[~asked]).all()


@given(seeds)
def test_the_summary_averages_rounded_figures(seed):
    found = evaluate(*drawn(seed))
    genres = found.labels[
        [label in {"jazz", "pop", "rock"} for label in found.labels.index]
    ]
    for (per, block), figures in {
        ("track", "sub"): found.tracks["F.sub"].dropna(),
        ("track", "all"): found.tracks["F.all"],
        ("label", "gen"): genres["F"],
    }.items():
        row = found.summary.loc[(per, block)]
        assert row["n"] == len(figures)
        assert row["F mean"] == pytest.approx(
            figures.mean(), abs=0.5001e-4, nan_ok=True
        )
        assert row["F sd"] == pytest.approx(figures.std(), abs=0.5001e-4, nan_ok=True)


@given(seeds)
def test_the_confusion_is_the_sum_of_each_tracks_own(seed):
    truth, decisions = drawn(seed)
    expected = np.zeros((len(LABELS), len(LABELS)))
    for true, said in zip(truth, decisions, strict=True):
        expected += np.diag(true & said)
        missed, alarms = true & ~said, said & ~true
        expected += np.outer(missed, alarms) / max(missed.sum(), 1)
    there = truth.any(axis=0)
    found = evaluate(truth, decisions).confusion.to_numpy()
    assert np.abs(found - expected[there][:, there]).max() <= 0.5001e-4


# --- properties


@given(seeds)
def test_the_truth_itself_is_a_perfect_run(seed):
    truth, _ = drawn(seed)
    found = evaluate(truth, truth)
    assert (found.labels == 1).all(axis=None)
    assert (found.tracks.fillna(1) == 1).all(axis=None)
    assert (
        found.confusion.to_numpy() == np.diag(truth.sum(axis=0)[truth.any(axis=0)])
    ).all()
    assert (found.summary.filter(like="mean").fillna(1) == 1).all(axis=None)
    assert (found.summary.filter(like="sd").fillna(0) == 0).all(axis=None)


@given(seeds)
def test_the_order_of_tracks_and_labels_changes_nothing(seed):
    truth, decisions = drawn(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(truth)), rng.permutation(len(LABELS))
    names = [LABELS[column] for column in columns]
    moved = (matrix[rows][:, columns] for matrix in (truth, decisions))
    found, other = evaluate(truth, decisions), evaluate(*moved, labels=names)
    assert other.summary.equals(found.summary)
    assert other.labels.equals(found.labels)


@given(seeds)
def test_labels_without_truth_cost_precision_only_of_tracks(seed):
    truth, decisions = drawn(seed)
    more = [
        np.hstack([matrix, matrix[:, :1] ^ matrix[:, :1]])
        for matrix in (truth, decisions)
    ]
    more[1][:, -1] = True
    found = evaluate(*more, labels=[*LABELS, "unheard of"])
    plain = evaluate(truth, decisions)
    assert found.labels.equals(plain.labels) and found.confusion.equals(plain.confusion)
    assert (found.tracks["R.all"] == plain.tracks["R.all"]).all()
    assert (found.tracks["P.all"] <= plain.tracks["P.all"]).all()


# --- edge cases


def test_a_genre_that_is_missed_has_precision_0_and_one_not_asked_for_none():
    found = evaluate(
        sets("rock rock---punk", "pop"), sets("rock---punk", "pop pop---ballad")
    )
    first, second = (found.tracks.loc[row].to_dict() for row in found.tracks.index)
    assert (first["P.gen"], first["R.gen"], first["F.gen"]) == (0, 0, 0)
    assert np.isnan([second["P.sub"], second["R.sub"], second["F.sub"]]).all()
    assert second["P.all"] == 0.5


def test_a_track_that_is_given_nothing_scores_0():
    found = evaluate(sets("pop", "rock"), sets("", "rock"))
    assert found.tracks.loc["id-0", ["P.all", "R.all", "F.all"]].tolist() == [0, 0, 0]


def test_the_mean_of_none_and_the_deviation_of_one_are_unknown():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = evaluate(sets("rock"), sets("rock")).summary
    assert summary.loc[("track", "sub"), "n"] == 0
    assert np.isnan(summary.loc[("track", "sub"), ["F mean", "F sd"]].tolist()).all()
    assert summary.loc[("label", "gen"), "F mean"] == 1
    assert np.isnan(summary.loc[("label", "gen"), "F sd"])


def test_whatever_is_not_zero_is_a_label():
    truth, decisions = drawn(3)
    counts = csr_array(decisions * 7)
    counts.data[:2] = 0  # zeros may be stored
    decisions[tuple(index[:2] for index in np.nonzero(decisions))] = False
    found = genre_metrics.evaluate(
        csr_array(truth.astype(np.int8)),
        counts,
        tracks=[f"id-{row}" for row in range(len(truth))],
        labels=LABELS,
    )
    assert found.summary.equals(evaluate(truth, decisions).summary)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.66666, 0.6667),
        (1 / 3, 0.3333),
        (1.0, 1.0),
        (0.0, 0.0),
        (1 / 16, 0.0625),
    ],
)
def test_numbers_are_rounded_to_four_digits(value, expected):
    assert rounded(np.array([value])).tolist() == [expected]


@given(st.floats(0, 1e6))
def test_a_rounded_number_is_nearest_and_stays(value):
    once = rounded(np.array([value]))
    assert abs(once[0] - value) <= 0.5e-4 * (1 + 1e-6) + 1e-10
    assert rounded(once).tolist() == once.tolist()


def test_what_is_unknown_stays_unknown():
    assert np.isnan(rounded(np.array([np.nan, 0.5]))).tolist() == [True, False]


# --- bad input


def test_a_track_without_truth_is_named():
    with pytest.raises(DataError, match=r"1 of 2 have none: rows \[1\]"):
        evaluate(sets("pop", ""), sets("pop", "rock"))


@pytest.mark.parametrize("labels", [LABELS[:-1], [*LABELS, "x"]])
def test_shapes_that_differ_are_told(labels):
    with pytest.raises(DataError, match=r"truth is \(1, 6\), decisions are \(1, 6\)"):
        evaluate(sets("pop"), sets("pop"), labels=labels)


def test_no_tracks_are_no_run():
    with pytest.raises(DataError, match="0 of 0"):
        evaluate(np.zeros((0, 6), dtype=bool), np.zeros((0, 6), dtype=bool))
