"""dvc.yaml, params.yaml, MLproject, the modules and the commands agree."""

import fnmatch
import functools
import re
import shlex

import grimp
import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from tagsmith.cli import app
from tagsmith.config import Params, read_yaml
from tests.conftest import ROOT

PARAMS = read_yaml(ROOT / "params.yaml")
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
    "tagsmith.engine.dask",
    "tagsmith.engine.loky",
    "tagsmith.engine.ray",
    "tagsmith.engine.there",
    "tagsmith.engine.window",
    "tagsmith.errors",
    "tagsmith.models",
    "tagsmith.quiet",
    "tagsmith.shards",
    "tagsmith.store",
    "tagsmith.tracking",
    "tagsmith.tracking.commit",
    "tagsmith.tracking.recording",
    "tagsmith.tracking.server",
    # Only checks: what it lets pass is what would have been written without it.
    "tagsmith.quality.expectations",
    "tagsmith.quality.findings",
    "tagsmith.quality.suites",
}
TAGGERS = (
    "tagsmith.models.crnn",
    "tagsmith.models.melband_fcn",
    "tagsmith.models.recurrence",
)
# What a stage's module runs for models that this stage does not train.
OTHERS = {
    "train": (
        "tagsmith.models.siamese",
        "tagsmith.models.words",
        "tagsmith.vectors",
        "tagsmith.openmic",
    ),
    "train_word_model": TAGGERS,
    "evaluate_zeroshot": TAGGERS,
    "evaluate_genres": ("tagsmith.models.words",),
}
every_stage = pytest.mark.parametrize("stage", PIPELINE)


def body(stage):
    """What a stage is, or each of those that `foreach` makes."""
    return PIPELINE[stage].get("do", PIPELINE[stage])


def module(stage):
    """The module that a stage's command runs, if need be through MLflow."""
    words = shlex.split(body(stage)["cmd"])
    if words[0] == "mlflow":
        entry_point = words[words.index("-e") + 1]
        words = shlex.split(PROJECT[entry_point]["command"])
    return words[words.index("tagsmith") + 1].replace("-", "_")


def expanded(text, stage):
    """The values of one string, one for each entry of the section of `foreach`."""
    section = PIPELINE[stage].get("foreach")
    entries = section_of(section) if section else {"": {}}
    if isinstance(entries, list):
        entries = {item: {} for item in entries or ["none"]}
    texts = set()
    for name, entry in entries.items():
        filled = text.replace("${key}", name).replace("${item}", name)
        for key, value in entry.items() if isinstance(entry, dict) else ():
            filled = filled.replace(f"${{item.{key}}}", str(value))
        texts.add(filled)
    return texts


def section_of(text):
    """The section of params.yaml that `${...}` stands for."""
    keys = text.strip("${}").split(".")
    return functools.reduce(dict.__getitem__, keys, PARAMS)


def test_every_stage_has_a_module_a_command_and_an_entry_point():
    commands = {name.replace("-", "_") for name in get_command(app).commands}
    assert {module(stage) for stage in PIPELINE} == MODULES
    assert set(PIPELINE) >= MODULES
    assert commands >= MODULES
    assert set(PROJECT) >= MODULES


@every_stage
def test_every_stage_says_what_it_is_for(stage):
    assert body(stage)["desc"].endswith(".")


@every_stage
def test_no_command_carries_a_number(stage):
    assert not re.search(r"\d", body(stage)["cmd"])


@every_stage
def test_a_stage_depends_on_all_the_code_that_it_runs(stage):
    graph = grimp.build_graph("tagsmith")
    needed, queue = set(), [f"tagsmith.stages.{module(stage)}"]
    while queue:
        current = queue.pop()
        if current in needed | PLUMBING or current.startswith(OTHERS.get(stage, ())):
            continue
        needed.add(current)
        queue += graph.find_modules_directly_imported_by(current)
    patterns = {p for dep in body(stage)["deps"] for p in expanded(dep, stage)}
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
        for stage in PIPELINE
        for text in body(stage).get("params", [])
        for param in expanded(text, stage)
    }
    # Where work runs and where runs are logged changes no result, nor does tuning
    # before `tagsmith adopt` writes into `models`; drift is asked about afterwards.
    free = {"engine", "experiment", "tuning", "drift"}
    for key in PARAMS:
        assert key in free or any(param.split(".")[0] == key for param in tracked), key


def test_what_python_compiles_is_no_source():
    ignored = (ROOT / ".dvcignore").read_text().splitlines()
    assert "__pycache__" in ignored  # else a stage's first import makes it stale


def test_the_features_vectors_and_models_of_params_yaml_are_the_graph():
    sections = {stage: entry.get("foreach") for stage, entry in PIPELINE.items()}
    assert {stage: text for stage, text in sections.items() if text} == {
        "extract": "${features}",
        "vectors": "${vectors}",
        "train": "${models}",
        "train_word_model": "${word_models}",
        "evaluate_zeroshot": "${word_models}",
        "evaluate_genres": "${genres.submitted}",
        "promote_zeroshot": "${zeroshot.registered}",
    }


@pytest.mark.parametrize("profile", sorted(ROOT.glob("profiles/*.yaml")), ids=str)
def test_a_model_names_what_the_graph_asks_of_it(profile):
    """DVC reads the profile as it stands, without the blocks of architectures."""
    tree = read_yaml(profile)
    for model in tree["models"].values():
        assert model["feature"] in tree["features"]
        assert (ROOT / f"src/tagsmith/models/{model['kind']}.py").is_file()
    assert all(feature["audio"] for feature in tree["features"].values())


def test_params_yaml_starts_as_the_default_profile():
    profile = ROOT / "profiles" / "scores.yaml"
    assert (ROOT / "params.yaml").read_text() == profile.read_text()


@pytest.mark.parametrize("profile", sorted(ROOT.glob("profiles/*.yaml")), ids=str)
def test_every_profile_is_a_valid_experiment(profile):
    assert Params.load(profile).profile == profile.stem


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-train.lock"])
def test_no_lock_names_an_index(name):
    assert "://" not in (ROOT / name).read_text()
