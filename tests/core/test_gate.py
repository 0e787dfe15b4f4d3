"""The gate: what lets a challenger become champion."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import Promotion
from tagsmith.core import gate

TRACKS, TAGS = 200, 4
PROMOTION = Promotion(
    registered_model="tagsmith",
    metric="roc_auc_macro",
    floor=0.8,
    confidence=0.95,
    bootstrap_samples=200,
)


@pytest.fixture
def truth(rng):
    return rng.random((TRACKS, TAGS)) < 0.3


def noisy(truth, noise, seed=0):
    scores = truth + noise * np.random.default_rng(seed).standard_normal(truth.shape)
    return scores.astype(np.float32)


def challenge(truth, scores, champion):
    return gate.beats(
        champion, truth, scores, test_set="now", config=PROMOTION, seed=1883
    )


def champion(scores, test_set="now"):
    return gate.Champion(version="3", test_set_sha256=test_set, scores=scores)


def test_a_figure_below_the_floor_is_refused(truth):
    assert gate.reaches_floor(truth, noisy(truth, 0.1), PROMOTION).passed
    refused = gate.reaches_floor(truth, noisy(truth, 20), PROMOTION)
    assert not refused.passed
    assert "below the floor of 0.8" in refused.evidence


def test_without_a_champion_there_is_nobody_to_beat(truth):
    assert challenge(truth, noisy(truth, 1), None).passed


def test_a_clearly_better_challenger_wins(truth):
    check = challenge(truth, noisy(truth, 0.3), champion(noisy(truth, 1)))
    assert check.passed
    assert "against version 3" in check.evidence


def test_a_worse_challenger_loses(truth):
    assert not challenge(truth, noisy(truth, 1), champion(noisy(truth, 0.3))).passed


def test_a_tie_leaves_the_champion_where_it_is(truth):
    scores = noisy(truth, 0.5)
    assert not challenge(truth, scores, champion(scores)).passed


def test_luck_is_not_enough(truth):
    ours, theirs = noisy(truth, 0.7, seed=1), noisy(truth, 0.7, seed=2)
    checks = [
        challenge(truth, a, champion(b)) for a, b in ((ours, theirs), (theirs, ours))
    ]
    assert not any(check.passed for check in checks)


def test_a_champion_of_another_test_set_stays_and_the_way_out_is_named(truth):
    check = challenge(truth, noisy(truth, 0.1), champion(noisy(truth, 9), "before"))
    assert not check.passed
    assert "promotion.registered_model" in check.evidence


def table(truth):
    return pd.DataFrame(
        truth, index=[f"t{row}" for row in range(len(truth))], columns=list("abcd")
    )


@given(track=st.integers(0, TRACKS - 1), tag=st.integers(0, TAGS - 1))
def test_one_annotation_more_is_another_test_set(track, tag):
    truth = table(np.zeros((TRACKS, TAGS), bool))
    changed = truth.copy()
    changed.iloc[track, tag] = True
    audio = ["0"] * TRACKS
    assert gate.test_set_sha256(truth, audio) != gate.test_set_sha256(changed, audio)


def test_other_audio_is_another_test_set(truth):
    one, other = ["0"] * TRACKS, ["0"] * (TRACKS - 1) + ["1"]
    hashes = {gate.test_set_sha256(table(truth), audio) for audio in (one, other, one)}
    assert len(hashes) == 2


def against_control(*lows):
    figure = {"value": 0.7, "low": 0.6, "high": 0.8}
    families = {
        f"family {number}": {
            "glove": figure,
            "difference": {"value": 0.1, "low": low, "high": 0.2},
        }
        for number, low in enumerate(lows)
    }
    return gate.above_control(
        families, vectors="glove", control="chance", confidence=0.95
    )


@given(low=st.floats(-1, 0.1))
def test_unseen_tags_must_be_surely_above_the_control(low):
    check = against_control(low)
    assert check.passed is (low > 0)
    assert "0.7000 with the vectors glove, +0.1000 against chance" in check.evidence


def test_one_family_above_the_control_is_enough():
    assert against_control(-0.1, 0.1).passed
    assert not against_control(-0.1, -0.2).passed


def test_figures_that_nobody_could_compute_are_no_reason_to_promote():
    assert not against_control(np.nan).passed


def test_data_that_failed_validation_are_refused():
    checks = [
        gate.is_valid({"success": success, "quarantined": 3})
        for success in (True, False)
    ]
    assert [check.passed for check in checks] == [True, False]
    assert checks[1].evidence == "the data failed validation, 3 tracks in quarantine"


def test_the_reason_names_what_failed():
    passed = gate.Check("floor", passed=True, evidence="high enough")
    failed = gate.Check("data", passed=False, evidence="a tune in two splits")
    assert gate.reason([passed, failed]) == "a tune in two splits"
    assert gate.reason([passed]) == "high enough"
