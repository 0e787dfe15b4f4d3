"""Drift: what is alike is stable, what was bent is named, few are not judged."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tagsmith.config import LeastDifference
from tagsmith.core import changes, drift, reference
from tagsmith.core.histograms import histogram
from tagsmith.errors import DataError
from tests.fakes import heard
from tests.fakes.experiments import TAGS, tiny_params

CONFIG = tiny_params().drift


rng_of = np.random.default_rng


def compared(new, *, seed=0, count=120, config=CONFIG):
    old = reference.summary(heard.tracks(rng_of(seed), count), split="test")
    return drift.compare(old, new, config)


def names(comparison):
    return {each.name for each in comparison.shifted}


def test_false_alarms_are_as_rare_as_stated_even_without_limits_of_size():
    nothing = dict.fromkeys(CONFIG.least_difference.model_dump(), 0.0)
    config = CONFIG.model_copy(
        update={
            "least_distance": 0.0,
            "least_share": 0.0,
            "least_difference": LeastDifference(**nothing),
        }
    )
    found = [
        compared(heard.tracks(rng_of(seed), 60), seed=1000 + seed, config=config)
        for seed in range(60)
    ]
    verdicts = [each.verdict for each in found]
    assert set(verdicts) <= {"stable", "shifted"}
    assert verdicts.count("shifted") <= 3  # 0.6 are expected


@pytest.mark.parametrize(
    ("bent", "name"),
    [
        ({"louder_db": 6}, "level_db"),
        ({"louder_db": -6}, "level_db"),
        ({"brighter": 0.5}, "centroid_hz"),
        ({"longer_seconds": 5}, "seconds"),
        ({"stereo": 1.0}, "channels"),
    ],
)
def test_what_was_bent_is_named_and_nothing_else(rng, bent, name):
    assert names(compared(heard.tracks(rng, 100, **bent))) == {name}


def test_a_surer_model_shifts_scores_decisions_and_their_number(rng):
    found = compared(heard.tracks(rng, 100, surer=2))
    assert {each.quantity for each in found.shifted} == {"number", "decided", "score"}
    assert names(found) == {*TAGS, "tags", "surest"}


def test_with_many_tracks_a_small_change_is_significant_but_no_shift(rng):
    found = compared(heard.tracks(rng, 20_000, louder_db=0.9), count=20_000)
    level = next(each for each in found.changes if each.name == "level_db")
    assert level.q < 1e-5
    assert not level.shifted
    assert found.verdict == "stable"


def test_an_encoder_that_pads_by_milliseconds_is_no_shift(rng):
    found = compared(heard.tracks(rng, 100, longer_seconds=0.06))
    duration = next(each for each in found.changes if each.name == "seconds")
    assert duration.distance == 1.0
    assert not duration.shifted


@pytest.mark.parametrize(("new", "old"), [(29, 120), (120, 29)])
def test_too_few_tracks_are_not_judged(rng, new, old):
    found = compared(heard.tracks(rng, new, louder_db=20), count=old)
    assert found.verdict == "unknown"
    assert not found.shifted
    assert all(np.isnan(each.p) for each in found.changes)


def test_other_tags_cannot_be_compared(rng):
    new = heard.tracks(rng, 40)
    renamed = dataclasses.replace(
        new, scores=new.scores.rename(columns={"slow": "fast"})
    )
    with pytest.raises(DataError, match="both must come from one model"):
        compared(renamed)


def test_without_audio_only_what_was_said_is_compared(rng):
    new = heard.tracks(rng, 100, louder_db=20)
    silent = dataclasses.replace(new, sounds=new.sounds[[]])
    found = compared(silent)
    assert found.verdict == "stable"
    assert [each.name for each in found.of("number", "kind")] == ["tags", "surest"]


def test_the_most_unlike_track_comes_first_and_says_why(rng):
    new = heard.tracks(rng, 40)
    new.sounds.loc["n00007", "level_db"] = -90.0
    old = reference.summary(heard.tracks(rng, 120), split="test")
    first = drift.unlike(old, new, CONFIG).iloc[0]
    assert (first.name, first["name"], first["value"]) == ("n00007", "level_db", -90.0)
    assert first["unlikeness"] > 10


def test_equal_tracks_make_equal_references_of_plain_values(rng):
    tracks = heard.tracks(rng, 50)
    tree = reference.summary(tracks, split="test")
    assert (
        json.loads(json.dumps(tree)) == tree == reference.summary(tracks, split="test")
    )
    assert tree["kinds"]["format"] == {"MP3": 50}


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_quantiles_of_many_tracks_lose_next_to_nothing_of_a_distance(seed):
    rng = np.random.default_rng(seed)
    old, new = rng.normal(0, 1, 7000), rng.normal(rng.uniform(0, 1), 1, 300)
    kept = changes.number("number", "level_db", reference.kept(old), new)
    assert len(reference.kept(old)) == reference.MOST
    assert kept.distance == pytest.approx(stats.ks_2samp(old, new).statistic, abs=2e-3)


# Newcombe 1998, table II, method 10: 56/70 and 48/80, 9/10 and 3/10, 10/10 and 0/10.
@pytest.mark.parametrize(
    ("tracks", "sizes", "ends"),
    [
        ((48, 56), (80, 70), (0.0524, 0.3339)),
        ((3, 9), (10, 10), (0.1705, 0.8090)),
        ((0, 10), (10, 10), (0.6075, 1.0000)),
    ],
)
def test_intervals_of_differences_are_newcombes(tracks, sizes, ends):
    assert changes.newcombe(tracks, sizes, 0.95) == pytest.approx(ends, abs=1e-4)


def test_every_track_is_in_both_histograms_outliers_too():
    found = histogram([0.0] * 99 + [1e6], [1.0, 2.0, float("nan")], least_width=1.0)
    assert sum(found.before) == pytest.approx(1)
    assert sum(found.now) == pytest.approx(1)
    assert found.edges[-1] - found.edges[0] >= 1
