"""Plots by table are the plots that DeepSpectrum drew."""

from pathlib import Path

import librosa
import matplotlib as mpl
import numpy as np
import pytest
from pydantic import TypeAdapter

from tagsmith.config import DeepSpectrum
from tagsmith.errors import DataError
from tagsmith.features.deep_spectrum import (
    frame_samples,
    image,
    resized,
    spectrum,
    windows,
)

GOLDEN = Path(__file__).parents[1] / "golden/deepspectrum061_mel_magma_5s.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


def feature(**changes):
    return TypeAdapter(DeepSpectrum).validate_python(
        {
            "kind": "deep_spectrum",
            "audio": "raw",
            "seconds": 29.0,
            "window_seconds": 5.0,
            "hop_seconds": 5.0,
            "mode": "mel",
            "mel_bands": 128,
            "colour_map": "magma",
            "network": {"kind": "efficientnet_lite0", "pixels": 64},
            "batch_images": 8,
            "shard_tracks": 4,
            **changes,
        }
    )


def noise(seconds, sample_rate_hz=16000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, round(seconds * sample_rate_hz)).astype(np.float32)


def test_the_mel_spectrogram_is_deep_spectrums(golden):
    found = spectrum(golden["audio"], int(golden["sr"]))
    np.testing.assert_allclose(found, golden["mel_db"], atol=1e-3)


def test_the_picture_is_deep_spectrums(golden):
    drawn = image(golden["audio"], int(golden["sr"]))
    assert drawn.shape == (227, 227, 3) and drawn.dtype == np.uint8
    apart = np.abs(drawn.astype(int) - golden["image227"]).max(axis=-1)
    assert (apart <= 3).mean() >= 0.995


def test_pillow_6_scaled_it_the_same_way(golden):
    np.testing.assert_array_equal(
        resized(golden["image227"], 224), golden["image224_nearest"]
    )


@pytest.mark.parametrize("name", ["magma", "viridis", "gray", "jet", "hot"])
def test_colours_are_matplotlibs(name):
    ramp = mpl.colormaps[name](np.arange(256))[:, :3]
    drawn = {tuple(pixel) for pixel in image(noise(2), 16000, colour_map=name)[0]}
    assert drawn <= {tuple(colour) for colour in (ramp * 255).astype(np.uint8)}


def test_a_spectrogram_is_librosas():
    x = noise(1)
    power = np.abs(librosa.stft(x, n_fft=512, hop_length=256, center=False)) ** 2
    expected = librosa.power_to_db(power, ref=np.max, top_db=None)
    np.testing.assert_allclose(
        spectrum(x, 16000, mode="spectrogram"), expected, atol=1e-2
    )


def test_a_chromagram_has_a_tone_in_its_row():
    seconds = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 440 * seconds).astype(np.float32)
    chroma = spectrum(tone, 16000, mode="chroma")
    assert chroma.shape[0] == 12
    assert (chroma.argmax(axis=0) == 9).all()  # A


def test_high_sounds_are_drawn_at_the_top():
    seconds = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 15000 * seconds).astype(np.float32)
    rows = image(tone, 44100, colour_map="gray")[:, 100, 0].astype(int)
    assert rows[:60].max() == 255 > rows[120:].max()


def test_silence_has_a_picture():
    assert image(np.zeros(16000, np.float32), 16000).std(axis=(0, 1)).max() == 0


@pytest.mark.parametrize(
    ("sample_rate_hz", "samples"),
    [(8000, 256), (16000, 512), (22050, 1024), (44100, 2048), (48000, 2048)],
)
def test_a_frame_is_the_next_power_of_two_of_25_ms(sample_rate_hz, samples):
    assert frame_samples(sample_rate_hz) == samples


def test_29_seconds_are_five_whole_windows():
    cut = windows(noise(40), 16000, feature())
    assert [len(window) for window in cut] == [80000] * 5


def test_a_track_shorter_than_a_window_is_one():
    (window,) = windows(noise(2), 16000, feature())
    assert len(window) == 32000


def test_what_is_shorter_than_a_frame_cannot_be_plotted():
    with pytest.raises(DataError, match="too short to plot"):
        windows(noise(0.01), 16000, feature())
    with pytest.raises(DataError, match="shorter than one frame of 512"):
        image(noise(0.01), 16000)
