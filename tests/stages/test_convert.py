"""What stage `convert` promises."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from tagsmith.errors import DataError
from tagsmith.features import audio
from tagsmith.stages import convert, ingest
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import audio as sounds
from tests.fakes import folder as fake


def ingested(folder, described=None, *, seconds=1.0, suffix="wav"):
    """Write music and run what comes before `convert`; nothing is in quarantine."""
    fake.write(folder, described or fake.rows(suffix=suffix), seconds=seconds)
    store = Store(folder / "data", scratch=folder / "scratch")
    ingest.run(fake.params(folder), store, MemoryRecorder())
    store.write_table("quarantine", pd.DataFrame({"track_id": [], "reason": []}))
    return store


def run(folder, store, overrides=None):
    recorder = MemoryRecorder()
    convert.run(fake.params(folder, overrides), store, recorder)
    return {name: value for name, value, _ in recorder.logged_metrics}


def content(store):
    """Return the digest of every file below `wavs/`, hidden ones too."""
    wavs = store.place("wavs")
    files = [path for path in wavs.rglob("*") if path.is_file()]
    return {
        path.relative_to(wavs).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324
        for path in files
    }


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "wav"])
def test_every_track_becomes_a_mono_wav_in_its_folder(tmp_path, suffix):
    store = ingested(tmp_path, suffix=suffix)
    run(tmp_path, store)
    assert set(content(store)) == {
        str(Path(row["path"]).with_suffix(".wav")) for row in fake.rows()
    }
    info = soundfile.info(store.place("wavs", "album0/track00.wav"))
    assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_any_rate_and_number_of_channels_is_converted(tmp_path, rate_hz, channels):
    described = fake.rows(1)
    fake.write(tmp_path, described)
    sound = sounds.sine(1000, rate_hz=rate_hz)
    path = tmp_path / "music" / described[0]["path"]
    sounds.write(path, sound, rate_hz=rate_hz, channels=channels)
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(fake.params(tmp_path), store, MemoryRecorder())
    store.write_table("quarantine", pd.DataFrame({"track_id": [], "reason": []}))
    run(tmp_path, store)
    wav, rate = soundfile.read(store.place("wavs", "album0/track00.wav"))
    assert rate == 16000 and np.abs(np.fft.rfft(wav)).argmax() == 1000


def test_loud_samples_are_clipped_and_not_wrapped(tmp_path):
    described = fake.rows(1)
    path = fake.write(tmp_path, described).parent / "music" / described[0]["path"]
    soundfile.write(path, 3 * sounds.sine(100), 16000, subtype="FLOAT")
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(fake.params(tmp_path), store, MemoryRecorder())
    store.write_table("quarantine", pd.DataFrame({"track_id": [], "reason": []}))
    run(tmp_path, store)
    wav = audio.read(store.place("wavs", "album0/track00.wav"), 16000)
    assert np.abs(np.diff(wav)).max() < 0.2


def test_a_second_run_converts_nothing(tmp_path):
    store = ingested(tmp_path)
    assert run(tmp_path, store) == {"wavs": 12, "converted": 12}
    before = content(store)
    assert run(tmp_path, store) == {"wavs": 12, "converted": 0}
    assert content(store) == before


def test_the_same_sources_give_the_same_bytes(tmp_path):
    store = ingested(tmp_path)
    run(tmp_path, store)
    again = Store(tmp_path / "again", source=tmp_path / "data")
    run(tmp_path, again, {"engine.workers": 2})
    assert content(again) == content(store)


def test_only_what_changed_is_converted_again(tmp_path):
    store = ingested(tmp_path)
    run(tmp_path, store)
    sounds.write(tmp_path / "music" / fake.rows()[3]["path"], sounds.noise())
    ingest.run(fake.params(tmp_path), store, MemoryRecorder())
    assert run(tmp_path, store)["converted"] == 1


def test_another_rate_converts_everything_again(tmp_path):
    store = ingested(tmp_path)
    run(tmp_path, store)
    assert run(tmp_path, store, {"wavs.sample_rate_hz": 8000})["converted"] == 12
    assert soundfile.info(store.place("wavs", "album0/track00.wav")).samplerate == 8000


def test_half_a_wav_is_converted_again(tmp_path):
    store = ingested(tmp_path)
    run(tmp_path, store)
    before = content(store)
    sounds.zero_byte(store.place("wavs", "album0/track00.wav"))
    assert run(tmp_path, store)["converted"] == 1
    assert content(store) == before


def test_wavs_of_tracks_in_quarantine_are_removed(tmp_path):
    store = ingested(tmp_path)
    run(tmp_path, store)
    gone = pd.DataFrame({"track_id": ["album0/track00"], "reason": ["is silent"]})
    store.write_table("quarantine", gone)
    assert run(tmp_path, store)["wavs"] == 11
    assert "album0/track00.wav" not in content(store)


def test_what_a_killed_run_left_is_removed(tmp_path):
    store = ingested(tmp_path)
    left = store.place("wavs", "gone", ".track.wav.x1y2.wav")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"RIFF")
    run(tmp_path, store)
    assert not left.parent.exists()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    store = ingested(tmp_path)
    written = []

    def write_bytes(path, data):
        written.append(path)
        if len(written) == 4:
            path.open("wb").write(data[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return path.open("wb").write(data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, store)
    assert len(content(store)) == 3
    assert run(tmp_path, store) == {"wavs": 12, "converted": 9}


def test_a_source_that_broke_since_is_named(tmp_path):
    store = ingested(tmp_path)
    sounds.text(store.place("raw", "album0/track00.wav"))
    with pytest.raises(DataError, match=r"album0/track00\.wav is not audio"):
        run(tmp_path, store)


def test_two_sources_of_one_wav_are_named(tmp_path):
    store = ingested(tmp_path)
    tracks = store.read_table("tracks")
    tracks["path"] = tracks["path"].replace("album1/track01.wav", "album0/track00.mp3")
    store.write_table("tracks", tracks)
    with pytest.raises(DataError, match=r"would both become .*album0/track00\.wav"):
        run(tmp_path, store)


SCRIPT = """
import sys
from pathlib import Path
from tagsmith.stages import convert
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import folder
place = Path(sys.argv[1])
params = folder.params(place, {"engine.workers": 1})
convert.run(params, Store(place / "data", scratch=place / "scratch"), MemoryRecorder())
"""


def converting(folder):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        start_new_session=True,
    )


def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path):
    store = ingested(tmp_path, fake.rows(40), seconds=10)
    run(tmp_path, store)
    undisturbed = content(store)
    wavs = store.empty("wavs")
    killed = converting(tmp_path)
    while len(list(wavs.rglob("track*.wav"))) < 5:
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert len(content(store)) < 40
    assert converting(tmp_path).wait() == 0
    assert content(store) == undisturbed
