"""Losses: the hinge against the loops of its sentence, what is unknown left out."""

import numpy as np
import pytest

from tagsmith.config import Hinge
from tagsmith.training.pairs import drawn, learnable

pytestmark = pytest.mark.keras

MARGIN = 0.4
every_reduction = pytest.mark.parametrize("reduction", ["sum", "mean"])


def section(*, negatives=1, mining="random", reduction="sum"):
    return Hinge(margin=MARGIN, negatives=negatives, mining=mining, reduction=reduction)


def loss(config, targets, cosines):
    from tagsmith.training.losses import hinge

    return float(hinge(config)(np.float32(targets), np.float32(cosines)))


def slow(config, targets, cosines):
    """Compute the loss clip by clip and tag by tag."""
    costs = []
    for target, cosine in zip(targets, cosines, strict=True):
        right = cosine[target == 1].item()
        wrong = cosine[target == -1]
        if config.mining == "semi_hard":
            wrong = semi_hard(wrong, right, config.negatives)
        costs += [max(0.0, config.margin - right + each) for each in wrong]
    return sum(costs) if config.reduction == "sum" else sum(costs) / len(costs)


def semi_hard(wrong, right, count):
    """Return the best of those below the right one; if none is, the least of all."""
    below = sorted(each for each in wrong if each < right)
    return below[-count:] or [min(wrong)]


@every_reduction
@pytest.mark.parametrize(
    ("negatives", "mining"),
    [
        (1, "random"),
        (3, "random"),
        ("all", "random"),
        (1, "semi_hard"),
        (3, "semi_hard"),
        (99, "semi_hard"),  # more than there are
    ],
)
def test_it_is_what_slow_loops_compute(rng, negatives, mining, reduction):
    config = section(negatives=negatives, mining=mining, reduction=reduction)
    for _ in range(10):
        truth = rng.random((40, 7)) < rng.uniform(0.2, 0.8)
        truth = truth[learnable(truth)]
        cosines = rng.uniform(-1, 1, truth.shape).astype(np.float32)
        targets = drawn(truth, config, rng)
        expected = slow(config, targets, cosines)
        assert loss(config, targets, cosines) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (section(negatives=2), 0.3 + 0.6),
        (section(negatives=2, reduction="mean"), (0.3 + 0.6) / 3),
        (section(negatives=1, mining="semi_hard"), 0.3 + 0.6),
        (section(negatives=1, mining="semi_hard", reduction="mean"), 0.9 / 2),
    ],
    ids=repr,
)
def test_two_clips_by_hand(config, expected):
    targets = [[1, -1, -1], [0, 1, -1]]  # the second has the first tag too
    cosines = [[0.5, 0.4, 0.0], [0.9, 0.1, 0.3]]
    assert loss(config, targets, cosines) == pytest.approx(expected, abs=1e-6)


def test_mining_falls_back_on_the_least_of_those_that_all_lie_above():
    config = section(negatives=2, mining="semi_hard")
    found = loss(config, [[1, -1, -1, 0]], [[-0.5, 0.9, -0.2, -0.9]])
    assert found == pytest.approx(MARGIN + 0.5 - 0.2)


def test_a_cosine_of_the_same_size_is_not_below():
    config = section(negatives=1, mining="semi_hard")
    found = loss(config, [[1, -1, -1]], [[0.5, 0.5, 0.2]])
    assert found == pytest.approx(MARGIN - 0.3)


@every_reduction
def test_it_is_zero_where_every_margin_is_kept(reduction):
    config = section(negatives="all", reduction=reduction)
    assert loss(config, [[1, -1, -1]], [[0.9, 0.4, -0.9]]) == 0


def test_the_right_tag_and_wrong_ones_within_the_margin_have_a_say_and_no_others():
    cosines, targets = np.array([[0.1, 0.3, -0.9, 0.8]]), [[1, -1, -1, 0]]
    now = loss(section(), targets, cosines)
    nudged = [loss(section(), targets, cosines + nudge) for nudge in 0.01 * np.eye(4)]
    slopes = (np.array(nudged) - now) / 0.01
    np.testing.assert_allclose(slopes, [-1, 1, 0, 0], atol=1e-3)


# --- cross-entropy of what is known

tag_weights = pytest.mark.parametrize("tag_weights", ["none", "balanced"])


def reference(targets, scores, weights):
    """Compute the mean of every track's mean over its known tags, in NumPy."""
    costs = []
    for target, score in zip(targets, scores.astype(np.float64), strict=True):
        positive = -weights * (target == 1) * np.log(score)
        cost = positive - (target == 0) * np.log(1 - score)
        costs.append(cost[target >= 0].mean())
    return np.mean(costs)


def masked(targets, scores, frequency, tag_weights="none"):
    """Return the loss of a batch as Keras averages it."""
    from tagsmith.training.losses import masked_crossentropy

    loss = masked_crossentropy(frequency, tag_weights)
    return float(np.mean(loss(np.float32(targets), np.float32(scores))))


@tag_weights
def test_it_is_the_mean_over_what_is_known_of_each_track(rng, tag_weights):
    targets = rng.integers(-1, 2, (50, 9))
    scores, frequency = rng.uniform(0.01, 0.99, (50, 9)), rng.uniform(0.1, 0.9, 9)
    balanced = (1 - frequency) / frequency if tag_weights == "balanced" else 1
    expected = reference(targets, scores, balanced)
    found = masked(targets, scores, frequency, tag_weights)
    assert found == pytest.approx(expected, rel=1e-5)


@tag_weights
def test_where_everything_is_known_it_is_the_loss_of_one_source(rng, tag_weights):
    import keras

    from tagsmith.training.losses import crossentropy

    truth = rng.random((40, 7)) < 0.4
    scores = rng.random(truth.shape).astype(np.float32)
    scores[:3, :2] = [[0, 1], [1, 0], [0, 0]]  # as sure as can be
    plain = crossentropy(truth, tag_weights)(np.float32(truth), scores)
    found = masked(truth, scores, truth.mean(axis=0), tag_weights)
    assert found == pytest.approx(float(keras.ops.mean(plain)), rel=1e-6)


def test_what_is_unknown_has_no_say(rng):
    targets = np.array([[1, -1, 0], [-1, -1, 0]])
    scores = rng.uniform(0.1, 0.9, (2, 3))
    now = masked(targets, scores, np.full(3, 0.5))
    scores[targets < 0] = 0.123
    assert masked(targets, scores, np.full(3, 0.5)) == now


def test_a_track_of_which_nothing_is_known_costs_nothing():
    assert masked([[-1, -1]], [[0.0, 1.0]], np.full(2, 0.5)) == 0
