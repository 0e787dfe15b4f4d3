"""Values put into the text of a `params.yaml`: all other bytes stay as they are."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tagsmith.config.reading import WORD_MODELS, put, value_at
from tagsmith.errors import ConfigError

Edit = tuple[int, int, str]  # from and to which letter, and what stands there instead
INDENT = 2  # of what is added to an entry, on lines of its own
WORD = re.compile(r"(?!(true|false|null|yes|no|on|off|y|n)$)[a-z][\w-]*", re.IGNORECASE)


def with_values(
    text: str, model: str, values: Mapping[str, Any], section: Mapping[str, Any]
) -> str:
    """Return a `params.yaml` in which a model has other values.

    What its own entry holds already is replaced where it stands, the rest is added to
    it; comments, order and spaces stay. A list of the architecture's is copied whole,
    as an entry can only replace it.

    Args:
        text: The file's.
        model: Whose values.
        values: By dotted key below the model.
        section: The model's as resolved, with its architecture's keys.

    Raises:
        ConfigError: The model has no entry of its own.
    """
    wanted = _difference(values, section)
    root = YAML(typ="safe", pure=True).compose(text)
    for name, key, entry in _entries(root):
        if name == model and isinstance(entry, MappingNode):
            comma = f",\n{' ' * (key.start_mark.column + INDENT)}"
            edits = sorted(_edits(text, entry, wanted, comma), reverse=True)
            for begin, end, new in edits:
                text = text[:begin] + new + text[end:]
            return text
    raise ConfigError(
        f"params.yaml has no entry {model!r} with keys below `models` or "
        f"`{WORD_MODELS}`, so nothing can be put into it"
    )


def with_entries(text: str, section: str, values: Mapping[str, Any]) -> str:
    """Return a `params.yaml` in which a section says something else.

    Mappings are merged into those that are there; comments, order and spaces stay.

    Args:
        text: The file's.
        section: One of those at the top.
        values: By key below the section.

    Raises:
        ConfigError: There is no such section.
    """
    entry = _children(YAML(typ="safe", pure=True).compose(text)).get(section)
    if not isinstance(entry, MappingNode):
        raise ConfigError(f"params.yaml has no section {section!r} with keys in it")
    for begin, end, new in sorted(_edits(text, entry, values), reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def flow(value: Any) -> str:  # noqa: ANN401 - any YAML
    """Write a value in one line, as every YAML parser reads it.

    >>> flow({"a": [1, 1e-05, None], "b": True, "c": "two words", "d": "no"})
    '{a: [1, 1.0e-05, null], b: true, c: "two words", d: "no"}'
    """
    match value:
        case dict():
            inside = (f"{flow(key)}: {flow(each)}" for key, each in value.items())
            return f"{{{', '.join(inside)}}}"
        case list() | tuple():
            return f"[{', '.join(map(flow, value))}]"
        case float():
            # YAML 1.1 takes 1e-05 for a word.
            return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
        case str() if WORD.fullmatch(value):
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def _difference(
    values: Mapping[str, Any], section: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what an entry must say for its model to have these values."""
    changed = copy.deepcopy(dict(section))
    for key, value in values.items():
        put(changed, key, value)
    wanted: dict[str, Any] = {}
    for key, value in values.items():
        if value_at(section, key) == value:
            continue
        place, there = wanted, changed
        *parents, last = key.split(".")
        for part in parents:
            there = there[part]
            if isinstance(there, list):
                place[part] = there
                break
            place = place.setdefault(part, {})
        else:
            place[last] = value
    return wanted


def _edits(
    text: str, node: MappingNode, wanted: Mapping[str, Any], comma: str = ", "
) -> Iterator[Edit]:
    """Yield what turns a mapping's text into one that holds what is wanted.

    Args:
        text: All of it.
        node: The mapping.
        wanted: Values by key; mappings are merged into those that are there.
        comma: What stands between the entries of a mapping in braces.
    """
    there = _children(node)
    added = []
    for key, value in wanted.items():
        if key in there:
            yield from _replaced(text, there[key], value)
        else:
            added.append(f"{key}: {flow(value)}")
    if not added:
        return
    if node.flow_style:
        place = node.end_mark.index - 1  # in front of the brace
        yield place, place, (comma if there else "") + comma.join(added)
    else:
        place = node.start_mark.index
        between = f"\n{' ' * node.start_mark.column}"
        yield place, place, "".join(each + between for each in added)


def _replaced(text: str, node: Node, value: Any) -> Iterator[Edit]:  # noqa: ANN401
    """Yield what gives a node another value, touching as little as can be."""
    if isinstance(node, MappingNode) and isinstance(value, dict):
        yield from _edits(text, node, value)
        return
    same = isinstance(node, SequenceNode) and isinstance(value, list)
    if same and len(node.value) == len(value):
        for each, new in zip(node.value, value, strict=True):
            yield from _replaced(text, each, new)
        return
    begin, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, ScalarNode):  # in block style it ends where the next begins
        end = begin + len(text[begin:end].rstrip())
    new = flow(value)
    if new != text[begin:end]:
        yield begin, end, new


def _children(node: Node) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: value for key, value in node.value}


def _entries(root: Node) -> Iterator[tuple[str, Node, Node]]:
    """Yield every model's name, where that stands, and what it stands for."""
    for section, models in _children(root).items():
        if section in {"models", WORD_MODELS} and isinstance(models, MappingNode):
            for key, entry in models.value:
                yield key.value, key, entry
