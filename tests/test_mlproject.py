"""MLproject, dvc.yaml, the command line and the lock files agree."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.projects import utils as projects
from ruamel.yaml import YAML
from typer.main import get_command

from tagsmith import cli
from tests.conftest import ROOT

STAGES = {path.stem for path in (ROOT / "src/tagsmith/stages").glob("[a-z]*.py")}
PROJECT = YAML(typ="safe").load(ROOT / "MLproject")
RENDERER = {"music21", "pretty-midi", "tinysoundfont", "pyaudio"}


def words(entry_point):
    """Return what follows `python -m tagsmith` in an entry point's command."""
    command = PROJECT["entry_points"][entry_point]["command"]
    return command.partition("python -m tagsmith ")[2].split()


def command(entry_point, **parameters):
    project = projects.load_project(ROOT)
    return project.get_entry_point(entry_point).compute_command(parameters, None)


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    found = (re.match(r"([\w.-]+)==([\w.+!]+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_every_stage_is_an_entry_point():
    assert set(PROJECT["entry_points"]) >= STAGES
    run = {words(entry_point)[0] for entry_point in PROJECT["entry_points"]}
    assert {name.replace("-", "_") for name in run} == STAGES | {"tune"}


def test_every_entry_point_is_a_command():
    known = set(get_command(cli.app).commands)
    assert known >= {words(entry_point)[0] for entry_point in PROJECT["entry_points"]}


def test_what_dvc_runs_through_mlflow_is_an_entry_point():
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"].values()
    commands = [shlex.split(stage.get("do", stage)["cmd"]) for stage in stages]
    launched = {cmd[4] for cmd in commands if cmd[:4] == ["mlflow", "run", ".", "-e"]}
    assert launched <= set(PROJECT["entry_points"])
    assert launched


def test_a_study_has_twenty_trials_unless_told_otherwise():
    assert command("tune", model="multiscale").endswith("multiscale --trials 20")
    run = command("tune", model="crnn_bilstm", trials="7")
    assert run.endswith("tagsmith tune crnn_bilstm --trials 7")


def test_a_recurrence_names_a_model():
    assert command("train_crnn", rnn="bilstm").endswith("tagsmith train crnn_bilstm")
    assert command("train_crnn").endswith("tagsmith train crnn_gru")


def test_a_window_and_a_recurrence_name_a_model():
    run = command("train_deep_spectrum", rnn="lstm", window="1s")
    assert run.endswith("tagsmith train ds_1s_lstm")


def test_a_word_model_is_the_siamese_one_unless_another_is_named():
    assert command("train_siamese").endswith("tagsmith train siamese")
    run = command("train_siamese", model="texture")
    assert run.endswith("tagsmith train texture")


@pytest.mark.parametrize("sources", ["", "allmusic,discogs"])
def test_the_sources_of_genres_are_those_that_are_named(sources):
    given = {"sources": sources} if sources else {}
    run = command("train_melband_fcn", **given, store="runs/two")
    typed = ["train", "melband_fcn", "--sources", sources, "--store", "runs/two"]
    assert shlex.split(run)[-len(typed) :] == typed


def test_overrides_arrive_as_options():
    run = command(
        "train_crnn", rnn="gru", set="seed=7 engine.workers=1", store="runs/7"
    )
    assert shlex.split(run)[-4:] == [
        *("--set", "seed=7 engine.workers=1"),
        *("--store", "runs/7"),
    ]


@pytest.mark.parametrize("active", [True, False])
def test_python_is_that_of_the_active_environment_else_of_dot_venv(tmp_path, active):
    for folder in (".venv", "active"):
        python = tmp_path / folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\necho "{folder} $PYTHONPATH $*"\n')
        python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"]}
    if active:
        environment["VIRTUAL_ENV"] = str(tmp_path / "active")
    said = subprocess.check_output(
        ["bash", "-c", command("fuse")], cwd=tmp_path, env=environment, text=True
    )
    assert said.split() == [
        "active" if active else ".venv",
        *("src", "-m", "tagsmith", "fuse"),
    ]


@pytest.fixture
def says(tmp_path):
    """Run an entry point in a folder where programs only say what they are asked."""
    for program in ("make", "python"):
        path = tmp_path / "active" / "bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        variables = "${MLFLOW_RUN_ID-} ${VIRTUAL_ENV-} ${PYTHONPATH-}"
        path.write_text(f"#!/bin/sh\necho {program} $* for: {variables}\n")
        path.chmod(0o755)
    active = {"VIRTUAL_ENV": "active", "MLFLOW_RUN_ID": "7", "PYTHONPATH": "other"}
    path = {"PATH": f"{tmp_path}/active/bin:{os.environ['PATH']}"}

    def says(run):
        return subprocess.check_output(
            ["bash", "-c", run], cwd=tmp_path, env=path | active, text=True
        ).splitlines()

    return says


def put(folder, *names):
    for name in names:
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).touch()


@pytest.mark.parametrize("have_features", [True, False])
def test_training_has_missing_features_made_in_dot_venv(tmp_path, says, have_features):
    if have_features:
        put(tmp_path, "features/logmel/index.parquet")
    said = says(command("train_crnn", rnn="lstm"))
    assert ("make features FEATURES=extract@logmel for:" in said) is not have_features
    assert said[-1] == "python -m tagsmith train crnn_lstm for: 7 active src"


HEARD, MEANT = "features/logmel_22050/index.parquet", "vectors/glove/vectors.json"


@pytest.mark.parametrize("there", [[], [HEARD], [MEANT], [HEARD, MEANT]], ids=str)
def test_a_siamese_network_has_its_vectors_made_too(tmp_path, says, there):
    put(tmp_path, *there)
    made, trained = (says(command("train_siamese"))[place] for place in (0, -1))
    both = "make features FEATURES=extract@logmel_22050 vectors@glove for:"
    assert (made == both) is (len(there) < 2)
    assert trained == "python -m tagsmith train siamese for: 7 active src"


def test_the_training_environment_has_the_versions_of_the_whole_one():
    whole, training = pins("requirements.lock"), pins("requirements-train.lock")
    assert training.items() <= whole.items()
    assert training.keys() >= {"tensorflow", "keras", "mlflow", "soundfile"}


def test_the_training_environment_has_no_renderer():
    assert not RENDERER & pins("requirements-train.lock").keys()


def test_mlflow_finds_the_lock_that_python_env_names():
    (dependency,) = YAML(typ="safe").load(ROOT / "python_env.yaml")["dependencies"]
    assert (ROOT / dependency.removeprefix("-r ")).is_file()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-train.lock"])
def test_locks_name_no_index(name):
    assert not re.search(r"://|--index|--find-links", (ROOT / name).read_text())


@pytest.fixture
def stand_in(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    return shutil.copy(ROOT / "tools" / "pyenv", tmp_path / "bin")


def test_without_pyenv_the_stand_in_offers_the_python_at_hand(stand_in):
    version = sys.version.split()[0]
    subprocess.run([stand_in, "install", "--skip-existing", version], check=True)
    root = subprocess.check_output([stand_in, "root"], text=True).strip()
    python = Path(root, "versions", version, "bin", "python")
    assert (
        subprocess.check_output([python, "--version"], text=True).split()[1] == version
    )


def test_the_stand_in_has_no_other_python(stand_in):
    done = subprocess.run(
        [stand_in, "install", "2.7.18"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "not 2.7.18" in done.stderr


@pytest.fixture
def clone(tmp_path):
    """As much of the project as `mlflow run` needs before anything is trained."""
    for name in ("MLproject", "python_env.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "data/features/logmel").mkdir(parents=True)
    (tmp_path / "data/features/logmel/index.parquet").touch()  # nothing to make
    return tmp_path


@pytest.mark.slow
def test_mlflow_run_refuses_a_parameter_that_no_option_takes(clone):
    mlflow = (sys.executable, "-m", "mlflow", "run", ".", "--env-manager", "local")
    tracking = {"MLFLOW_TRACKING_URI": f"sqlite:///{clone}/mlflow.db"}
    done = subprocess.run(
        [*mlflow, "-e", "train_crnn", "-P", "rnn=gru", "-P", "extra=1"],
        cwd=clone,
        env=os.environ | {"VIRTUAL_ENV": sys.prefix} | tracking,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "No such option: --extra" in done.stderr
