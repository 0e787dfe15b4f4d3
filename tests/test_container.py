"""The container's recipe: nobody builds it here, but what it names exists."""

import json
import re
import shlex

from typer.main import get_command

from tagsmith.cli import app
from tests.conftest import ROOT

RECIPE = (ROOT / "containers/Containerfile").read_text()
LINES = [
    line
    for line in RECIPE.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]


def told(word):
    """The arguments of every line that starts with a word."""
    return [line.split(maxsplit=1)[1] for line in LINES if line.split()[0] == word]


def test_it_knows_only_what_a_recipe_may_say():
    words = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE"}
    assert {line.split()[0] for line in LINES} == words | {"HEALTHCHECK", "CMD"}


def test_its_base_is_pinned_and_it_does_not_run_as_root():
    (base,) = told("FROM")
    assert re.search(r":\d+\.\d+\.\d+", base)
    assert told("USER") == ["tagsmith"]
    assert LINES.index("USER tagsmith") > max(map(LINES.index, copies()))


def copies():
    return [line for line in LINES if line.startswith("COPY")]


def test_what_it_copies_is_in_the_repository():
    for line in copies():
        *sources, _ = shlex.split(line)[1:]
        assert all((ROOT / each).exists() for each in sources)


def test_its_command_is_one_of_ours_with_options_that_it_has():
    program, name, *options = json.loads(told("CMD")[-1])
    command = get_command(app).commands[name]
    known = {option for each in command.params for option in each.opts}
    assert program == "tagsmith"
    assert {each for each in options if each.startswith("--")} <= known


def test_its_uv_is_that_of_the_makefile():
    (version,) = re.findall(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert f"uv=={version}" in RECIPE
