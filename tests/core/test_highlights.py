"""What is worth showing is what the tables say."""

import pandas as pd
import pytest

from tagsmith.core import highlights

NAN = float("nan")


@pytest.fixture
def per_tag():
    """Three tags, heard by an ensemble and one model."""
    columns = ["model", "split", "tag", "positives", "roc_auc", "precision", "recall"]
    rows = [
        ("ensemble", "test", "cello", 10, 0.9, 0.8, 0.4),
        ("ensemble", "test", "flute", 4, 0.7, 0.0, 0.0),
        ("ensemble", "test", "null", 0, NAN, 0.0, 0.0),
        ("gru", "test", "cello", 10, 0.8, 0.5, 0.5),
        ("gru", "test", "flute", 4, 0.75, 0.5, 0.5),
        ("gru", "test", "null", 0, NAN, 0.0, 0.0),
        ("ensemble", "validation", "cello", 7, 0.1, 0.1, 0.1),
    ]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def rows(per_tag):
    return highlights.tag_rows(per_tag, dict.fromkeys(("cello", "flute", "null"), 0.5))


def together(**counts):
    """Return the table of one pair and one tag's own count."""
    return pd.DataFrame(
        {"kind": kind, "tag": tag, "other": other, "count": count}
        for kind, number in counts.items()
        for tag, other, count in (("a", "b", number), ("b", "a", number), ("a", "a", 9))
    )


def test_tags_come_best_first_and_undefined_last(rows):
    assert [row["tag"] for row in rows] == ["cello", "flute", "null"]


def test_rates_become_tracks(rows):
    counts = [(row["found"], row["missed"], row["false_alarms"]) for row in rows]
    assert counts == [(4, 6, 1), (0, 4, 0), (0, 0, 0)]


def test_the_worst_tag_comes_first_and_an_undefined_one_never(rows):
    assert [row["tag"] for row in highlights.worst(rows)] == ["flute", "cello"]


def test_a_member_that_is_better_than_the_ensemble_is_found(rows):
    assert highlights.surpassed(rows) == [("flute", "gru", pytest.approx(0.05))]


def test_the_best_member_is_a_model():
    figures = {"gru": 0.8, "lstm": 0.85, "groups/all": 0.86, "ensemble": 0.9}
    named = {model: {"ROC-AUC-macro": value} for model, value in figures.items()}
    assert highlights.ranked(named) == ["ensemble", "groups/all", "lstm", "gru"]
    assert highlights.best_member(named) == "lstm"


def test_systems_are_told_apart_by_what_they_are():
    figures = {"gru": 0.8, "groups/all": 0.86, "lstm": 0.85, "ensemble": 0.9}
    named = {system: {"ROC-AUC-macro": value} for system, value in figures.items()}
    kinds = highlights.by_kind(named)
    assert list(kinds) == ["ensemble", "groups", "models"]
    assert [*kinds.values()] == [["ensemble"], ["groups/all"], ["lstm", "gru"]]
    assert list(highlights.pictured(named)) == ["gru", "lstm", "ensemble"]


@pytest.mark.parametrize("decisions", [2, 8])
def test_a_pair_is_counted_once_by_how_far_decisions_are_off(decisions):
    (pair,) = highlights.pairs(together(truth=5, decisions=decisions))
    assert (pair["tag"], pair["other"], pair["excess"]) == ("a", "b", decisions - 5)


def test_a_pair_decided_as_often_as_it_is_is_no_mistake():
    assert highlights.pairs(together(truth=5, decisions=5)) == []


def test_of_equal_candidates_the_chosen_one_comes_first():
    table = pd.DataFrame(
        {
            "candidate": ["gru", "mean", "greedy"],
            "roc_auc_macro": [0.8, 0.9, 0.9],
            "chosen": [False, False, True],
            "weight_gru": [1.0, 0.5, 1.0],
            "weight_lstm": [0.0, 0.5, 0.0],
        }
    )
    rows = highlights.candidates(table, "roc_auc_macro")
    assert [row["name"] for row in rows] == ["greedy", "mean", "gru"]
    assert rows[0]["weights"] == {"gru": 1.0}


def test_quarantined_tracks_are_counted_as_listed_only():
    tracks = pd.DataFrame(
        {
            "split": ["train", "test"],
            "group": ["x", "y"],
            "decoded_seconds": 1800.0,
            "licence": ["CC0", ""],
        },
        index=["t1", "t2"],
    )
    pairs = pd.DataFrame({"track_id": ["t1", "t2", "t3"], "tag": "cello"})
    left_out = pd.DataFrame({"track_id": ["t3"], "reason": ["is silent"]})
    data = highlights.dataset(tracks, pairs, left_out)
    assert [split["tracks"] for split in data["splits"]] == [1, 0, 1]
    assert data["listed"] == 3
    assert data["licences"] == ["CC0"]
