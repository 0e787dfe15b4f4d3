"""The report as a reader sees it: facts in, one self-contained HTML page out.

Nothing here knows the time, so that equal facts are equal bytes. Tags and names come
from other people's manifests: the template escapes them, and the page's own policy lets
no script run but the one that sorts tables.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tagsmith.config import GROUPS
from tagsmith.core.highlights import HEADLINE, Figures, by_kind, pictured, ranked

TEMPLATES = Path(__file__).parent / "templates"
REPORT = "report.html.j2"
FEW = 4  # about as many steps on an axis
LEAST = 0.001  # a shorter axis would show noise


@dataclass(frozen=True)
class Scale:
    """An axis between round numbers.

    Attributes:
        low: The value at 0 %.
        step: From one tick to the next.
        steps: How many of them lead to 100 %.
    """

    low: float
    step: float
    steps: int

    @classmethod
    def around(cls, values: Iterable[float]) -> Self:
        """Return the axis that values fill; not all need to be finite."""
        known = [value for value in values if math.isfinite(value)]
        low, high = min(known), max(known)
        step = _round_step(max(high - low, LEAST) / FEW)
        first, last = math.floor(low / step), math.ceil(high / step)
        if first == last:  # one value, itself round
            first -= 1
        return cls(first * step, step, last - first)

    @property
    def ticks(self) -> list[float]:
        """The round values from end to end."""
        return [round(self.low + self.step * tick, 6) for tick in range(self.steps + 1)]

    def percent(self, value: float) -> float:
        """Return where a value lies, in percent of the axis; the ends are the ends."""
        share = (value - self.low) / (self.step * self.steps)
        return round(100 * min(max(share, 0), 1), 2)


SKILL = Scale(low=0.5, step=0.1, steps=5)  # of ROC-AUC, from chance to perfect


def comparison(
    figures: Mapping[str, Figures], intervals: Mapping[str, Figures]
) -> Scale:
    """Return the axis that holds every pictured headline figure and its interval.

    Args:
        figures: By split, system and official name.
        intervals: Likewise, for the splits and figures that have one.
    """
    values = [
        system[HEADLINE]
        for split in figures.values()
        for system in pictured(split).values()
    ]
    for split in intervals.values():
        for system in pictured(split).values():
            values += [system[HEADLINE]["low"], system[HEADLINE]["high"]]
    return Scale.around(values)


def picture(path: Path) -> str:
    """Return a PNG as an address that holds its bytes."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def render(facts: Mapping[str, Any], template: str = REPORT) -> str:
    """Lay facts out as a page of HTML that needs nothing else.

    Args:
        facts: By the names that the template uses; of the report, what
            `stages/report.py` gathers.
        template: A file of `templates/`.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": _figure,
        "ranked": ranked,
        "pictured": pictured,
        "by_kind": by_kind,
        "spoken": spoken,
    }
    script = (TEMPLATES / "report.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    layout = environment.get_template(template)
    return layout.render(facts, script=script, script_sha256=digest, skill=SKILL)


def _figure(value: float, digits: int = 3) -> str:
    """Write a figure; `none` if undefined, `never` for a threshold out of reach."""
    if math.isnan(value):
        return "none"
    return "never" if math.isinf(value) else f"{value:.{digits}f}"


def spoken(name: str) -> str:
    """Write the name of a system or a way to fuse as a reader would.

    >>> spoken("groups/crnn"), spoken("subsets"), spoken("crnn_gru")
    ('group crnn', 'best subset', 'crnn_gru')
    """
    return "best subset" if name == "subsets" else name.replace(f"{GROUPS}/", "group ")


def _round_step(least: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten.

    >>> _round_step(0.03), _round_step(0.2)
    (0.05, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        round(times * power, 9)
        for times in (1, 2, 5, 10)
        if times * power >= least * (1 - 1e-9)  # 0.2 is not quite 2 * 0.1
    )
