"""What a file sounds like: against the probe, librosa, and what was written."""

import librosa
import numpy as np
import pytest
import soundfile

from tagsmith import sounds
from tagsmith.config import Loky
from tagsmith.errors import DataError
from tagsmith.features.probe import FLOOR_DB, probe
from tests.fakes import audio


@pytest.fixture
def noisy(tmp_path):
    return audio.write(tmp_path / "noise.flac", audio.noise(seconds=5.3), channels=2)


def test_level_and_length_are_those_that_ingest_finds(noisy):
    heard, found = sounds.measure(noisy), probe(noisy)
    assert heard.level_db == pytest.approx(found.rms_db, abs=1e-4)
    assert heard.seconds == found.decoded_seconds
    assert (heard.sample_rate_hz, heard.channels) == (16000, 2)
    assert heard.format == "FLAC"


def test_the_centroid_is_librosas(noisy):
    waveform, rate_hz = soundfile.read(noisy, dtype="float32")
    theirs = librosa.feature.spectral_centroid(
        y=waveform[:, 0], sr=rate_hz, n_fft=512, hop_length=512
    )
    assert sounds.measure(noisy).centroid_hz == pytest.approx(theirs.mean(), rel=0.03)


def test_a_higher_tone_has_a_higher_centroid(tmp_path):
    paths = [audio.write(tmp_path / f"{hz}.wav", audio.sine(hz)) for hz in (500, 2000)]
    low, high = (sounds.measure(path).centroid_hz for path in paths)
    assert low == pytest.approx(500, rel=0.1)
    assert high == pytest.approx(2000, rel=0.1)


def test_half_a_file_of_silence_is_half_quiet(tmp_path):
    sound = np.concatenate([audio.sine(seconds=2), audio.silence(seconds=2)])
    heard = sounds.measure(audio.write(tmp_path / "half.wav", sound))
    assert heard.quiet_share == pytest.approx(0.5, abs=0.02)
    assert heard.centroid_hz == pytest.approx(440, rel=0.1)


def test_silence_has_no_centroid(tmp_path):
    heard = sounds.measure(audio.write(tmp_path / "silence.wav", audio.silence()))
    assert np.isnan(heard.centroid_hz)
    assert (heard.level_db, heard.quiet_share) == (FLOOR_DB, 1.0)


def test_half_the_amplitude_is_6_db_less(tmp_path):
    paths = [
        audio.write(tmp_path / f"{factor}.wav", factor * audio.sine())
        for factor in (1, 0.5)
    ]
    loud, soft = map(sounds.measure, paths)
    assert loud.level_db - soft.level_db == pytest.approx(6.02, abs=0.01)
    assert loud.centroid_hz == pytest.approx(soft.centroid_hz, rel=0.01)


def test_a_table_keeps_the_order_of_its_tracks(tmp_path, noisy):
    quiet = audio.write(tmp_path / "silence.wav", audio.silence())
    table = sounds.table([noisy, quiet], ["b", "a"], Loky(kind="loky", workers=1))
    assert list(table.index) == ["b", "a"]
    assert list(table["format"]) == ["FLAC", "WAV"]


@pytest.mark.parametrize("content", [b"", b"no audio"])
def test_what_is_no_audio_is_refused(tmp_path, content):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"empty|not audio"):
        sounds.measure(path)
