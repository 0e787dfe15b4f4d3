"""dvc.yaml, params.yaml, MLproject, the modules and the commands agree."""

import fnmatch
import re

import grimp
import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from tagsmith.cli import app
from tagsmith.config import Params, read_yaml
from tests.conftest import ROOT

PIPELINE = read_yaml(ROOT / "dvc.yaml")["stages"]
PROJECT = YAML(typ="safe").load((ROOT / "MLproject").read_text())["entry_points"]
MODULES = {path.stem for path in (ROOT / "src/tagsmith/stages").glob("*.py")} - {
    "__init__"
}

# What every stage is built on. An edit here must not train the models again; who
# changes what one of these computes bumps a parameter or runs `dvc repro -f`.
PLUMBING = {
    "tagsmith",
    "tagsmith.config",
    "tagsmith.engine",
    "tagsmith.errors",
    "tagsmith.models",
    "tagsmith.quiet",
    "tagsmith.shards",
    "tagsmith.store",
    "tagsmith.tracking",
    "tagsmith.tracking.recording",
    "tagsmith.tracking.server",
    # Only checks: what it lets pass is what would have been written without it.
    "tagsmith.quality.expectations",
    "tagsmith.quality.findings",
    "tagsmith.quality.suites",
}
every_stage = pytest.mark.parametrize("stage", PIPELINE)


def module_of(stage):
    """Stages that train or extract say what behind their module's name."""
    return stage.partition("_")[0]


def expanded(text, stage):
    """The values that a matrix gives one string."""
    matrix = PIPELINE[stage].get("matrix", {})
    texts = {text}
    for key, items in matrix.items():
        texts = {t.replace(f"${{item.{key}}}", item) for t in texts for item in items}
    return texts


def test_every_stage_has_a_module_a_command_and_an_entry_point():
    commands = set(get_command(app).commands)
    assert {module_of(stage) for stage in PIPELINE} == MODULES
    assert commands >= MODULES
    assert set(PROJECT) >= set(PIPELINE) | MODULES


@every_stage
def test_every_stage_says_what_it_is_for(stage):
    assert PIPELINE[stage]["desc"].endswith(".")


@every_stage
def test_no_command_carries_a_number(stage):
    assert not re.search(r"\d", PIPELINE[stage]["cmd"])


@every_stage
def test_a_stage_depends_on_all_the_code_that_it_runs(stage):
    graph = grimp.build_graph("tagsmith")
    module = f"tagsmith.stages.{module_of(stage)}"
    needed, queue = set(), [module]
    while queue:
        current = queue.pop()
        if current in needed or current in PLUMBING:
            continue
        needed.add(current)
        queue += graph.find_modules_directly_imported_by(current)
    patterns = {p for dep in PIPELINE[stage]["deps"] for p in expanded(dep, stage)}
    missing = {name for name in needed if not covered(name, patterns)}
    assert not missing


def covered(module, patterns):
    path = f"src/{module.replace('.', '/')}"
    candidates = {f"{path}.py", f"{path}/__init__.py"}
    return any(
        fnmatch.fnmatch(candidate, pattern) or candidate.startswith(f"{pattern}/")
        for pattern in patterns
        for candidate in candidates
    )


def test_every_parameter_makes_some_stage_stale():
    tracked = {
        param
        for stage, entry in PIPELINE.items()
        for text in entry.get("params", [])
        for param in expanded(text, stage)
    }
    # Where work runs and where runs are logged changes no result.
    free = {"engine", "experiment"}
    for key in read_yaml(ROOT / "params.yaml"):
        assert key in free or any(param.split(".")[0] == key for param in tracked), key


def test_every_model_of_the_default_experiment_is_trained_calibrated_and_fused():
    models = set(Params.load(ROOT / "params.yaml").models)
    trained = {
        out.removeprefix("data/models/")
        for stage, entry in PIPELINE.items()
        if module_of(stage) == "train"
        for text in entry["outs"]
        if text.startswith("data/models/")
        for out in expanded(text, stage)
    }
    assert trained == models
    assert set(PIPELINE["calibrate"]["matrix"]["model"]) == models
    assert models <= {dep.split("/")[-1] for dep in PIPELINE["fuse"]["deps"]}


def test_params_yaml_starts_as_the_default_profile():
    profile = ROOT / "profiles" / "scores.yaml"
    assert (ROOT / "params.yaml").read_text() == profile.read_text()


@pytest.mark.parametrize("profile", sorted(ROOT.glob("profiles/*.yaml")), ids=str)
def test_every_profile_is_a_valid_experiment(profile):
    assert Params.load(profile).profile == profile.stem


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-train.lock"])
def test_no_lock_names_an_index(name):
    assert "://" not in (ROOT / name).read_text()
