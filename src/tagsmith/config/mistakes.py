"""What is wrong with an experiment, in words of `params.yaml`."""

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ValidationError

from tagsmith.config.section import Section

# keys whose kinds differ
UNIONS = ("dataset", "engine", "trunk", "network", "sampler", "pruner")


def explained(error: ValidationError, path: Path) -> str:
    """Name every mistake of an experiment with its place."""
    lines = []
    for mistake in error.errors():
        place = _place(mistake["loc"])
        message = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            message = f"unknown key{nearest(str(mistake['loc'][-1]), _field_names())}"
        elif mistake["type"] == "missing":
            message = "this key is missing"
        elif not isinstance(mistake["input"], dict):
            message += f" (got {mistake['input']!r})"
        lines.append(f"  {place}: {message}" if place else f"  {message}")
    return f"{path} is not a valid experiment:\n" + "\n".join(lines)


def nearest(word: str, words: object) -> str:
    """Return a hint at the most similar of some words, empty if none is similar."""
    names = [str(w) for w in words] if isinstance(words, Iterable) else []
    match = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f" (did you mean {match[0]!r}?)" if match else ""


@cache
def _kinds(section: type[BaseModel] = Section) -> set[str]:
    kind = section.model_fields.get("kind")
    kinds = set(get_args(kind.annotation)) if kind else set()
    for child in section.__subclasses__():
        kinds |= _kinds(child)
    return kinds


def _field_names(section: type[BaseModel] = Section) -> set[str]:
    names = set(section.model_fields)
    for child in section.__subclasses__():
        names |= _field_names(child)
    return names


def _place(location: tuple[int | str, ...]) -> str:
    # pydantic puts a union's tag behind the key; a user never wrote it there.
    parts = [
        part
        for number, part in enumerate(location)
        if not _is_tag(part, location[:number])
    ]
    return ".".join(map(str, parts))


def _is_tag(part: int | str, before: tuple[int | str, ...]) -> bool:
    in_union = before and before[-1] in UNIONS
    named = len(before) == 2 and before[0] in {"models", "features", "vectors"}  # noqa: PLR2004 - models.<name>
    searched = len(before) == 4 and before[:2] == ("tuning", "spaces")  # noqa: PLR2004 - .<model>.<key>
    return bool(in_union or named or searched) and part in _kinds()
