"""Mel band statistics from audio against Essentia, numpy and physics.

`golden/essentia_melbands.npz` was made with the wheel essentia 2.1b6.dev1389 ("music
2.0"), outside this repository, of which Essentia (AGPL) is never a part. Three int16
waveforms at 44.1 kHz were synthesised with numpy: `music` (a glide, a pulsing tone and
decaying noise), `gap` (tones around 0.4 s of digital silence) and `short` (700 samples
of a sine). Each was written as a WAV file and given to `MusicExtractor(lowlevelStats=
[the nine names])`: `_statistics` are its `lowlevel.melbands`, stacked; `music_bands`
are those of each frame; it had applied `_replay_gain_db`, to -6 dB. `frame_bands` is
one frame of `music` through `Windowing(type="blackmanharris62")`, `Spectrum` and
`MelBands(numberBands=40, highFrequencyBound=11000, inputSize=1025)`.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal.windows import general_cosine

from tagsmith.errors import DataError
from tagsmith.features import melband_statistics, melbands
from tagsmith.features.melband_statistics import band_powers, from_audio, summary
from tests.conftest import ROOT

RATE_HZ = 44100
NAMES = ["min", "mean", "median", "max", "var", "dmean", "dvar", "dmean2", "dvar2"]
MINIMUM = NAMES.index("min")
# A tone at the very edge of a band: Essentia's weights are rounded to 1e-6 of the peak.
EDGE = 5e-4
SQUARED = np.array(["var" in name for name in NAMES])


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(ROOT / "tests" / "golden" / "essentia_melbands.npz"))


def essentias(golden, clip):
    """Return a clip's waveform and Essentia's statistics without its replay gain."""
    waveform = golden[f"{clip}_waveform"].astype(np.float32) / 32768
    power_gain = 10 ** ((golden[f"{clip}_replay_gain_db"] + 6) / 10)
    return waveform, golden[f"{clip}_statistics"] / power_gain ** (1 + SQUARED)


def noise(seconds=1.0, seed=0):
    samples = round(seconds * RATE_HZ)
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def test_the_order_is_that_of_documents(golden):
    assert list(golden["statistic_names"]) == list(melbands.STATISTICS) == NAMES


@pytest.mark.parametrize("statistic", NAMES)
def test_each_statistic_equals_essentias(golden, statistic):
    waveform, expected = essentias(golden, "music")
    actual = from_audio(waveform, RATE_HZ)
    assert actual.shape == (40, 9) and actual.dtype == np.float32
    column = NAMES.index(statistic)
    rounding = 1e-4 if SQUARED[column] else 3e-5  # of Essentia's float32 spectra
    np.testing.assert_allclose(actual[:, column], expected[:, column], rtol=rounding)


def test_each_frame_equals_essentias(golden):
    waveform, _ = essentias(golden, "music")
    power_gain = 10 ** ((golden["music_replay_gain_db"] + 6) / 10)
    expected = golden["music_bands"] / power_gain
    assert expected.shape == (84, 40)
    np.testing.assert_allclose(band_powers(waveform), expected, rtol=EDGE)


def test_a_single_frame_equals_that_of_essentias_melbands(golden):
    waveform, _ = essentias(golden, "music")
    # Frames are centred on multiples of the hop: this one begins half a window before.
    frame = golden["frame_start"] // 1024 + 1
    actual = band_powers(waveform)[frame]
    np.testing.assert_allclose(actual, golden["frame_bands"], rtol=EDGE)


def test_less_than_a_frame_is_padded_as_by_essentia(golden):
    waveform, expected = essentias(golden, "short")
    actual = from_audio(waveform, RATE_HZ)
    np.testing.assert_allclose(actual, expected, rtol=1e-3)
    assert not actual[:, NAMES.index("dmean2") :].any()  # two frames have one change


def test_only_the_minima_of_a_track_with_a_silent_gap_are_noise(golden):
    waveform, expected = essentias(golden, "gap")
    actual = from_audio(waveform, RATE_HZ)
    np.testing.assert_allclose(actual[:, 1:], expected[:, 1:], rtol=1e-3)
    ratio = actual[:, MINIMUM] / expected[:, MINIMUM]
    assert expected[:, MINIMUM].max() < 1e-22 and 0.8 < np.median(ratio) < 1.25


def test_the_window_is_scipys_cosine_sum():
    expected = general_cosine(2048, [0.44959, 0.49364, 0.05677])
    actual = melband_statistics._window()
    np.testing.assert_allclose(actual, 2 * expected / expected.sum(), rtol=1e-9)


def test_the_edges_of_bands_are_librosas_of_htk():
    from librosa import mel_frequencies

    hertz = mel_frequencies(42, fmin=0, fmax=11000, htk=True)
    filters = melband_statistics._filters()
    np.testing.assert_allclose(filters.sum(0), 1, rtol=1e-6)
    heard = np.arange(len(filters))[:, np.newaxis] * RATE_HZ / 2048
    inside = (heard > hertz[:-2]) & (heard < hertz[2:])
    np.testing.assert_array_equal(filters > 0, inside)


def test_statistics_are_numpys(rng):
    bands = rng.random((7, 3)).astype(np.float32)
    first = np.abs(bands[1:] - bands[:-1])
    second = np.abs(bands[2:] - 2 * bands[1:-1] + bands[:-2])
    levels = [bands.min(0), bands.mean(0), np.median(bands, 0), bands.max(0)]
    changes = [first.mean(0), first.var(0), second.mean(0), second.var(0)]
    expected = np.stack([*levels, bands.var(0), *changes], axis=-1)
    np.testing.assert_allclose(summary(bands), expected, rtol=1e-5)


@given(st.floats(0.05, 20))
def test_a_gain_scales_power_and_cancels_in_the_scaled_feature(gain):
    waveform = noise(0.2)
    before, after = (from_audio(x, RATE_HZ) for x in (waveform, gain * waveform))
    np.testing.assert_allclose(after, before * gain ** (2 + 2 * SQUARED), rtol=1e-4)
    np.testing.assert_allclose(after / after.max(0), before / before.max(0), rtol=1e-4)


@given(st.integers(1, 9000))
def test_every_length_has_finite_ordered_statistics(samples):
    bands = band_powers(noise()[:samples])
    assert len(bands) == 1 + -(-samples // 1024)
    statistics = summary(bands)
    assert np.isfinite(statistics).all() and (statistics >= 0).all()
    assert (np.diff(statistics[:, [0, 2, 3]]) >= 0).all()  # min, median, max


def test_a_higher_tone_lights_a_higher_band():
    time = np.arange(RATE_HZ) / RATE_HZ
    tones = [np.sin(2 * np.pi * hz * time) for hz in (100, 300, 900, 2700, 8100)]
    loudest = [from_audio(tone, RATE_HZ)[:, 1].argmax() for tone in tones]
    assert loudest == sorted(set(loudest))


def test_what_lies_above_11_kilohertz_is_not_heard():
    time = np.arange(RATE_HZ) / RATE_HZ
    heard, unheard = (np.sin(2 * np.pi * hz * time) for hz in (10500, 12500))
    medians = [from_audio(tone, RATE_HZ)[:, 2].max() for tone in (heard, unheard)]
    assert medians[1] < 1e-6 * medians[0]


def test_a_silent_track_is_all_zeros():
    assert not from_audio(np.zeros(RATE_HZ, np.float32), RATE_HZ).any()
    assert not from_audio(np.full(RATE_HZ, 1e-6, np.float32), RATE_HZ).any()


def test_blocks_of_frames_do_not_show(monkeypatch):
    waveform = noise()
    whole = band_powers(waveform)
    monkeypatch.setattr(melband_statistics, "BLOCK_FRAMES", 7)
    np.testing.assert_allclose(band_powers(waveform), whole, rtol=1e-5)


def test_the_same_track_has_the_same_statistics():
    waveform = np.concatenate([noise(), np.zeros(RATE_HZ, np.float32), noise()])
    once, again = (from_audio(waveform, RATE_HZ) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once[:, MINIMUM].all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_refused(bad):
    waveform = noise()
    waveform[4321] = bad
    with pytest.raises(DataError, match=f"sample 4321 is {bad}"):
        from_audio(waveform, RATE_HZ)


@pytest.mark.parametrize("shape", [(0,), (2, 9)])
def test_what_is_no_mono_waveform_is_refused(shape):
    with pytest.raises(DataError, match="mono"):
        from_audio(np.zeros(shape, np.float32), RATE_HZ)


def test_another_rate_is_refused():
    with pytest.raises(DataError, match=r"at 44100 Hz, got 16000 Hz.*audio\.read"):
        from_audio(noise(), 16000)
