"""A model card as Markdown: whole, or as short as MLflow's description allows.

Names come from other people's manifests and are escaped wherever they are put.
"""

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from tagsmith.reporting.page import TEMPLATES, spoken

LONGEST_DESCRIPTION = 5000  # letters, of a version in MLflow's database
MARKS = re.compile(r"([\\`*_\[\]<>#|~])")


class Code(str):
    """Text that is Markdown already."""

    __slots__ = ()


def markdown(card: Mapping[str, Any], parameters: str) -> str:
    """Lay a whole card out.

    Args:
        card: As `tagsmith.cards` gathers it.
        parameters: The resolved parameters, as YAML.
    """
    return _render(card, parameters=parameters, whole=True)


def description(card: Mapping[str, Any], whereabouts: str) -> str:
    """Lay the most important of a card out, for MLflow.

    Args:
        card: As `tagsmith.cards` gathers it.
        whereabouts: A sentence of Markdown that says where the whole card is.

    Returns:
        At most `LONGEST_DESCRIPTION` letters; what does not fit is cut between lines.
    """
    text = _render(card, parameters="", whole=False)
    room = LONGEST_DESCRIPTION - len(whereabouts) - len("...\n\n")
    if len(text) > room:
        text = text[: text.rfind("\n", 0, room) + 1] + "...\n"
    return f"{text}\n{whereabouts}"


def escaped(value: object) -> str:
    r"""Return a value as words that Markdown leaves alone, in one line.

    >>> print(escaped("r|b *loud*\n<b>"))
    r\|b \*loud\* \<b\>
    """
    if isinstance(value, Code):
        return value
    return MARKS.sub(r"\\\1", " ".join(str(value).split()))


def _render(card: Mapping[str, Any], **more: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",)),  # Markdown has `escaped`
        undefined=StrictUndefined,
        finalize=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "figure": _figure,
        "percent": lambda share: f"{100 * share:.1f} %",
        "grouped": lambda number: f"{number:,}",
        "signed": lambda value: f"{value:+.3f}",
        "spoken": spoken,
        "indented": _indented,
        "sentence": Code,
    }
    return environment.get_template("model_card.md.j2").render(card, **more)


def _figure(value: float | None, absent: str = "none") -> str:
    return absent if value is None else f"{value:.3f}"


def _indented(text: str) -> Code:
    """Return text as a block of code, which nothing in it can end."""
    return Code("\n".join(f"    {line}".rstrip() for line in text.splitlines()))
