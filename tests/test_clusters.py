"""Engines beyond one machine, on real clusters: the same results, and none lost."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from tagsmith import cli, engine
from tagsmith.config import Dask, Loky
from tagsmith.datasets.listing import one_source
from tagsmith.errors import MissingError
from tagsmith.predicting import worker
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


@pytest.fixture(scope="module")
def ray():
    """A node with two workers."""
    pytest.importorskip("ray", reason='pip install "tagsmith[ray]"')
    with clusters.ray() as cluster:
        yield cluster


@pytest.fixture(params=["dask", pytest.param("ray", marks=pytest.mark.slow)])
def cluster(request):
    """Any cluster with two workers."""
    return request.getfixturevalue(request.param)


def each(function, items, config):
    return list(engine.each(function, items, config, label="test"))


def test_every_item_has_one_result_and_both_workers_work(dask):
    assert sorted(each(work.squared, range(40), dask)) == [n**2 for n in range(40)]
    pids = {pid for _, pid in each(work.where, range(40), dask)}
    assert len(pids) == 2 and os.getpid() not in pids


def test_results_can_be_had_in_the_order_of_the_items(cluster):
    found = engine.gathered(work.squared, range(40), cluster, label="test")
    assert found == [number**2 for number in range(40)]


def test_a_worker_works_in_the_folder_of_who_asks(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = {folder for folder, _ in each(work.where, range(8), cluster)}
    assert folders == {str(tmp_path)}


def test_no_more_items_are_under_way_than_was_said(dask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone = dask.model_copy(update={"workers": 1})
    for done, _ in enumerate(engine.each(work.leave_a_mark, "abcd", alone, label="")):
        assert len(list(tmp_path.glob("*.begun"))) <= done + 1


def test_what_a_worker_raises_arrives_as_it_was(cluster):
    with pytest.raises(OSError, match="No space left") as caught:
        each(work.fill_the_disk, ["a.wav", "b.wav"], cluster)
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
    Path("expectations").symlink_to(ROOT / "expectations")
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


def test_features_are_the_same_bytes(cluster, store):
    assert extracted(cluster, store) == extracted(ONE, store)


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """A bundle of fakes, here and on workers, and tracks of several shards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAGSMITH_PARAMS", str(ROOT / "params.yaml"))
    ensembles.put_in_place(monkeypatch)
    monkeypatch.setattr(worker, "score", ensembles.score)
    bundles.tracks(tmp_path / "music", 70, seconds=0.1)
    return str(ensembles.bundle(tmp_path / "bundle"))


def predicted(config, bundle, monkeypatch):
    """Run `tagsmith predict` on an engine, and return its file."""
    out = Path(config.kind, "scores.parquet")
    options = ["--out", str(out), "--model", bundle]
    options += ["--set", f"engine={config.model_dump_json()}"]
    monkeypatch.setattr(sys, "argv", ["tagsmith", "predict", "music", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    return out


def test_scores_are_the_same_bytes(cluster, fakes, monkeypatch):
    here, there = (predicted(each, fakes, monkeypatch) for each in (ONE, cluster))
    assert here.read_bytes() == there.read_bytes()
    assert pd.read_parquet(there).notna().all(axis=None)


# --- Ray


@pytest.mark.slow
def test_a_worker_of_ray_that_dies_once_loses_nothing(ray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sorted(each(work.die_once, "abcd", ray)) == [*"abcd"]
    assert len(list(tmp_path.glob("*.died"))) == 4


@pytest.mark.slow
def test_a_worker_of_ray_that_always_dies_is_one_sentence(ray):
    with pytest.raises(MissingError, match=r"workers died.*what is finished is kept"):
        each(work.die, range(2), ray)


SQUARES = """
import sys
from tagsmith import engine
from tagsmith.config import Ray
from tests.fakes import work
config = Ray(kind="ray", address=sys.argv[1], workers=-1)
print(engine.gathered(work.squared, range(8), config, label=""))
"""


def squares(address, **environment):
    """Let a process of its own use a cluster of Ray; return what it says."""
    paths = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.run(
        [sys.executable, "-c", SQUARES, address],
        cwd=ROOT,
        env=os.environ | paths | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_a_process_joins_a_ray_cluster_that_another_one_started():
    done = squares(clusters.ray_address())
    assert done.returncode == 0, done.stderr
    assert str([number**2 for number in range(8)]) in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_a_ray_cluster_that_wants_a_token_says_so():
    done = squares(clusters.ray_address(), RAY_AUTH_MODE="disabled")
    assert re.search(
        "MissingError: no Ray cluster at .* lets us in.*RAY_AUTH_MODE=token",
        done.stderr,
    )


@pytest.mark.slow
def test_a_ray_cluster_that_does_not_answer_is_named_within_seconds():
    address = f"ray://127.0.0.1:{clusters.free_port()}"
    assert f"no Ray cluster answers at {address}" in squares(address).stderr
