"""A card's sentences about limits are those that its own figures call for."""

import json
import re

import pandas as pd
import pytest

from tagsmith.core import card, leaks


def tables(*, artist="", licence="CC0", groups=4):
    splits = ["train", "train", "validation", "test", "test"]
    tracks = pd.DataFrame(
        {
            "split": splits,
            "artist": artist,
            "album": "",
            "recording": ["a", "b", "c", "a", "d"],
            "group": [f"g{number % groups}" for number in range(5)],
            "decoded_seconds": 36.0,
            "licence": licence,
        },
        index=pd.Index(list("vwxyz"), name="track_id"),
    )
    said = pd.DataFrame({"track_id": list("vwxyz"), "tag": list("ababa")})
    quarantine = pd.DataFrame({"track_id": ["q"], "reason": ["is silent"]})
    return {"tracks": tracks, "annotations": said, "quarantine": quarantine}


def data(kind="folder", **told):
    made = tables(**told)
    return card.data(kind, made, leaks.tree(leaks.found(made["tracks"])))


def row(tag="cello", **told):
    return {"tag": tag, "positives": 50, "roc_auc": 0.9, "threshold": 0.5, **told}


def limits(*tags, **told):
    known = {"data": data(**told), "tags": list(tags) or [row()]}
    return " ".join(card.ensemble_limits(known))


def test_what_is_said_of_the_data_is_counted():
    found = data(licence=["CC0", "CC0", "CC-BY", "", None])
    assert found["licences"] == {"CC0": 2, "unknown": 2, "CC-BY": 1}
    assert (found["tags"], found["listed"], found["quarantined"]) == (2, 6, 1)
    assert [each["tracks"] for each in found["splits"]] == [2, 1, 2]


def test_rendered_audio_is_said_of_the_default_data_set_only():
    assert "rendered from scores" in limits(kind="scores")
    assert "rendered" not in limits(kind="folder")


def test_a_leak_is_said_with_its_numbers_and_so_is_what_is_unknown():
    said = limits()
    assert "1 of 2 test tracks share their recording with a training track" in said
    assert "share their album or artist with a training track is unknown" in said
    assert "2 of 2 test tracks share their artist" in limits(artist="the trio")


def test_tracks_without_a_licence_are_counted():
    assert "5 tracks do not say their licence" in limits(licence="")
    assert "licence" not in limits(licence="CC0")


def test_groups_of_several_test_tracks_make_intervals_too_narrow():
    assert "2 test tracks are of 1 groups" in limits(groups=1)
    assert "groups" not in limits(groups=5)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"positives": 9}, "1 of 2 tags have fewer than 10 test tracks.*: flute."),
        ({"roc_auc": None}, "Not judged, as all test tracks have them or none: flute."),
        ({"threshold": None}, "Never decided for, as validation has no track: flute."),
    ],
)
def test_tags_of_which_little_is_known_are_named(told, said):
    assert re.search(said, limits(row(), row("flute", **told)))
    assert not re.search(said, limits(row(), row("flute")))


def test_what_is_not_finite_is_nothing_in_json():
    tree = card.plain({"a": [float("nan"), (float("inf"), 1)], "b": {1: "x"}})
    assert tree == {"a": [None, [None, 1]], "b": {"1": "x"}}
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree


def test_numbers_of_numpy_become_plain_ones():
    table = pd.DataFrame({"n": [1], "x": [0.5]})
    (found,) = card.plain(table.to_dict("records"))
    assert json.dumps(found) == '{"n": 1, "x": 0.5}'


def test_a_figure_without_interval_has_none():
    values = {"ROC-AUC-macro": 0.9, "recall-micro": 0.8}
    rows = card.figures(values, values, {"ROC-AUC-macro": {"low": 0.8, "high": 0.95}})
    assert [(each["low"], each["high"]) for each in rows] == [(0.8, 0.95), (None, None)]


def test_a_word_model_says_of_which_tags_it_was_measured():
    known = {"data": data(), "unseen_tags": {"instruments": {}, "dances": {}}}
    said = " ".join(card.word_limits(known))
    assert "measured for instruments, dances only" in said
    assert "no thresholds" in said
