"""The whole way on a tiny experiment: what DVC, MLflow and the command line promise.

One project is made from what git tracks of this one, and run once. A test that changes
anything is given a copy of it.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT
from tests.fakes.experiments import TINY_NETWORKS

pytestmark = [pytest.mark.slow, pytest.mark.keras, pytest.mark.timeout(1200)]

TINY = {
    "dataset.clips": 50,  # the fewest that give every split every tag
    "dataset.clip_seconds": 4.0,
    "dataset.shares": {"train": 0.34, "validation": 0.33, "test": 0.33},
    "zeroshot.withheld": ["reel", "hornpipe", "jig"],  # the dances that these are
    "evaluation.bootstrap_samples": 50,
    "promotion.bootstrap_samples": 50,
    "promotion.floor": 0.0,
    "zeroshot.tags": {"instruments": ["[!sc]*", "sitar", "cello"]},
    "zeroshot.tag_splits": 1,
    **{
        f"architectures.{kind}.{key}": value
        for kind, network in TINY_NETWORKS.items()
        for key, value in network.items()
    },
}
# Of Deep Spectrum one model is enough: each costs a process that loads TensorFlow.
LEFT_OUT = (
    "features.deep_spectrum_5s",
    "fusion.groups.ds_5s",
    *(f"models.ds_5s_{rnn}" for rnn in ("gru", "lstm", "bilstm")),
    *(f"models.ds_1s_{rnn}" for rnn in ("lstm", "bilstm")),
)
TRAIN_GRU = (
    *("mlflow", "run", ".", "-e", "train_crnn", "--env-manager", "local"),
    *("--experiment-name", "tagsmith", "-P", "rnn=gru"),
    *("-P", "store=runs/7", "-P", "set=engine.workers=1 evaluation.confidence=0.9"),
)
INGEST = ("dvc", "repro", "--force", "--single-item", "ingest")
TELL = ("promote", "promote_zeroshot@texture", "report")  # cards and page: everything
IDLE = "Data and pipelines are up to date."
EPOCHS = [1, 2, 3]
STRANGE = ("DVC_", "GIT_", "MLFLOW_", "TAGSMITH_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
GITS_OWN = {
    "README.md",
    "genres/README.md",
    "own/README.md",
    "zeroshot/README.md",
    "reports/metrics.json",
}


@dataclass(frozen=True)
class Project:
    """A clone in which somebody works."""

    root: Path

    @property
    def environment(self):
        """That of an activated .venv, without what the caller set for himself."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(STRANGE)}
        bin_ = Path(sys.executable).parent
        return kept | {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.root / "src"),
            "DVC_NO_ANALYTICS": "true",
            "DVC_GLOBAL_CONFIG_DIR": str(self.root.parent / "dvc"),
            "DVC_SITE_CACHE_DIR": str(self.root.parent / "dvc-site"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def start(self, *command):
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command, code=0):
        process = self.start(*command)
        out, err = process.communicate()
        assert process.returncode == code, f"{command}\n{out}\n{err}"
        return subprocess.CompletedProcess(command, code, out, err)

    def kill(self, *command, once):
        """Run a command until files exist, then kill -9 it and all its children."""
        process = self.start(*command)
        pattern, count = once
        while len(list(self.root.glob(pattern))) < count:
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def hashes(self, folder="data"):
        top = self.root / folder
        return {
            path.relative_to(top).as_posix(): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in top.rglob("*")
            if path.is_file()
        }

    def report(self, name):
        return json.loads((self.root / "data/reports" / f"{name}.json").read_text())

    @property
    def params(self):
        return (self.root / "params.yaml").read_text("utf-8")

    def commit(self):
        self.run("git", "add", ".")
        self.run("git", "commit", "--quiet", "--message", "Run")

    def is_idle(self):
        return self.run("dvc", "repro").stdout.rstrip().endswith(IDLE)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A tiny experiment after `dvc repro`; nobody changes it."""
    project = Project(tmp_path_factory.mktemp("workflow") / "tagsmith")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip(f"needs a git clone: {listed.stderr}")
    for name in listed.stdout.rstrip("\0").split("\0"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project.root / name)
    shrink(project.root / "params.yaml")
    project.run("git", "init", "--quiet", "--initial-branch=main")
    project.run("git", "config", "user.name", "ada")
    project.run("git", "config", "user.email", "ada@example.org")
    project.commit()
    project.run("dvc", "repro")
    project.commit()
    return project


@pytest.fixture
def copy(project, tmp_path):
    """A copy of the project, to be changed."""
    return copied(project, tmp_path)


@pytest.fixture(scope="module")
def experiment(project, tmp_path_factory):
    """A copy of the project in which one model was given another dropout."""
    copy = copied(project, tmp_path_factory.mktemp("experiment"))
    done = copy.run("dvc", "exp", "run", "-S", "++models.crnn_gru.dropout=0.5")
    return copy, done.stdout


def copied(project, folder):
    return Project(
        shutil.copytree(project.root, folder / project.root.name, symlinks=True)
    )


def shrink(path):
    yaml = YAML()
    yaml.width = 200
    tree = yaml.load(path)
    for key, value in TINY.items():
        section, last = found(tree, key)
        section[last] = value
    for key in LEFT_OUT:
        section, last = found(tree, key)
        del section[last]
    yaml.dump(tree, path)


def found(tree, key):
    """The section that holds a dotted key, and the key's name there."""
    *parents, last = key.split(".")
    for parent in parents:
        tree = tree[parent]
    return tree, last


