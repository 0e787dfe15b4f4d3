"""From a file of YAML and overrides to a tree of plain values."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tagsmith.config.mistakes import nearest
from tagsmith.errors import ConfigError

WORD_MODELS = "word_models"  # their stage needs tag vectors: a section of its own


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; only plain data, no tags, no duplicate keys.

    Raises:
        ConfigError: The file is missing, not UTF-8, not YAML, or not a mapping.
    """
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not there; run in the repository's root or give --params FILE"
        ) from error
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        first_line = " ".join(str(error).split())[:300]
        raise ConfigError(f"{path} is not valid YAML: {first_line}") from error
    if not isinstance(tree, dict):
        raise ConfigError(
            f"{path} must hold sections (`key: value`), got {type(tree).__name__}"
        )
    return tree


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `key=value` words into overrides; values are read as YAML.

    Raises:
        ConfigError: A word has no `=`, or its value is not YAML.
    """
    overrides = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key:
            raise ConfigError(f"expected key=value, got {assignment!r}")
        try:
            overrides[key.strip()] = YAML(typ="safe", pure=True).load(value)
        except YAMLError as error:
            raise ConfigError(f"the value in {assignment!r} is not YAML") from error
    return overrides


def resolved(path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Read an experiment with every model completed by its architecture's block.

    Args:
        path: A `params.yaml`.
        overrides: Values by dotted key; those of architectures reach their models.

    Raises:
        ConfigError: It cannot be read, or an override's key is unknown.
    """
    tree = read_yaml(path)
    overrides = {_placed(key): value for key, value in overrides.items()}
    shared = {key for key in overrides if key.split(".")[0] == "architectures"}
    for key in sorted(shared):
        put(tree, key, overrides[key])
    _resolve_models(tree)
    for key, value in overrides.items():
        if key not in shared:
            put(tree, key, value)
    return tree


def _placed(key: str) -> str:
    """Return where a key is when word models are among the models."""
    section, dot, rest = key.partition(".")
    return f"models.{rest}" if section == WORD_MODELS and dot else key


def _resolve_models(tree: dict[str, Any]) -> None:
    """Complete each model by its architecture's block; word models are models too."""
    sections = ("architectures", WORD_MODELS)
    architectures, word_models = (tree.pop(key, {}) for key in sections)
    models: Any = tree.get("models")
    held = (architectures, word_models, models)
    for key, section in zip((*sections, "models"), held, strict=True):
        if not isinstance(section, dict):
            raise ConfigError(
                f"params.yaml: `{key}` must hold sections by name, got "
                f"{type(section).__name__}"
            )
    if twice := sorted(models.keys() & word_models.keys()):
        raise ConfigError(
            f"params.yaml: {twice} are in `models` and in `{WORD_MODELS}`; rename some"
        )
    models |= word_models
    for name, model in models.items():
        kind = model.get("kind") if isinstance(model, dict) else None
        models[name] = _merged(architectures.get(kind, {}), model)


def _merged(base: object, difference: object) -> Any:  # noqa: ANN401 - any YAML
    """Return a fresh copy of `base` in which the keys of `difference` are replaced."""
    if not isinstance(base, dict) or not isinstance(difference, dict):
        return copy.deepcopy(difference)
    keys = [*base, *(key for key in difference if key not in base)]
    return {
        key: _merged(base.get(key), difference.get(key, base.get(key))) for key in keys
    }


def put(tree: dict[str, Any], key: str, value: object) -> None:
    """Replace what stands at a dotted key.

    Raises:
        ConfigError: There is nothing; a new key is no override.
    """
    parents, _, last = key.rpartition(".")
    section: Any = value_at(tree, parents) if parents else tree
    section[_place(section, last, key=key, here=parents)] = value


def value_at(tree: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - any YAML
    """Return what stands at a dotted key; a number is a place in a list.

    Raises:
        ConfigError: There is nothing.
    """
    section: Any = tree
    parts = key.split(".")
    for depth, part in enumerate(parts):
        here = ".".join(parts[:depth])
        section = section[_place(section, part, key=key, here=here)]
    return section


def _place(section: object, part: str, *, key: str, here: str) -> str | int:
    """Return by what a part of a key is found in its section."""
    if isinstance(section, list) and part.isdigit() and int(part) < len(section):
        return int(part)
    if isinstance(section, dict) and part in section:
        return part
    known = sorted(section) if isinstance(section, dict) else section
    raise ConfigError(
        f"cannot set {key}: {here or 'params.yaml'} has no {part!r}"
        f"{nearest(part, known)}; it has {known}"
    )
