"""Pictures of an evaluation, drawn from the tables that also feed `dvc plots`.

One CSV becomes one PNG of the same name beside it; equal tables give equal bytes. No
picture needs a display, and none leaves a trace in matplotlib's global state.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tagsmith.config import ENSEMBLE
from tagsmith.core.highlights import pictured
from tagsmith.errors import DataError, MissingError
from tagsmith.reporting import pictures
from tagsmith.reporting.pictures import (
    BLUE,
    INK,
    MOST_TAGS,
    MUTED,
    STYLE,
    ordered,
    short,
)
from tagsmith.store import atomic

Figures = Mapping[str, Mapping[str, Any]]  # by model, then by official name
Picture = Callable[[pd.DataFrame], Figure]
PLOTS: dict[str, tuple[Picture, tuple[str, ...]]] = {
    "roc": (
        pictures.roc,
        ("model", "tag", "false_positive_rate", "true_positive_rate"),
    ),
    "precision_recall": (
        pictures.precision_recall,
        ("model", "tag", "recall", "precision"),
    ),
    "score_histogram": (
        pictures.score_histogram,
        ("model", "truth", "bin_left", "count"),
    ),
    "cooccurrence": (
        pictures.cooccurrence,
        ("kind", "tag", "other", "count"),
    ),
    "training_curves": (
        pictures.training_curves,
        ("model", "epoch", "metric", "value"),
    ),
}
WORDS = ("model", "split", "kind", "tag", "other", "truth", "metric")  # no numbers

HEADLINE = "ROC-AUC-macro"
CHANCE = 0.5  # the ROC-AUC of guessing


def draw(folder: Path) -> list[Path]:
    """Draw every table of an evaluation.

    Args:
        folder: Holds `roc.csv`, `precision_recall.csv`, `score_histogram.csv`,
            `cooccurrence.csv` and `training_curves.csv`, as stage `evaluate` writes
            them; the pictures are put beside them.

    Returns:
        The pictures, in the order of `PLOTS`.

    Raises:
        MissingError: A table is not there.
        DataError: A table lacks a column or has no rows.
    """
    drawn = []
    for name, (picture, columns) in PLOTS.items():
        table = read(folder / f"{name}.csv", columns)
        with matplotlib.style.context(["default", STYLE]):
            drawn.append(save(picture(table), folder / f"{name}.png"))
    return drawn


def summary(reports: Path, out: Path) -> Path:
    """Draw the picture for a README, 1200 x 600: models compared, and tag by tag.

    Args:
        reports: Holds `metrics.json`, `intervals.json` and `per_tag.csv`, as stage
            `evaluate` writes them.
        out: The PNG to write.

    Raises:
        MissingError: An input is not there.
        DataError: The table of tags lacks a column or has no rows.
    """
    figures = pictured(read_json(reports / "metrics.json")["test"])
    intervals = read_json(reports / "intervals.json")["test"]
    tags = read(reports / "per_tag.csv", ("model", "split", "tag", "roc_auc"))
    first = ordered(figures)[0]
    mine = tags[(tags["model"] == first) & (tags["split"] == "test")]
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure((12, 6), dpi=100, layout="constrained")
        figure.suptitle(
            _sentence(first, figures[first][HEADLINE], intervals[first][HEADLINE]),
            x=0.012,
            ha="left",
            fontsize=15,
            fontweight="bold",
        )
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.7))
        _draw_models(left, figures, intervals)
        _draw_tags(right, mine.set_index("tag")["roc_auc"].dropna())
        return save(figure, out)


def read(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    """Read a table that stage `evaluate` wrote; tags stay words, even `null` and `1`.

    Raises:
        MissingError: It is not there.
        DataError: It lacks a column or has no rows.
    """
    table = pd.read_csv(
        _there(path),
        dtype=dict.fromkeys(WORDS, str),
        keep_default_na=False,
        na_values=[""],
    )
    lacking = [column for column in columns if column not in table]
    if lacking or table.empty:
        problem = f"lacks the columns {lacking}" if lacking else "has no rows"
        raise DataError(f"{path} {problem}; run `dvc repro evaluate` to make it again")
    return table


def read_json(path: Path) -> dict[str, Any]:
    """Read figures that stage `evaluate` wrote.

    Raises:
        MissingError: They are not there.
    """
    tree: dict[str, Any] = json.loads(_there(path).read_text("utf-8"))
    return tree


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG; neither a date nor a version is put into it."""
    with atomic(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary, metadata={"Software": None})
    return path


def _there(path: Path) -> Path:
    if not path.is_file():
        raise MissingError(f"{path} is not there; `dvc repro evaluate` makes it")
    return path


# --- the picture for a README


def _sentence(model: str, value: float, interval: Mapping[str, float]) -> str:
    return (
        f"{short(model)} reaches a macro ROC-AUC of {value:.3f} on the test tracks "
        f"({interval['low']:.3f} to {interval['high']:.3f})"
    )


def _draw_models(axes: Axes, figures: Figures, intervals: Figures) -> None:
    """Draw each model's macro ROC-AUC with its interval, the ensemble on top."""
    models = ordered(figures)
    for row, model in enumerate(models):
        value, interval = figures[model][HEADLINE], intervals[model][HEADLINE]
        color = BLUE if model == ENSEMBLE else MUTED
        span = (interval["low"], interval["high"])
        axes.plot(span, (row, row), color=color, linewidth=3, alpha=0.45)
        axes.plot(value, row, "o", color=color, markersize=9)
        axes.text(value, row - 0.12, f"{value:.3f}", color=color, ha="center")
    axes.set(title="Models compared", xlabel="macro ROC-AUC, test tracks")
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_yticks(range(len(models)), [short(name) for name in models], color=INK)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(visible=False, axis="y")


def _draw_tags(axes: Axes, reached: "pd.Series[float]") -> None:
    """Draw what every tag `(tags,)` reaches, measured from chance."""
    reached = reached.sort_values(kind="stable")
    if len(reached) > MOST_TAGS:  # the best and the worst of them
        half = MOST_TAGS // 2
        reached = pd.concat([reached[:half], reached[-half:]])
    rows = range(len(reached))
    axes.barh(rows, reached - CHANCE, left=CHANCE, height=0.66, color=BLUE, alpha=0.85)
    for row, value in zip(rows, reached, strict=True):
        side = max(value, CHANCE) + 0.005
        axes.text(side, row, f"{value:.3f}", va="center", color=MUTED, fontsize=7.5)
    axes.set(title="Tag by tag", xlabel="ROC-AUC, test tracks; 0.5 is chance")
    axes.set(xlim=(min(CHANCE, reached.min()), 1.03), ylim=(-0.7, len(reached) - 0.3))
    axes.set_yticks(rows, [short(tag) for tag in reached.index], color=INK, fontsize=8)
    axes.grid(visible=False, axis="y")