def stages_run(text):
    return re.findall(r"^Running stage '(.+)':$", text, re.MULTILINE)


def plots(page):
    """The data of each plot on a page of `dvc plots`, by title."""
    specs = map(json.loads, re.findall(r"var spec = (\{.*\});$", page, re.MULTILINE))
    return {spec["title"]["text"]: spec["data"]["values"] for spec in specs}


# --- dvc repro


def test_repro_ends_with_a_promoted_ensemble(project):
    promotion = project.report("promotion")
    assert promotion["promoted"] and promotion["alias"] == "champion"
    assert (project.root / "data/reports/report.html").stat().st_size > 100_000
    said = project.run("tagsmith", "where").stdout
    assert said.startswith("tagsmith version 1: promoted to champion")
    assert "tagsmith tag --model models:/tagsmith@champion" in said


def test_a_second_repro_runs_nothing(copy):
    assert copy.is_idle()
    assert not copy.run("git", "status", "--porcelain").stdout


def test_one_models_parameter_makes_that_model_and_what_tells_of_all_stale(copy):
    model = "crnn_lstm: {kind: crnn, feature: logmel, recurrence: lstm"
    text = copy.params.replace(model, f"{model}, dropout: 0.5")
    (copy.root / "params.yaml").write_text(text, "utf-8")
    stale = json.loads(copy.run("dvc", "status", "--json").stdout)
    assert set(stale) == {"train@crnn_lstm", "calibrate", "fuse", *TELL}


def test_pull_brings_back_the_bytes_that_push_took(copy, tmp_path):
    before = copy.hashes()
    copy.run("dvc", "remote", "add", "--default", "here", str(tmp_path / "remote"))
    copy.run("dvc", "push")
    shutil.rmtree(copy.root / ".dvc/cache")
    for name in set(before) - GITS_OWN:
        (copy.root / "data" / name).unlink()
    copy.run("dvc", "pull")
    assert copy.hashes() == before
    assert copy.is_idle()


# --- kill -9


def test_a_training_that_was_killed_ends_as_an_undisturbed_one(project, copy):
    copy.kill(*TRAIN_GRU, once=("runs/7/scratch/train/[!.]*.npz", 1))
    assert not (copy.root / "runs/7/models").exists()
    copy.run(*TRAIN_GRU)
    for folder in ("models/crnn_gru", "scores/crnn_gru"):
        assert copy.hashes(f"runs/7/{folder}") == project.hashes(f"data/{folder}")
    assert epochs_by_run(copy, "crnn_gru") == [EPOCHS, EPOCHS]  # and the undisturbed
    assert copy.hashes() == project.hashes()  # the store took everything


