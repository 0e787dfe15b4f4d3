"""Object storage that speaks S3: what DVC keeps there, and documents that lie there."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tests.fakes import acousticbrainz
from tests.fakes.objects import BUCKET, object_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
GIT = ("git", "-c", "user.name=ada", "-c", "user.email=ada@example.org")
MAKE = "mkdir features && for n in 0 1 2; do echo $n > features/$n; done"
MEASURE = "cat features/* > metrics"
STAGES = {
    "extract": {"cmd": MAKE, "outs": ["features"]},
    "evaluate": {"cmd": MEASURE, "deps": ["features"], "outs": ["metrics"]},
}


@pytest.fixture
def objects(monkeypatch):
    with object_store(monkeypatch) as store:
        yield store


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return what runs a command in a folder, as on a machine that is new to DVC."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "dvc"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)

    def running(folder, *command, code=0):
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(folder / ".dvc/tmp/site"))
        options = {"cwd": folder, "capture_output": True, "text": True}
        told = subprocess.run(command, check=False, **options)
        assert told.returncode == code, told.stdout + told.stderr
        return told.stdout + told.stderr

    return running


def project(folder, run):
    """Make a project of two stages whose remote is in the bucket, and run it."""
    for command in (
        ("git", "init", "-q"),
        ("dvc", "init", "-q"),
        ("dvc", "remote", "add", "-d", "store", f"s3://{BUCKET}/tagsmith"),
    ):
        run(folder, *command)
    YAML().dump({"stages": STAGES}, folder / "dvc.yaml")
    run(folder, "dvc", "repro", "-q")
    run(folder, *GIT, "add", ".")
    run(folder, *GIT, "commit", "-q", "-m", "Begin")
    return folder


def tracked(folder, run):
    """Return all that git would keep."""
    run(folder, *GIT, "add", ".")
    names = run(folder, "git", "ls-files").split()
    return "".join((folder / name).read_text() for name in names)


def local_settings(folder, run, objects):
    """Say what belongs to this machine only, as the README tells."""
    for key, value in {
        "endpointurl": objects.endpoint,
        "access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
    }.items():
        run(folder, "dvc", "remote", "modify", "--local", "store", key, value)


def test_what_one_clone_pushes_another_pulls_and_no_key_is_in_git(
    objects, run, tmp_path, monkeypatch
):
    first = project(tmp_path / "first", run)
    local_settings(first, run, objects)
    second = tmp_path / "second"
    run(tmp_path, "git", "clone", "-q", str(first), str(second))
    local_settings(second, run, objects)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)  # config.local must do
    assert "secret" not in tracked(first, run)
    assert "5 files pushed" in run(first, "dvc", "push")
    assert len(objects.names("tagsmith/files/md5/")) == 5
    run(second, "dvc", "pull")
    assert (second / "metrics").read_text() == "0\n1\n2\n"
    assert "up to date" in run(second, "dvc", "repro")


def test_documents_are_read_from_a_bucket_as_from_a_folder(objects, run, tmp_path):
    acousticbrainz.write(tmp_path / "task")
    documents = tmp_path / "task" / acousticbrainz.DOCUMENTS
    objects.upload(documents, "train")
    command = (sys.executable, "-m", "tagsmith", "read-documents")
    near = run(tmp_path, *command, str(documents), "--out", "near")
    far = run(tmp_path, *command, f"s3://{BUCKET}/train", "--out", "far")
    assert far.replace("far", "near") == near
    both = [np.load(tmp_path / name / "statistics.npy") for name in ("near", "far")]
    np.testing.assert_array_equal(*both)
    objects.upload(tmp_path / "far", "read")
    again = run(tmp_path, *command, f"s3://{BUCKET}/read", "--out", "again")
    assert again.splitlines()[0] == near.splitlines()[0]


@pytest.mark.usefixtures("objects")
@pytest.mark.parametrize("place", ["nowhere/train", f"{BUCKET}/empty"])
def test_a_bucket_or_prefix_that_is_not_there_is_one_sentence(run, tmp_path, place):
    command = (sys.executable, "-m", "tagsmith", "read-documents", f"s3://{place}")
    told = run(tmp_path, *command, "--out", "out", code=2)
    (line,) = told.splitlines()
    assert f"s3://{place}" in line
