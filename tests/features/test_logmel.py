"""The log-mel front end against kapre 0.1.4 and against physics."""

import numpy as np
import pytest
from scipy.signal import get_window

from tagsmith.config import LogMel, Params
from tagsmith.features import audio
from tagsmith.features.logmel import _window, logmel
from tests.conftest import ROOT

FEATURE = LogMel(
    kind="logmel",
    audio="wavs",
    sample_rate_hz=16000,
    window_samples=512,
    hop_samples=256,
    mel_bands=64,
    low_hz=125,
    high_hz=7500,
    frames="same",
    scale="decibels",
    shard_tracks=8,
)


PUBLISHED = Params.load(ROOT / "profiles" / "magnatagatune.yaml")
MULTISCALE = PUBLISHED.features["logmel_11025"]
SIAMESE = FEATURE.model_copy(
    update={
        "sample_rate_hz": 22050,
        "window_samples": 1024,
        "hop_samples": 512,
        "mel_bands": 128,
        "low_hz": 0,
        "high_hz": 11025,
        "frames": "centered",
        "scale": "compressed",
    }
)


@pytest.mark.keras
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
    from tagsmith.models.layers import RelativeDecibels

    golden = np.load(ROOT / "tests" / "golden" / "kapre014_mel.npz")
    expected = golden["mel_db"][clip, ..., 0]
    heard = expected > quietest_db
    decibels = logmel(golden["x"][clip], FEATURE)
    actual = np.array(RelativeDecibels()(decibels[np.newaxis]))[0].T
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
    np.testing.assert_allclose(logmel(np.zeros(16000), FEATURE), -100)
    natural = logmel(np.zeros(16000), MULTISCALE)
    np.testing.assert_allclose(natural, np.log(1e-20), rtol=1e-6)
    assert not logmel(np.zeros(22050), SIAMESE).any()


@pytest.mark.keras
def test_a_clip_relative_to_its_maximum_lies_above_the_floor(rng):
    from tagsmith.models.layers import FLOOR_DB, RelativeDecibels

    fading = rng.normal(size=16000) * np.geomspace(1, 1e-9, 16000)
    clips = np.stack([logmel(fading, FEATURE), logmel(np.zeros(16000), FEATURE)])
    heard = np.array(RelativeDecibels()(clips))
    assert heard[0].max() == 0 and heard[0].min() == FLOOR_DB
    np.testing.assert_array_equal(heard[1], 0)


def test_a_clip_of_magnatagatune_equals_librosas_but_for_its_edges(fixtures):
    """Frames 0, 1 and 627 depend on what librosa put beyond the ends."""
    expected = np.load(fixtures / "golden" / "mtat_37386_logmel_11025.npy")
    clip = audio.read(fixtures / "audio" / "mtat_37386.mp3", 11025)
    actual = logmel(clip, MULTISCALE).T
    assert actual.shape == expected.shape == (128, 628)
    np.testing.assert_allclose(actual[:, 2:627], expected[:, 2:627], atol=1e-3)


def test_a_clip_of_magnatagatune_is_compressed_as_by_librosa(fixtures):
    expected = np.load(fixtures / "golden" / "mtat_37386_zsl_mel_22050.npy")
    clip = audio.read(fixtures / "audio" / "mtat_37386.mp3", 22050)
    assert expected.shape == (1255, 128)
    np.testing.assert_allclose(logmel(clip, SIAMESE), expected, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 11025])
def test_centred_frames_are_one_more_than_the_hops(samples):
    assert len(logmel(np.ones(samples), MULTISCALE)) == 1 + samples // 512


def test_centred_frames_equal_librosas(rng):
    import librosa

    noise = rng.normal(0, 0.1, 20000).astype(np.float32)
    power = librosa.feature.melspectrogram(y=noise, sr=11025, pad_mode="constant")
    np.testing.assert_allclose(logmel(noise, MULTISCALE).T, np.log(power), atol=1e-3)


def test_the_compressed_scale_is_of_librosas_magnitudes(rng):
    import librosa

    noise = rng.normal(0, 0.1, 20000).astype(np.float32)
    magnitude = librosa.feature.melspectrogram(
        y=noise, sr=22050, n_fft=1024, hop_length=512, power=1, pad_mode="constant"
    )
    expected = np.log10(1 + 10 * magnitude.T)
    np.testing.assert_allclose(logmel(noise, SIAMESE), expected, atol=1e-5)


def test_a_decibel_on_the_natural_scale_is_one_of_amplitude(rng):
    noise = rng.normal(size=11025)
    raised = logmel(noise * 10 ** (1 / 10), MULTISCALE) - logmel(noise, MULTISCALE)
    np.testing.assert_allclose(raised, MULTISCALE.decibel, atol=1e-4)
