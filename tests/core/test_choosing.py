"""Choosing among many is worth what it brings where it had no say."""

import numpy as np
import pytest

from tagsmith.core import choosing
from tagsmith.errors import DataError

TRACKS, TAGS = 120, 5


def problem(seed, noises):
    """Truth, systems as wrong as told, and groups of two tracks."""
    rng = np.random.default_rng(seed)
    truth = rng.random((TRACKS, TAGS)) < 0.3
    systems = [truth + noise * rng.normal(size=truth.shape) for noise in noises]
    return truth, systems, [f"g{track // 2}" for track in range(TRACKS)]


def worth(truth, systems, groups, seed=1):
    return choosing.worth(truth, systems, groups, samples=200, seed=seed)


def test_a_system_that_is_better_is_worth_choosing():
    found = worth(*problem(1, [1.0, 0.3, 0.9]))
    assert found.gain > 0.1
    assert found.better == 1 and 0 < found.low < found.gain < found.high


def test_the_luckiest_of_many_alike_is_worth_little():
    gains, promised = [], []
    for seed in range(8):
        truth, systems, groups = problem(seed, [0.8] * 30)
        whole = np.ones((TRACKS, 1))
        values = [choosing.statistic("PR-AUC-macro", truth, s)(whole) for s in systems]
        promised.append(max(values) - values[0])
        gains.append(worth(truth, systems, groups).gain)
    assert np.mean(gains) < 0.5 * np.mean(promised)


def test_where_the_present_one_is_best_nothing_is_gained():
    assert worth(*problem(2, [0.2, 1.0, 1.0])).gain == 0


def test_the_same_system_twice_gains_exactly_nothing():
    truth, systems, groups = problem(3, [0.6])
    found = worth(truth, systems * 3, groups)
    assert (found.gain, found.better, found.low, found.high) == (0, 0, 0, 0)


def test_a_group_is_drawn_or_left_out_as_a_whole():
    names = np.array([f"g{track // 3}" for track in range(30)])
    counts = np.concatenate([*choosing._drawn(names, 300, 1)], axis=1)
    assert counts.shape == (30, 300)
    assert (counts.reshape(10, 3, 300) == counts[::3, None]).all()
    assert (counts[::3].sum(axis=0) == 10).all()


def test_equal_seeds_draw_equal_groups():
    problem_ = problem(4, [0.8, 0.7, 0.6])
    assert worth(*problem_) == worth(*problem_) != worth(*problem_, seed=2)


def test_one_group_leaves_nothing_to_judge_by():
    truth, systems, _ = problem(5, [0.5, 0.4])
    with pytest.raises(DataError, match="too few groups to choose by"):
        worth(truth, systems, ["all"] * TRACKS)
