"""Clips one after another: how many there are, and what becomes of the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.features.clips import consecutive
from tagsmith.features.logmel import logmel
from tests.fakes.experiments import tiny_params

lengths = st.integers(1, 300)


def numbered(length):
    """Return a track whose frames say which they are."""
    return np.arange(length, dtype=np.float32)[:, None]


@given(lengths, st.integers(1, 100))
def test_clips_follow_one_another_and_the_remainder_is_dropped(length, frames):
    clips = consecutive(numbered(length), frames)
    if length >= frames:
        heard = length // frames * frames
        assert clips.shape == (length // frames, frames, 1)
        np.testing.assert_array_equal(clips.ravel(), np.arange(heard))


@given(lengths, st.integers(1, 100))
def test_a_track_shorter_than_a_clip_is_repeated_to_one(length, more):
    clips = consecutive(numbered(length), length + more)
    np.testing.assert_array_equal(clips[0, :, 0], np.arange(length + more) % length)
    assert len(clips) == 1


@pytest.mark.parametrize(("seconds", "frames"), [(30, 1292), (29, 1249)])
def test_half_a_minute_at_the_siamese_front_end_is_nine_clips(seconds, frames):
    feature = tiny_params().features["logmel_22050"]
    track = logmel(np.zeros(seconds * feature.sample_rate_hz), feature)
    assert len(track) == frames
    assert consecutive(track, 130).shape == (9, 130, 128)
