"""Intervals hold the figure, differences are paired, and both are quick."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.core import bootstrap, metrics
from tagsmith.errors import DataError

ROC = "ROC-AUC-macro"


@dataclass(frozen=True)
class Resampling:
    bootstrap_samples: int = 300
    confidence: float = 0.95


@pytest.fixture
def judged(rng):
    """Truth of 200 tracks, and scores that know something about it."""
    truth = rng.random((200, 5)) < 0.3
    return truth, truth + rng.normal(size=truth.shape)


@pytest.mark.parametrize("metric", metrics.NAMES)
def test_every_official_figure_has_the_value_that_metrics_gives(judged, metric):
    truth, scores = judged
    decisions = scores > 0.5
    predicted = scores if "AUC" in metric else decisions
    found = bootstrap.interval(
        truth, predicted, metric=metric, config=Resampling(), seed=1
    )
    expected = metrics.evaluate(truth, scores, decisions)[metric]
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    "metric", [name for name in metrics.NAMES if not name.startswith("PR-AUC")]
)
@given(seed=st.integers(0, 99))
def test_weighted_figures_are_those_of_repeated_tracks(metric, seed):
    rng = np.random.default_rng(seed)
    truth, scores = rng.random((20, 3)) < 0.4, rng.integers(0, 6, (20, 3)) / 5
    times = rng.integers(0, 4, 20)
    predicted = scores if "AUC" in metric else scores > 0.5
    value = bootstrap.statistic(metric, truth, predicted)(times[:, None].astype(float))
    repeated = [
        np.repeat(each, times, axis=0) for each in (truth, scores, scores > 0.5)
    ]
    assert value[0] == pytest.approx(metrics.evaluate(*repeated)[metric])


@pytest.mark.parametrize("metric", ["PR-AUC-macro", "PR-AUC-micro"])
def test_a_weak_ranking_of_rare_tags_lies_within_its_interval(rng, metric):
    truth = rng.random((1500, 300)) < 0.01
    scores = rng.normal(size=truth.shape) + 0.3 * truth
    found = bootstrap.interval(
        truth, scores, metric=metric, config=Resampling(), seed=1
    )
    assert found.low < found.value < found.high
    below, above = found.value - found.low, found.high - found.value
    assert below < 4 * above and above < 4 * below


def test_the_same_seed_gives_the_same_interval(judged):
    def interval(seed):
        return bootstrap.interval(*judged, metric=ROC, config=Resampling(), seed=seed)

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)


def test_more_confidence_makes_a_wider_interval(judged):
    def width(confidence):
        config = Resampling(confidence=confidence)
        found = bootstrap.interval(*judged, metric=ROC, config=config, seed=1)
        return found.high - found.low

    assert width(0.5) < width(0.9) < width(0.99)


def test_a_system_does_not_differ_from_itself(judged):
    truth, scores = judged
    found = bootstrap.difference(
        truth, scores, theirs=scores, metric=ROC, config=Resampling(), seed=1
    )
    assert found == bootstrap.Interval(0.0, 0.0, 0.0, 0.0)


def test_a_clearly_better_system_is_found_to_be(judged, rng):
    truth, scores = judged
    worse = scores + rng.normal(size=scores.shape)
    found = bootstrap.difference(
        truth, scores, theirs=worse, metric=ROC, config=Resampling(), seed=1
    )
    assert found.low > 0
    assert found.above_zero > 0.99


def test_pairing_makes_a_difference_surer_than_its_sides(judged, rng):
    truth, scores = judged
    nearly = scores + 0.1 * rng.normal(size=scores.shape)
    alone = bootstrap.interval(truth, scores, metric=ROC, config=Resampling(), seed=1)
    found = bootstrap.difference(
        truth, scores, theirs=nearly, metric=ROC, config=Resampling(), seed=1
    )
    assert found.high - found.low < (alone.high - alone.low) / 3


@pytest.mark.parametrize("metric", ["ROC-AUC-macro", "PR-AUC-macro"])
def test_intervals_hold_the_true_value_as_often_as_they_say(metric):
    rng = np.random.default_rng(7)
    population = rng.random((100_000, 2)) < 0.3
    scores = population + rng.normal(size=population.shape)
    true = metrics.areas(population, scores)[metric]
    config, held = Resampling(200, 0.9), 0
    for seed in range(150):
        drawn = rng.integers(len(scores), size=150)
        found = bootstrap.interval(
            population[drawn], scores[drawn], metric=metric, config=config, seed=seed
        )
        held += found.low <= true <= found.high
    assert held / 150 == pytest.approx(0.9, abs=0.07)


def test_a_tag_that_resamples_lose_is_left_out_of_them(judged):
    truth, scores = judged
    truth[:, 0] = np.arange(200) == 7  # one positive: absent from a third of them
    found = bootstrap.interval(truth, scores, metric=ROC, config=Resampling(), seed=1)
    assert np.isfinite([found.low, found.high]).all()


def test_a_thousand_resamples_of_mediaevals_size_take_seconds(rng):
    truth = rng.random((5000, 56)) < 0.03
    scores = truth + rng.normal(size=truth.shape)
    started = time.process_time()
    bootstrap.interval(truth, scores, metric=ROC, config=Resampling(1000), seed=1)
    assert time.process_time() - started < 10


def test_an_unknown_metric_is_refused_with_those_there_are(judged):
    with pytest.raises(DataError, match="no metric 'roc'; there are PR-AUC-macro"):
        bootstrap.statistic("roc", *judged)


def test_truth_that_says_nothing_is_refused():
    with pytest.raises(DataError, match="needs a tag with positives and negatives"):
        bootstrap.statistic(ROC, np.zeros((4, 2)), np.zeros((4, 2)))


def test_shapes_that_differ_are_refused(judged):
    truth, scores = judged
    with pytest.raises(DataError, match=r"scores are \(199, 5\), truth is \(200, 5\)"):
        bootstrap.difference(
            truth, scores, theirs=scores[1:], metric=ROC, config=Resampling(), seed=1
        )
