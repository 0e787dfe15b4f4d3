"""Engines beyond one machine, on real clusters: the same results, and none lost."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsmith import engine, predicting
from tagsmith.config import Dask, Loky, Ray
from tagsmith.datasets.listing import one_source
from tagsmith.errors import MissingError
from tagsmith.stages import extract
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import bundles, clusters, ensembles, work
from tests.fakes.experiments import tables, tiny_params

pytest.importorskip("distributed", reason='pip install "tagsmith[dask]"')

ONE = Loky(kind="loky", workers=1)


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A scheduler and two workers, in a folder that is not ours."""
    with clusters.dask(tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster


def each(function, items, config):
    return list(engine.each(function, items, config, label="test"))


def test_every_item_has_one_result_and_both_workers_work(dask):
    assert sorted(each(work.squared, range(40), dask)) == [n**2 for n in range(40)]
    pids = {pid for _, pid in each(work.where, range(40), dask)}
    assert len(pids) == 2 and os.getpid() not in pids


def test_results_can_be_had_in_the_order_of_the_items(dask):
    found = engine.gathered(work.squared, range(40), dask, label="test")
    assert found == [number**2 for number in range(40)]


def test_a_worker_works_in_the_folder_of_who_asks(dask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert {folder for folder, _ in each(work.where, range(8), dask)} == {str(tmp_path)}


def test_no_more_items_are_under_way_than_was_said(dask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone = dask.model_copy(update={"workers": 1})
    for done, _ in enumerate(engine.each(work.leave_a_mark, "abcd", alone, label="")):
        assert len(list(tmp_path.glob("*.begun"))) <= done + 1


def test_what_a_worker_raises_arrives_as_it_was(dask):
    with pytest.raises(OSError, match="No space left") as caught:
        each(work.fill_the_disk, ["a.wav", "b.wav"], dask)
    assert caught.value.errno == errno.ENOSPC


def test_a_worker_that_is_killed_loses_nothing(dask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"item{number:02d}" for number in range(24)]
    (tmp_path / "worker").mkdir()
    with clusters.dask_worker(dask.address, tmp_path / "worker") as third:
        clusters.wait_for_workers(dask, 3)
        killer = threading.Thread(target=kill_at_work, args=(third, tmp_path))
        killer.start()
        assert sorted(each(work.leave_a_mark, names, dask)) == names
        killer.join()
    assert third.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.done"))) == len(names)


def kill_at_work(process, folder):
    """Kill a worker as soon as it has begun on an item."""
    while not any(
        mark.read_text() == str(process.pid) for mark in folder.glob("*.begun")
    ):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)


def test_a_scheduler_that_does_not_answer_is_named_within_seconds():
    nowhere = Dask(
        kind="dask", address=f"tcp://127.0.0.1:{clusters.free_port()}", workers=-1
    )
    began = time.monotonic()
    with pytest.raises(MissingError, match=r"no Dask scheduler answers at .*start one"):
        each(work.squared, range(4), nowhere)
    assert time.monotonic() - began < 30


def test_a_scheduler_without_workers_is_told_how_to_get_some(tmp_path):
    with (
        clusters.dask(tmp_path, workers=0) as alone,
        pytest.raises(MissingError, match=r"has no workers; start some: `dask worker"),
    ):
        each(work.squared, range(4), alone)


# --- what is made is the same wherever it is made


@pytest.fixture
def store(tmp_path, rng, monkeypatch):
    """Wavs of a store that is named by a relative path, as always."""
    monkeypatch.chdir(tmp_path)
    store = Store(Path("data"), scratch=Path("scratch"))
    tracks, annotations, quarantine = tables(rng)
    for name, table in [
        ("tracks", tracks),
        ("annotations", annotations),
        ("genres", one_source()),
        ("quarantine", quarantine),
    ]:
        store.write_table(name, table)
    store.place("wavs").mkdir()
    for name in tracks["track_id"]:
        noise = rng.normal(0, 0.1, int(rng.integers(8_000, 40_000)))
        soundfile.write(store.place("wavs", f"{name}.wav"), noise, 16000)
    return store


def extracted(config, store):
    """Extract anew, and return the content of all files."""
    store.empty("features", "logmel")
    small = {"features.logmel.shard_tracks": 4, "engine": config.model_dump()}
    extract.run(tiny_params(**small), store, MemoryRecorder(), "logmel")
    folder = store.place("features", "logmel")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_features_are_the_same_bytes(dask, store):
    assert extracted(dask, store) == extracted(ONE, store)


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """A bundle, and tracks of several shards."""
    monkeypatch.chdir(tmp_path)
    ensembles.put_in_place(monkeypatch)
    bundles.tracks(tmp_path / "music", 70, seconds=0.1)
    return str(ensembles.bundle(tmp_path / "bundle"))


def test_scores_are_the_same_bytes(dask, fakes):
    files = []
    for config in (ONE, dask):
        out = Path(f"{config.kind}/scores.parquet")
        predicting.scores(Path("music"), out, fakes, config)
        files.append(out.read_bytes())
    assert files[0] == files[1]
    assert np.isfinite(predicting.predict(Path("music"), out, fakes, ONE).scores).all(
        axis=None
    )


# --- Ray


@pytest.fixture(scope="module")
def ray():
    """A node with two workers."""
    ray = pytest.importorskip("ray", reason='pip install "tagsmith[ray]"')
    home = tempfile.mkdtemp(prefix="ray-")  # a socket's name must be short
    environment = {"env_vars": {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}}
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env=environment,
        object_store_memory=100_000_000,
        _temp_dir=str(home)
        if len(str(home)) < 60
        else None,  # sockets have short names
    )
    yield Ray(kind="ray", address="auto", workers=-1)
    ray.shutdown()
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.slow
def test_ray_gives_what_loky_gives(ray, store):
    assert sorted(each(work.squared, range(40), ray)) == [n**2 for n in range(40)]
    assert {folder for folder, _ in each(work.where, range(8), ray)} == {
        str(Path.cwd())
    }
    assert extracted(ray, store) == extracted(ONE, store)


@pytest.mark.slow
def test_what_a_worker_of_ray_raises_arrives_as_it_was(ray):
    with pytest.raises(OSError, match="No space left") as caught:
        each(work.fill_the_disk, ["a.wav", "b.wav"], ray)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.slow
def test_a_worker_of_ray_that_dies_once_loses_nothing(ray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sorted(each(work.die_once, "abcd", ray)) == [*"abcd"]
    assert len(list(tmp_path.glob("*.died"))) == 4


@pytest.mark.slow
def test_a_worker_of_ray_that_always_dies_is_one_sentence(ray):
    with pytest.raises(MissingError, match=r"workers died.*what is finished is kept"):
        each(work.die, range(2), ray)


@pytest.mark.slow
def test_a_ray_cluster_that_does_not_answer_is_named_within_seconds():
    address = f"ray://127.0.0.1:{clusters.free_port()}"
    code = (
        "import time; from tagsmith import engine; from tagsmith.config import Ray\n"
        "from tests.fakes import work\n"
        f"config = Ray(kind='ray', address={address!r}, workers=-1)\n"
        "list(engine.each(work.squared, [1, 2], config, label=''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"no Ray cluster answers at {address}" in done.stderr
