"""What `features/audio.py` promises."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
import soxr

from tagsmith.errors import DataError, MissingError
from tagsmith.features import audio
from tests.fakes import audio as fake

RATES_HZ = (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_second_stays_a_second_at_any_rate(tmp_path, rate_hz):
    path = fake.write(tmp_path / "a.wav", fake.sine(rate_hz=rate_hz), rate_hz=rate_hz)
    assert audio.read(path, 16000).shape == (16000,)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_tone_keeps_its_pitch_and_level(tmp_path, rate_hz):
    sound = fake.sine(1000, rate_hz=rate_hz)
    waveform = audio.read(fake.write(tmp_path / "a.wav", sound, rate_hz=rate_hz), 16000)
    spectrum = np.abs(np.fft.rfft(waveform))  # one bin per hertz
    assert spectrum.argmax() == 1000
    assert waveform[4000:12000].max() == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_equal_channels_sound_like_one(tmp_path, channels):
    path = fake.write(tmp_path / "a.wav", fake.noise(), channels=channels)
    alone = fake.write(tmp_path / "b.wav", fake.noise())
    assert audio.read(path, 8000) == pytest.approx(audio.read(alone, 8000), abs=1e-6)


def test_channels_are_averaged(tmp_path, rng):
    sound = rng.uniform(-0.9, 0.9, (5000, 2))
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    waveform = audio.read(tmp_path / "a.wav", 16000)
    assert waveform == pytest.approx(sound.mean(axis=1), abs=1e-6)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav", "aiff"])
def test_blocks_make_no_difference(tmp_path, suffix):
    sound = fake.noise(seconds=5, rate_hz=44100)  # longer than a block
    path = fake.write(tmp_path / f"a.{suffix}", sound, rate_hz=44100, channels=2)
    whole = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    expected = soxr.resample(whole, 44100, 16000)
    assert audio.read(path, 16000) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", ["zero_byte", "text", "not_a_number"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, kind):
    path = fake.BAD[kind](tmp_path / "bad.mp3")
    with pytest.raises(DataError, match=path.name):
        audio.read(path, 16000)


def test_headerless_audio_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.raw is not audio"):
        audio.read(fake.text(tmp_path / "a.raw"), 16000)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"nowhere\.mp3 is not there"):
        audio.read(tmp_path / "nowhere.mp3", 16000)


def test_a_damaged_flac_is_named(tmp_path):
    path = fake.truncate(fake.write(tmp_path / "a.flac", fake.noise(seconds=4)))
    with pytest.raises(DataError, match=r"a\.flac is damaged: decoding breaks off"):
        audio.read(path, 16000)


def test_the_decoder_says_nothing_by_itself(tmp_path):
    path = fake.damage(fake.write(tmp_path / "a.mp3", fake.noise(seconds=4)))
    script = "import sys, pathlib, tagsmith.features.probe as probe\n"
    script += "print(probe.probe(pathlib.Path(sys.argv[1])).problem)"
    command = [sys.executable, "-c", script, path]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_threads_that_decode_leave_the_terminal_as_it_was(tmp_path):
    paths = [fake.write(tmp_path / f"{i}.mp3", fake.noise(i)) for i in range(8)]
    before = os.fstat(2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: audio.read(path, 8000), paths * 4))
    after = os.fstat(2)
    assert (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino)


def test_real_music_is_read(fixtures):
    for path in (fixtures / "audio").glob("*.*"):
        waveform = audio.read(path, 16000)
        assert waveform.size > 5 * 16000 and 0.1 < np.abs(waveform).max() < 1.5
