"""The log-mel front end against kapre 0.1.4 and against physics."""

import numpy as np
import pytest
from scipy.signal import get_window

from tagsmith.config import LogMel
from tagsmith.features.logmel import FLOOR_DB, _window, logmel, relative
from tests.conftest import ROOT

FEATURE = LogMel(
    kind="logmel",
    sample_rate_hz=16000,
    window_samples=512,
    hop_samples=256,
    mel_bands=64,
    low_hz=125,
    high_hz=7500,
    shard_tracks=8,
)


@pytest.mark.parametrize(
    ("clip", "quietest_db"),
    [
        (0, -60),
        # A pure tone after silence: the layer's own float32 convolution is off by up to
        # 0.04 dB between -60 and -55 dB, as the same sums in float64 show.
        (1, -55),
    ],
)
def test_it_equals_the_layer_of_kapre_014_where_there_is_signal(clip, quietest_db):
    golden = np.load(ROOT / "tests" / "golden" / "kapre014_mel.npz")
    expected = golden["mel_db"][clip, ..., 0]
    heard = expected > quietest_db
    actual = relative(logmel(golden["x"][clip], FEATURE)).T
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual[heard], expected[heard], atol=1e-2)


def test_the_window_is_scipys_periodic_hann():
    np.testing.assert_allclose(_window(512), get_window("hann", 512), atol=1e-7)


def test_a_higher_tone_lights_a_higher_band():
    time = np.arange(16000) / 16000
    bands = [
        logmel(np.sin(2 * np.pi * hz * time), FEATURE).mean(0).argmax()
        for hz in (200, 400, 800, 1600, 3200, 6400)
    ]
    assert bands == sorted(set(bands))


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 16000])
def test_every_started_hop_is_a_frame(samples):
    assert len(logmel(np.ones(samples), FEATURE)) == -(-samples // 256)


def test_halving_the_amplitude_lowers_the_level_by_three_decibels(rng):
    noise = rng.normal(size=16000)
    difference = logmel(noise, FEATURE) - logmel(noise / 2, FEATURE)
    np.testing.assert_allclose(difference, 10 * np.log10(2), atol=1e-3)


def test_silence_is_flat_and_finite():
    silence = logmel(np.zeros(16000), FEATURE)
    np.testing.assert_allclose(silence, -100)
    np.testing.assert_array_equal(relative(silence), 0)


def test_nothing_lies_below_the_floor(rng):
    clip = relative(
        logmel(rng.normal(size=16000) * np.geomspace(1, 1e-9, 16000), FEATURE)
    )
    assert clip.max() == 0
    assert clip.min() == FLOOR_DB
