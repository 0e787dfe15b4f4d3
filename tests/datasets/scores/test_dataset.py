"""The clips as files: rendered once, whole, the same everywhere."""

import hashlib
import time

import numpy as np
import pandas as pd
import pytest
import soundfile

from tagsmith.config import ScoresDataset
from tagsmith.datasets import scores
from tagsmith.datasets.scores import dataset, room
from tagsmith.errors import MissingError

for package in ("music21", "pretty_midi", "tinysoundfont"):
    pytest.importorskip(package, reason="the extra `render` is not installed")

CLIPS, SECONDS, SEED = 5, 2.0, 7


def config(clips=CLIPS, **changes):
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    fields = {"clip_seconds": SECONDS, "soundfonts": ("timgm6mb",), "shares": shares}
    return ScoresDataset(kind="scores", clips=clips, **fields | changes)


def render(raw, workers=1, **changes):
    return scores.listing(config(**changes), raw, seed=SEED, workers=workers)


def digests(raw):
    files = sorted(raw.glob("clips/*"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    return raw, render(raw)


@pytest.fixture
def copied(rendered, tmp_path):
    for file in rendered[0].glob("clips/*"):
        (tmp_path / "clips").mkdir(exist_ok=True)
        (tmp_path / "clips" / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.fixture
def no_rendering(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("something was rendered")

    monkeypatch.setattr(room, "record", refuse)


def test_every_track_is_a_file_and_every_file_a_track(rendered):
    raw, listing = rendered
    files = {path.relative_to(raw).as_posix() for path in raw.rglob("*.mp3")}
    assert set(listing.tracks["path"]) == files and len(files) == CLIPS


def test_a_clip_decodes_to_the_length_that_is_declared(rendered):
    raw, listing = rendered
    for path, seconds in zip(
        listing.tracks["path"], listing.tracks["declared_seconds"], strict=True
    ):
        sound, rate_hz = soundfile.read(raw / path)
        assert len(sound) / rate_hz == pytest.approx(seconds, abs=1e-4)


def test_a_clip_is_neither_silent_nor_clipped(rendered):
    for path in rendered[0].rglob("*.mp3"):
        sound, _ = soundfile.read(path)
        assert 0.01 < np.abs(sound).max() < 1.0


def test_several_workers_write_the_same_bytes_as_one(rendered, tmp_path):
    render(tmp_path, workers=2)
    assert digests(tmp_path) == digests(rendered[0])


@pytest.mark.usefixtures("no_rendering")
def test_a_second_run_renders_nothing(rendered, copied):
    again = render(copied)
    pd.testing.assert_frame_equal(again.tracks, rendered[1].tracks)


def test_what_a_killed_run_left_is_kept_and_completed(rendered, copied):
    first, second, *_ = sorted(copied.glob("clips/*"))
    kept = second.stat().st_mtime_ns
    first.unlink()
    (copied / "clips" / f".{first.name}.abc.mp3").write_bytes(b"half a cl")
    time.sleep(0.01)
    render(copied)
    assert digests(copied) == digests(rendered[0])
    assert second.stat().st_mtime_ns == kept


@pytest.mark.usefixtures("no_rendering")
def test_fewer_clips_are_the_first_of_more(rendered, copied):
    fewer = render(copied, clips=CLIPS - 2)
    assert list(fewer.tracks["path"]) == list(rendered[1].tracks["path"][: CLIPS - 2])
    assert len(digests(copied)) == CLIPS - 2


def test_other_parameters_are_other_files():
    origin = dataset._origin((), SECONDS, SEED)
    clip = dataset.plan(config(1), seed=SEED)[0]
    other = dataset._origin((), SECONDS + 1, SEED)
    assert dataset._path(clip, origin) != dataset._path(clip, other)


def test_a_missing_sound_bank_is_named():
    with pytest.raises(MissingError, match=r"'nowhere\.sf2' .* 'timgm6mb'"):
        scores.soundfont("nowhere.sf2")


def test_a_file_that_is_no_sound_bank_is_named(tmp_path):
    bank = tmp_path / "text.sf2"
    bank.write_text("no bank")
    with pytest.raises(MissingError, match=r"text\.sf2 cannot be read as a sound bank"):
        render(tmp_path / "raw", clips=1, soundfonts=(str(bank),))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingError, match="'pretty_midi', which is not installed"):
        scores.soundfont("timgm6mb")
