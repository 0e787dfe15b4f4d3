"""What `features/probe.py` promises."""

import numpy as np
import pytest

from tagsmith.features.audio import sha256
from tagsmith.features.probe import FLOOR_DB, probe
from tests.fakes import audio as fake


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav", "aiff"])
def test_a_probe_agrees_with_what_was_written(tmp_path, suffix):
    sound = fake.sine(seconds=3, rate_hz=22050)
    path = tmp_path / f"a.{suffix}"
    found = probe(fake.write(path, sound, rate_hz=22050, channels=2))
    assert (found.sample_rate_hz, found.channels, found.problem) == (22050, 2, "")
    assert found.decoded_seconds == pytest.approx(3, abs=0.06)
    assert found.rms_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.2)
    assert found.sha256 == sha256(path)


@pytest.mark.parametrize("suffix", ["mp3", "wav", "aiff"])
def test_a_truncated_file_declares_more_than_it_has(tmp_path, suffix):
    path = fake.write(tmp_path / f"a.{suffix}", fake.noise(seconds=4))
    found = probe(fake.truncate(path))
    assert found.declared_seconds == pytest.approx(4, abs=0.01)
    assert found.decoded_seconds == pytest.approx(2, abs=0.3)


def test_a_truncated_ogg_is_a_problem(tmp_path):
    path = fake.write(tmp_path / "a.ogg", fake.noise(seconds=4))
    assert probe(path).problem == ""
    assert "ends early" in probe(fake.truncate(path)).problem


def test_an_mp3_without_a_header_declares_nothing(tmp_path):
    path = fake.write(tmp_path / "a.mp3", fake.noise(seconds=4))
    content = path.read_bytes()
    second_frame = content.index(content[:2], 100)
    path.write_bytes(content[second_frame:])
    assert np.isnan(probe(path).declared_seconds)


def test_the_header_of_an_mp3_is_found_behind_its_tag(tmp_path):
    path = fake.write(tmp_path / "a.mp3", fake.noise(seconds=4))
    tag = b"ID3\x03\x00\x00\x00\x00\x02\x00" + bytes(256)
    path.write_bytes(tag + path.read_bytes())
    assert probe(path).declared_seconds == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("zero_byte", "is empty (0 bytes)"),
        ("text", "is not audio"),
        ("not_a_number", "no numbers"),
    ],
)
def test_a_probe_says_what_is_wrong(tmp_path, kind, problem):
    found = probe(fake.BAD[kind](tmp_path / "bad.mp3"))
    assert problem in found.problem
    assert np.isfinite([found.decoded_seconds, found.rms_db]).all()


def test_a_probe_of_silence_is_at_the_floor(tmp_path):
    assert probe(fake.silent(tmp_path / "a.wav")).rms_db == FLOOR_DB


def test_a_probe_of_nothing_raises_nothing(tmp_path):
    assert probe(tmp_path / "nowhere.mp3").problem == "is not there"


def test_real_music_has_no_problem(fixtures):
    probes = [probe(path) for path in (fixtures / "audio").rglob("*.???")]
    found = [each.problem for each in probes if each.channels]
    assert len(found) >= 28 and set(found) == {""}
