"""Training batches: deterministic by epoch, prepared ahead, augmented within bounds."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import Augmentation
from tagsmith.features.clips import crop, filled, padded, spread
from tagsmith.training.augmentation import augment
from tagsmith.training.batches import AHEAD, Ahead, Clips, Sequences
from tests.fakes.experiments import tiny_params

LOGMEL = tiny_params().features["logmel"]  # 62.5 frames a second
NOTHING = Augmentation(
    noise_db=0,
    tilt_db=0,
    equalizer_db=0,
    background_db=None,
    shifted_bands=0,
    masked_bands=0,
    masked_seconds=0,
)


@pytest.fixture
def clips(rng):
    tracks = [rng.normal(-40, 9, (length, 64)) for length in (20, 40, 90, 200, 33)]
    truth = rng.random((5, 3)) < 0.5
    training = tiny_params().models["crnn_gru"].training
    return Clips(tracks, truth, training, LOGMEL, seed=7)


@pytest.fixture
def sequences(rng):
    """Tracks of 1 to 5 steps; every value of a track is its number."""
    tracks = [
        np.full((steps, 6), number) for number, steps in enumerate([3, 1, 5, 2, 4])
    ]
    training = tiny_params().models["ds_1s_gru"].training
    return Sequences(tracks, rng.random((5, 3)) < 0.5, training, seed=7)


@pytest.fixture(params=["clips", "sequences"])
def split(request):
    return request.getfixturevalue(request.param)


def test_an_epoch_is_a_function_of_its_number(split):
    first, again = list(split.epoch(3)), list(split.epoch(3))
    for (x, y), (x_again, y_again) in zip(first, again, strict=True):
        np.testing.assert_array_equal(x, x_again)
        np.testing.assert_array_equal(y, y_again)
    others = zip(first, split.epoch(4), strict=True)
    assert any(not np.array_equal(a[0], b[0]) for a, b in others)


def test_every_track_is_heard_equally_often_and_no_batch_is_dropped(split):
    sizes = [len(batch) for batch, _ in split.epoch(0)]
    assert sizes == [4, 1]
    assert sum(sizes) == split.per_epoch


def test_a_sequence_keeps_its_tags_and_is_padded_to_the_longest(sequences):
    for heard, truth in sequences.epoch(2):
        numbers = heard[:, 0, 0].astype(int)
        lengths = (~np.isnan(heard[..., 0])).sum(axis=1)
        assert lengths.tolist() == [len(sequences.tracks[n]) for n in numbers]
        assert heard.shape[1] == lengths.max()
        np.testing.assert_array_equal(truth, sequences.truth[numbers])


def test_a_draw_has_one_clip_of_every_track_in_order(clips):
    drawn = list(clips.drawn(2))
    truth = np.concatenate([truth for _, truth in drawn])
    np.testing.assert_array_equal(truth, clips.truth)
    for (x, _), (again, _) in zip(drawn, clips.drawn(2), strict=True):
        np.testing.assert_array_equal(x, again)
    assert (drawn[0][0] != next(clips.drawn(3))[0]).any()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_padding_comes_behind_and_is_nan(lengths):
    tracks = [np.ones((length, 2)) for length in lengths]
    together = padded(tracks)
    assert together.shape == (len(lengths), max(lengths), 2)
    for row, length in zip(together, lengths, strict=True):
        assert (row[:length] == 1).all() and np.isnan(row[length:]).all()


def test_ahead_gives_the_same_batches(clips):
    for (x, _), (expected, _) in zip(
        Ahead(clips.epoch(0)), clips.epoch(0), strict=True
    ):
        np.testing.assert_array_equal(x, expected)


def test_what_preparing_raises_is_raised_where_batches_are_taken():
    def broken():
        yield np.zeros(1), np.zeros(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Ahead(broken()))


def test_only_a_few_batches_wait():
    made = []
    enough = threading.Event()

    def counted():
        for number in range(100):
            made.append(number)
            if len(made) > AHEAD:
                enough.set()
            yield np.zeros(1), np.zeros(1)

    batches = iter(Ahead(counted()))
    next(batches)
    enough.wait(5)
    assert len(made) <= AHEAD + 2
    batches.close()


@given(st.integers(1, 300), st.integers(1, 100), st.integers(1, 9))
def test_clips_cover_a_track_from_its_first_to_its_last_frame(length, frames, clips):
    track = np.arange(length, dtype=np.float32)[:, None]
    cut = spread(track, frames, clips)
    assert cut.shape[1:] == (frames, 1)
    if clips > 1 or length <= frames:
        assert cut[0, 0] == 0
        assert track[-1] in cut[-1]


@given(st.integers(1, 50), st.integers(1, 200))
def test_a_short_part_is_repeated(length, frames):
    part = np.arange(length, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(
        filled(part, frames)[:, 0], np.arange(frames) % length
    )


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_a_crop_shows_a_stretch_of_the_track(shown, seed):
    track = np.arange(40, dtype=np.float32)[:, None]
    clip = crop(track, 30, shown, np.random.default_rng(seed))[:, 0]
    stretch = clip[: min(shown, 30)]
    np.testing.assert_array_equal(np.diff(stretch), 1)
    assert clip.shape == (30,)


def test_augmentation_that_is_off_changes_nothing(rng):
    clip = rng.normal(-40, 9, (30, 64)).astype(np.float32)
    np.testing.assert_array_equal(augment(clip, NOTHING, feature=LOGMEL, rng=rng), clip)


def test_a_natural_scale_is_augmented_as_decibels_are(rng):
    """Whatever chance does in decibels, it does the same on the other scale."""
    natural = LOGMEL.model_copy(update={"scale": "natural"})
    clip = rng.normal(-40, 9, (30, 64)).astype(np.float32)
    config = tiny_params().models["crnn_gru"].training.augmentation
    expected, scaled = (
        augment(unit * clip, config, feature=feature, rng=np.random.default_rng(7))
        for unit, feature in ((1.0, LOGMEL), (np.log(10) / 5, natural))
    )
    np.testing.assert_allclose(scaled * 5 / np.log(10), expected, rtol=1e-4)


def test_colour_is_the_same_in_every_frame(rng):
    clip = np.zeros((30, 64), np.float32)
    config = NOTHING.model_copy(update={"tilt_db": 3.0, "equalizer_db": 2.0})
    coloured = augment(clip, config, feature=LOGMEL, rng=rng)
    np.testing.assert_array_equal(coloured, np.tile(coloured[0], (30, 1)))
    assert np.ptp(coloured) > 0


def test_shifting_moves_every_frame_alike_and_repeats_the_edge():
    clip = np.tile(np.arange(64, dtype=np.float32), (30, 1))
    config = NOTHING.model_copy(update={"shifted_bands": 3})
    seen = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shifted = augment(clip, config, feature=LOGMEL, rng=rng)
        seen.add(int(shifted[0, 32] - 32))
        assert (shifted == np.clip(shifted[0, 32] - 32 + clip, 0, 63)).all()
    assert seen == {-3, -2, -1, 0, 1, 2, 3}


def test_background_only_adds(rng):
    clip = rng.normal(-60, 20, (30, 64)).astype(np.float32)
    config = NOTHING.model_copy(update={"background_db": (-30.0, -30.0)})
    noisy = augment(clip, config, feature=LOGMEL, rng=rng)
    assert (noisy >= clip).all()
    assert noisy.min() > clip.max() - 60


def test_masks_cover_no_more_than_allowed(rng):
    clip = np.indices((50, 64)).sum(axis=0).astype(np.float32)
    config = NOTHING.model_copy(update={"masked_bands": 5, "masked_seconds": 0.16})
    for _ in range(20):
        masked = augment(clip, config, feature=LOGMEL, rng=rng) != clip
        assert (masked.all(axis=0)).sum() <= 5
        assert (masked.all(axis=1)).sum() <= 10
