"""Pairs: a tag that a clip's track has, others that it has not, on the usual clips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagsmith.config import Hinge
from tagsmith.errors import DataError
from tagsmith.training.batches import Clips
from tagsmith.training.pairs import Pairs, drawn, learnable
from tests.fakes.experiments import tiny_params

PARAMS = tiny_params()
truths = hnp.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(2, 9)))
truths = truths.map(lambda truth: truth[learnable(truth)])
seeds = st.integers(0, 999)


def hinge(negatives=1, mining="random"):
    return Hinge(margin=0.4, negatives=negatives, mining=mining, reduction="sum")


@pytest.fixture
def clips(rng):
    """Eleven tracks, with one to three of four tags."""
    tracks = [rng.normal(0.3, 0.2, (140, 128)) for _ in range(11)]
    truth = rng.permuted(np.tril(np.ones((3, 4)))[rng.integers(3, size=11)], axis=1)
    training = PARAMS.models["siamese"].training
    feature = PARAMS.features["logmel_22050"]
    return Clips(tracks, truth > 0, training, feature, seed=7)


# --- what is drawn


@given(truths, st.integers(1, 12), seeds)
def test_one_tag_is_right_and_as_many_wrong_as_asked_for_or_as_there_are(
    truth, negatives, seed
):
    targets = drawn(truth, hinge(negatives), np.random.default_rng(seed))
    lacking = (~truth).sum(axis=1)
    np.testing.assert_array_equal((targets == 1).sum(axis=1), 1)
    np.testing.assert_array_equal(
        (targets == -1).sum(axis=1), np.minimum(negatives, lacking)
    )


@given(truths, st.integers(1, 12), seeds)
def test_a_track_has_the_right_tag_and_none_of_the_wrong_ones(truth, negatives, seed):
    targets = drawn(truth, hinge(negatives), np.random.default_rng(seed))
    assert truth[targets == 1].all()
    assert not truth[targets == -1].any()
    assert set(np.unique(targets)) <= {-1, 0, 1}


@pytest.mark.parametrize("loss", [hinge("all"), hinge(2, "semi_hard")], ids=repr)
@given(truth=truths, seed=seeds)
def test_all_wrong_tags_are_there_if_wanted_or_if_the_network_chooses(
    loss, truth, seed
):
    targets = drawn(truth, loss, np.random.default_rng(seed))
    np.testing.assert_array_equal(targets == -1, ~truth)


@pytest.mark.parametrize("negatives", [1, 2])
def test_every_tag_is_drawn_alike(rng, negatives):
    truth = np.tile([True, True, True, False, False, False, False], (6000, 1))
    targets = drawn(truth, hinge(negatives), rng)
    right, wrong = (targets == 1).mean(axis=0), (targets == -1).mean(axis=0)
    np.testing.assert_allclose(right[:3], 1 / 3, atol=0.03)
    np.testing.assert_allclose(wrong[3:], negatives / 4, atol=0.03)


def test_which_tag_is_right_says_nothing_of_the_wrong_one(rng):
    targets = drawn(np.tile([True, True, False, False], (6000, 1)), hinge(), rng)
    together = [(targets[:, 0] == 1) & (targets[:, tag] == -1) for tag in (2, 3)]
    np.testing.assert_allclose(np.mean(together, axis=1), 1 / 4, atol=0.03)


@given(hnp.arrays(np.bool_, (20, 3)))
def test_tracks_with_some_tags_but_not_all_can_be_learnt_from(truth):
    counts = truth.sum(axis=1)
    np.testing.assert_array_equal(learnable(truth), (counts > 0) & (counts < 3))


# --- epochs of them


@pytest.mark.parametrize("loss", [hinge(), hinge("all")], ids=repr)
def test_clips_are_the_usual_ones_whatever_is_drawn(clips, loss):
    for (heard, targets), (expected, truth) in zip(
        Pairs(clips, loss).epoch(3), clips.epoch(3), strict=True
    ):
        np.testing.assert_array_equal(heard, expected)
        assert (truth[targets == 1] == 1).all() and (truth[targets == -1] == 0).all()


def test_an_epoch_is_a_function_of_its_number(clips):
    clips.truth[:] = [True, True, False, False]  # so that only chance differs
    pairs = Pairs(clips, hinge())
    first, again, other = (
        np.concatenate([targets for _, targets in pairs.epoch(number)])
        for number in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (pairs.per_epoch, pairs.training) == (11, clips.training)


@pytest.mark.parametrize("value", [False, True], ids=["none", "all"])
def test_a_track_without_a_pair_is_refused(clips, value):
    clips.truth[4] = value
    with pytest.raises(DataError, match=r"1 of 11 tracks .* the first in row 4; leave"):
        Pairs(clips, hinge())


def test_nothing_to_learn_from_is_refused(clips):
    nothing = Clips([], clips.truth[:0], clips.training, clips.feature, seed=7)
    with pytest.raises(DataError, match="no track has some of the 4 tags and not all"):
        Pairs(nothing, hinge())
