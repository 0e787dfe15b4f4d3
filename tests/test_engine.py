"""What `engine.py` promises."""

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from tagsmith import engine
from tagsmith.config import Dask, Loky, Ray
from tagsmith.engine.there import There
from tagsmith.errors import MissingError


def each(function, items, *, workers):
    config = Loky(kind="loky", workers=workers)
    return list(engine.each(function, items, config, label="test"))


def squared(number):
    return number**2


def heavy_modules(_):
    return {"keras", "tensorflow", "mlflow", "great_expectations"} & set(sys.modules)


def fill_the_disk(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def run_out_of_memory(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_has_one_result(workers):
    assert sorted(each(squared, range(20), workers=workers)) == [
        number**2 for number in range(20)
    ]


def test_nothing_to_do_is_done_at_once():
    assert each(squared, [], workers=2) == []


def test_workers_import_nothing_heavy():
    assert each(heavy_modules, range(4), workers=2) == [set()] * 4


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_worker_raises_arrives_as_it_was(workers):
    with pytest.raises(OSError, match="No space left") as caught:
        each(fill_the_disk, ["a.wav", "b.wav"], workers=workers)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename in {"a.wav", "b.wav"}


def test_a_worker_that_the_system_ended_is_explained():
    with pytest.raises(MissingError, match=r"want of memory; lower engine\.workers"):
        each(run_out_of_memory, range(4), workers=2)


def test_a_worker_without_the_senders_folder_or_version_says_so(tmp_path):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(MissingError, match=r"has no .*nowhere; all machines"):
        There(squared, folder=nowhere)(3)
    with pytest.raises(MissingError, match=r"has tagsmith \S+, this is 0\.0\.1"):
        There(squared, version="0.0.1")(3)


def test_a_worker_goes_back_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert There(str, folder=Path("/"))(3) == "3"
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("package", "config"),
    [
        ("distributed", Dask(kind="dask", address="tcp://127.0.0.1:9", workers=-1)),
        ("ray", Ray(kind="ray", address="auto", workers=-1)),
    ],
)
def test_a_package_that_is_not_there_is_named(monkeypatch, package, config):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingError, match=rf"pip install .tagsmith\[{config.kind}\]"):
        list(engine.each(squared, range(3), config, label="test"))


def test_a_log_gets_about_ten_lines(caplog):
    with caplog.at_level("INFO", logger="tagsmith"):
        each(squared, range(95), workers=1)
    assert 10 <= len(caplog.messages) <= 11
    assert caplog.messages[-1] == "test: 95 of 95"
