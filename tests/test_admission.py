"""A stranger's recording is decoded to its end before anything hears it."""

import numpy as np
import pytest
import soundfile

from tagsmith.admission import Limits, admit
from tagsmith.errors import DataError
from tests.fakes import audio as sounds


def test_a_recording_is_as_long_as_it_decodes(tmp_path):
    path = sounds.write(tmp_path / "tone.mp3", sounds.sine(seconds=2))
    assert admit(path, Limits()) == pytest.approx(2, abs=0.1)


def test_hours_of_silence_in_few_bytes_are_too_long(tmp_path):
    path = sounds.write(tmp_path / "silence.flac", sounds.silence(seconds=700))
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match="longer than 600 s"):
        admit(path, Limits())


@pytest.mark.parametrize("kind", ["zero_byte", "text"])
def test_what_is_no_audio_is_refused(tmp_path, kind):
    with pytest.raises(DataError):
        admit(sounds.BAD[kind](tmp_path / "bad.mp3"), Limits())


@pytest.mark.parametrize(
    ("rate_hz", "channels", "message"),
    [(100, 1, "sample rate"), (2_000_000, 1, "sample rate"), (16000, 200, "channels")],
)
def test_odd_rates_and_channels_are_refused(tmp_path, rate_hz, channels, message):
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros((100, channels)), rate_hz)
    with pytest.raises(DataError, match=message):
        admit(path, Limits())


def test_a_large_file_is_not_even_opened(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(2000))
    with pytest.raises(DataError, match=r"0\.001 MB"):
        admit(path, Limits(most_bytes=1000))