def epochs_by_run(project, name):
    """The epochs that each run of a model recorded."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project.root}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'tagsmith'")
    runs = client.search_runs([experiment.experiment_id])
    histories = [
        client.get_metric_history(run.info.run_id, "loss")
        for run in runs
        if run.info.run_name == name
    ]
    return [sorted({metric.step for metric in history}) for history in histories]


def test_an_ingestion_that_was_killed_ends_as_an_undisturbed_one(project, copy):
    shutil.rmtree(copy.root / "data/raw")
    shutil.rmtree(copy.root / ".tagsmith")
    copy.kill(*INGEST, once=("data/raw/clips/[!.]*.mp3", 12))
    assert len(list(copy.root.glob("data/raw/clips/[!.]*.mp3"))) < TINY["dataset.clips"]
    copy.run(*INGEST)
    assert copy.hashes() == project.hashes()
    assert copy.is_idle()


# --- comparing


def test_the_graph_has_every_stage(project):
    graph = project.run("dvc", "dag").stdout
    stages = project.run("dvc", "stage", "list", "--name-only").stdout.split()
    assert {stage for stage in stages if stage in graph} == set(stages)


def test_an_experiment_runs_that_model_and_what_follows(experiment):
    _, said = experiment
    ran = stages_run(said)
    assert (ran[0], ran[-1]) == ("train@crnn_gru", "report")
    between = {"calibrate", "fuse", "evaluate", "reference"}
    assert set(ran[1:]) == between.union(TELL)


def test_an_experiment_keeps_the_comments_of_the_parameters(project, experiment):
    copy, _ = experiment
    comments = [re.findall(r"#.*", text) for text in (project.params, copy.params)]
    assert comments[0] == comments[1]


def test_an_experiment_on_an_architecture_changes_all_its_models(copy):
    copy.run("dvc", "exp", "run", "-S", "architectures.crnn.dropout=0.5", "extract")
    stale = json.loads(copy.run("dvc", "status", "--json").stdout)
    trained = {f"train@crnn_{rnn}" for rnn in ("gru", "lstm", "bilstm")}
    assert set(stale) == trained.union(TELL)


def test_metrics_differ_from_the_last_commit(experiment):
    copy, _ = experiment
    changed = json.loads(copy.run("dvc", "metrics", "diff", "--json").stdout)
    figures = changed["data/reports/metrics.json"]
    assert "test.crnn_gru.ROC-AUC-macro" in figures
    assert not any("crnn_bilstm" in figure for figure in figures)


def test_plots_show_every_model(project, tmp_path):
    done = project.run("dvc", "plots", "show", "--out", str(tmp_path))
    data = plots((tmp_path / "index.html").read_text("utf-8"))
    curves = ("ROC", "Precision and recall", "Training")
    assert set(data) == {*curves, "Scores", "Co-occurrence"}
    assert all({"crnn_bilstm", "crnn_gru"} <= models(data[curve]) for curve in curves)
    assert not done.stderr


def models(rows):
    return {row["model"] for row in rows}


def test_plots_of_two_revisions_lie_over_one_another(experiment, tmp_path):
    copy, _ = experiment
    done = copy.run("dvc", "plots", "diff", "--out", str(tmp_path))
    data = plots((tmp_path / "index.html").read_text("utf-8"))
    assert all(revisions(rows) == {"HEAD", "workspace"} for rows in data.values())
    assert not done.stderr


def revisions(rows):
    return {row["rev"] for row in rows}


# --- MLflow and the command line


def test_tag_hears_mp3_and_wav_and_says_what_it_cannot_hear(project, tmp_path):
    first = next(project.root.glob("data/raw/clips/*.mp3"))
    second = next(project.root.glob("data/wavs/clips/*.wav"))
    empty, letter = tmp_path / "empty.mp3", tmp_path / "letter.mp3"
    empty.touch()
    letter.write_text("Dear sir or madam")
    files = (empty, first, letter, second, tmp_path / "gone.mp3")
    done = project.run("tagsmith", "tag", "--json", *map(str, files), code=2)
    results = json.loads(done.stdout)
    assert [result["path"] for result in results] == [str(first), str(second)]
    assert {len(result["tags"]) for result in results} == {5}
    assert set(results[0]["tags"][0]) == {"tag", "score", "decision"}
    complaints = re.findall(r"(\w+).mp3 is (?:empty|not)", done.stderr)
    assert complaints == ["empty", "letter", "gone"]


def test_a_profile_is_a_visible_change(copy):
    said = copy.run("tagsmith", "profile", "mediaeval2019").stdout
    assert "git diff" in said
    assert "+profile: mediaeval2019" in copy.run("git", "diff", "params.yaml").stdout


def test_show_prints_what_would_run(project):
    shown = project.run("tagsmith", "show", "--set", "seed=3").stdout
    assert YAML(typ="safe").load(shown)["seed"] == 3


def test_a_wrong_override_is_one_sentence(project):
    done = project.run("tagsmith", "show", "--set", "sede=3", code=2)
    assert "did you mean 'seed'?" in done.stderr
    assert len(done.stderr.splitlines()) == 1
