"""The picture of a comparison: how systems stand, and on which tags they differ."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tagsmith.core.comparison import Standing, sure
from tagsmith.reporting.pictures import BLUE, FAINT, INK, MUTED, OTHERS, STYLE, short
from tagsmith.reporting.plots import save

EACH_WAY = 8  # tags shown that gain most, and that lose most
SPREAD = 0.5  # of a row, that several systems share
WIDE, FEWEST_ROWS, ROW_INCHES = 12, 6, 0.34


def draw(standings: Sequence[Standing], path: Path, *, metric: str, split: str) -> Path:
    """Draw systems as dots with intervals, and where they differ tag by tag.

    Args:
        standings: Of `core.comparison.compare`: the first is the measure.
        path: The PNG to write; equal standings give equal bytes.
        metric: The official name of what was compared.
        split: On whose tracks.
    """
    tags = _most_different(standings[1:])
    rows = max(len(tags), 2 * len(standings), FEWEST_ROWS)
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure((WIDE, 1.9 + ROW_INCHES * rows), layout="constrained")
        figure.suptitle(
            _sentence(standings, metric), x=0.012, ha="left", fontweight="bold"
        )
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
        _draw_systems(left, standings, metric)
        left.set_xlabel(f"{_spoken(metric)}, {split} tracks")
        _draw_tags(right, standings[1:], tags)
        first = short(standings[0].name)
        right.set_xlabel(f"{_of_a_tag(metric)} minus that of {first}, {split} tracks")
        return save(figure, path)


def _sentence(standings: Sequence[Standing], metric: str) -> str:
    first, *others = standings
    best = max(others, key=lambda each: each.figures[metric].value)
    gain = best.gain
    assert gain is not None
    verdict = "surely" if sure(gain) else "not surely"
    return (
        f"{short(best.name)} is {verdict} different from {short(first.name)}: "
        f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
    )


def _draw_systems(axes: Axes, standings: Sequence[Standing], metric: str) -> None:
    colors = [INK, *_colors(len(standings) - 1)]
    for row, (each, color) in enumerate(zip(standings, colors, strict=True)):
        figure = each.figures[metric]
        span = (figure.low, figure.high)
        axes.plot(span, (row, row), color=color, linewidth=3, alpha=0.45)
        axes.plot(figure.value, row, "o", color=color, markersize=9)
        words = f"{figure.value:.3f}"
        axes.annotate(
            words,
            (figure.value, row),
            (0, 9),
            textcoords="offset points",
            color=color,
            ha="center",
        )
    axes.set(title="Systems", ylim=(len(standings) - 0.5, -0.7))
    names = [short(each.name) for each in standings]
    axes.set_yticks(range(len(names)), names)
    for label, color in zip(axes.get_yticklabels(), colors, strict=True):
        label.set_color(color)  # which tells systems apart on the right, too
    axes.locator_params(axis="x", nbins=5)
    axes.grid(visible=False, axis="y")


def _draw_tags(axes: Axes, others: Sequence[Standing], tags: list[str]) -> None:
    axes.axvline(0, color=FAINT, linewidth=1.2, zorder=1)
    for number, (each, color) in enumerate(
        zip(others, _colors(len(others)), strict=True)
    ):
        own = each.tags.set_index("tag").loc[tags]
        shift = SPREAD * ((number + 0.5) / len(others) - 0.5)
        _draw_gains(axes, own, color=color, shift=shift)
    axes.set(
        title="Tags that differ most; filled: surely", ylim=(len(tags) - 0.4, -0.6)
    )
    axes.set_yticks(range(len(tags)), [short(tag) for tag in tags], color=INK)
    axes.grid(visible=False, axis="y")


def _draw_gains(axes: Axes, gains: pd.DataFrame, *, color: str, shift: float) -> None:
    """Draw each tag's gain with its interval; one that is not sure is hollow."""
    rows = [row + shift for row in range(len(gains))]
    axes.hlines(rows, gains["low"], gains["high"], color=color, linewidth=2, alpha=0.45)
    certain = ((gains["low"] > 0) | (gains["high"] < 0)).to_numpy()
    axes.scatter(gains["difference"], rows, s=34, facecolor="white", edgecolor=color)
    axes.scatter(
        gains["difference"][certain],
        [row for row, yes in zip(rows, certain, strict=True) if yes],
        s=34,
        color=color,
    )


def _most_different(others: Sequence[Standing]) -> list[str]:
    """Return the tags on which systems differ most from the first, gains first."""
    by_tag = pd.concat([each.tags.set_index("tag")["difference"] for each in others])
    widest = by_tag.groupby(level=0).agg(lambda gains: max(gains, key=abs))
    ranked = widest.sort_values(ascending=False, kind="stable")
    if len(ranked) > 2 * EACH_WAY:
        ranked = pd.concat([ranked[:EACH_WAY], ranked[-EACH_WAY:]])
    return [str(tag) for tag in ranked.index]


def _colors(count: int) -> list[str]:
    looks = cycle((BLUE, *OTHERS, MUTED))
    return [next(looks) for _ in range(count)]


def _spoken(metric: str) -> str:
    """Say a metric's name as a reader would.

    >>> _spoken("ROC-AUC-macro")
    'macro ROC-AUC'
    """
    measure, _, mean = metric.rpartition("-")
    return f"{mean} {measure}"


def _of_a_tag(metric: str) -> str:
    return metric.rpartition("-")[0]
