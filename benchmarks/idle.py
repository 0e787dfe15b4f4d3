"""`dvc repro` when everything is up to date, against the least that DVC takes.

Two scratch repositories: one has our `dvc.yaml`, with every command replaced by one
that makes the same outputs, small, but as many audio files as `params.yaml` asks for;
the other has one stage with one output. DVC's floor is its idle `repro` of the second:
starting Python, importing DVC, taking its locks and finding nothing to do.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.ratios import Ratio, quotients, taking_turns
from tagsmith.config import read_yaml

TURNS, QUICK_TURNS = 5, 1
FILES, QUICK_FILES = 800, 10  # audio files in data/raw and in data/wavs
AUDIO = {"data/raw": "mp3", "data/wavs": "wav"}
UP_TO_DATE = "Data and pipelines are up to date"
SOURCES = (
    *("src", "expectations", "params.yaml", "dvc.yaml", ".dvcignore", "data/own"),
    *("data/genres/README.md", "data/zeroshot/README.md"),  # a clone has the folders
)


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Reproduce both once, then time how long nothing takes."""
    files = QUICK_FILES if quick else FILES
    ours, floor = folder / "ours", folder / "floor"
    stages = _our_shape(ours, files)
    _one_stage(floor)
    for place in (ours, floor):
        _run(place, "git", "init", "--quiet")
        _run(place, sys.executable, "-m", "dvc", "init", "--quiet")
        shutil.copy(data.ROOT / ".dvc/config", place / ".dvc/config")
        _repro(place)
    seconds = taking_turns(
        {"ours": lambda: _idle(ours), "floor": lambda: _idle(floor)},
        QUICK_TURNS if quick else TURNS,
        clock=time.perf_counter,
    )
    idle, least = (sorted(each)[len(each) // 2] for each in seconds.values())
    yield Ratio(
        "idle `dvc repro`, time of DVC's floor",
        quotients(seconds["ours"], seconds["floor"]),
        at_most=2.0,
        note=f"{stages} stages and 2 x {files} files {idle:.1f} s, "
        f"one stage and one file {least:.1f} s",
    )


def _our_shape(place: Path, files: int) -> int:
    """Copy our pipeline but for its work; return how many stages it has."""
    place.mkdir()
    for name in SOURCES:
        source, copy = data.ROOT / name, place / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    path = place / "dvc.yaml"
    tree = read_yaml(path)
    for entry in tree["stages"].values():
        stage = entry.get("do", entry)
        outputs = [
            _path(out)
            for kind in ("outs", "metrics", "plots")
            for out in stage.get(kind, [])
        ]
        stage["cmd"] = " && ".join(_make(output, files) for output in outputs) or "true"
    path.write_text(json.dumps(tree), "utf-8")  # JSON is YAML
    params = read_yaml(place / "params.yaml")
    sections = (entry.get("foreach", "") for entry in tree["stages"].values())
    return sum(len(_section(params, each)) if each else 1 for each in sections)


def _section(params: dict[str, Any], text: str) -> Any:  # noqa: ANN401 - map or list
    """Return what `${...}` stands for in `params.yaml`."""
    found: Any = params
    for key in text.strip("${}").split("."):
        found = found[key]
    return found


def _one_stage(place: Path) -> None:
    place.mkdir()
    stage = {"cmd": "cp before after", "deps": ["before"], "outs": ["after"]}
    (place / "before").write_text("something\n", "utf-8")
    (place / "dvc.yaml").write_text(json.dumps({"stages": {"one": stage}}), "utf-8")


def _path(output: str | dict[str, Any]) -> str:
    return output if isinstance(output, str) else next(iter(output))


def _make(output: str, files: int) -> str:
    """Return a shell command that makes an output, DVC's `${key}` left in it."""
    if Path(output).suffix and not output.endswith("}"):
        return f"mkdir -p {Path(output).parent} && echo {output} > {output}"
    suffix = AUDIO.get(output)
    names = f"$(seq -f {output}/%04g.{suffix} {files})" if suffix else f"{output}/one"
    return f"mkdir -p {output} && for f in {names}; do echo $f > $f; done"


def _repro(place: Path) -> str:
    return _run(place, sys.executable, "-m", "dvc", "repro")


def _idle(place: Path) -> None:
    if UP_TO_DATE not in (said := _repro(place)):
        raise RuntimeError(f"{place}: expected an idle `dvc repro`, got {said!r}")


def _run(place: Path, *command: str) -> str:
    """Run a command and return what it prints."""
    env = os.environ | {"DVC_NO_ANALYTICS": "true"}
    done = subprocess.run(
        command, cwd=place, env=env, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout
