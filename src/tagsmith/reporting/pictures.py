"""Pictures of an evaluation: tables in, figures out.

Colours are those of Okabe and Ito, which people with any colour vision can tell apart;
models differ in their dashes too. The ensemble is always the blue, solid line.

References:
    Okabe and Ito, Color Universal Design, 2008.
"""

from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tagsmith.config import ENSEMBLE

INK, MUTED, FAINT = "#1b1f24", "#68707c", "#c3c9d1"
BLUE, VERMILION = "#0072b2", "#d55e00"
OTHERS = (VERMILION, "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES: tuple[Any, ...] = ((0, (5, 1.6)), (0, (1, 1.3)), (0, (6, 1.5, 1, 1.5)))
STYLE = Path(__file__).parent / "templates" / "pictures.mplstyle"
WEAKEST = 5  # tags named in the panels of one model
MOST_TAGS = 40  # more than these make a matrix unreadable
APPLIES = ("true", "1", "positive")  # how `truth` says that a tag applies


def roc(table: pd.DataFrame) -> Figure:
    """Draw ROC curves: of all models over all tags, and of the first model by tag."""
    figure = _curves(table, "false_positive_rate", "true_positive_rate", "lower right")
    for axes in figure.axes:
        axes.plot((0, 1), (0, 1), color=FAINT, linewidth=1, dashes=(4, 3), zorder=1)
    return figure


def precision_recall(table: pd.DataFrame) -> Figure:
    """Draw precision by recall: of all models, and of the first model by tag."""
    return _curves(table, "recall", "precision", "lower left")


def score_histogram(table: pd.DataFrame) -> Figure:
    """Draw each model's scores where the tag applies and where it does not."""
    models = ordered(table["model"])
    rows = -(-len(models) // 2)
    figure = Figure((10, 0.5 + 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    for axes, model in zip(panels.flat, models, strict=False):
        axes.set(
            title=f"{short(model)}, test tracks",
            xlim=(0, 1),
            xlabel="score",
            ylabel="share of pairs",
        )
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        _histogram(axes, table[table["model"] == model])
        axes.label_outer()
    for axes in panels.flat[len(models) :]:
        axes.set_axis_off()
    panels.flat[0].legend(loc="upper center")
    return figure


def cooccurrence(table: pd.DataFrame) -> Figure:
    """Draw which tags come together, and how decisions differ from that."""
    tags = _commonest_tags(table)
    truth, decided = (
        _shares(table[table["kind"] == kind], tags) for kind in ("truth", "decisions")
    )
    side = max(4.4, 1.7 + 0.155 * len(tags))
    figure = Figure((2 * side, side + 0.9), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.set_title("Together in truth, test tracks")
    image = left.imshow(truth, cmap="Blues", vmin=0, vmax=1)
    _bar(figure, image, "of the row's tracks, those with the column's tag")
    right.set_title("Decided together minus truth")
    image = right.imshow(decided - truth, cmap="RdBu_r", vmin=-0.5, vmax=0.5)
    _bar(figure, image, "blue: too seldom, red: too often")
    for axes in (left, right):
        axes.grid(visible=False)
        names = [short(tag) for tag in tags]
        axes.set_xticks(range(len(tags)), names, rotation=90, fontsize=7.5)
        axes.set_yticks(range(len(tags)), names, fontsize=7.5)
    return figure


def training_curves(table: pd.DataFrame) -> Figure:
    """Draw what every model learns, epoch by epoch."""
    metrics, models = list(dict.fromkeys(table["metric"])), ordered(table["model"])
    rows, columns = -(-len(metrics) // 2), min(2, len(metrics))
    figure = Figure((10, 0.4 + 3.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes, metric in zip(panels.flat, metrics, strict=False):
        axes.set(title=_titled(metric), xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        for model, line in _lines(models):
            one = table[(table["metric"] == metric) & (table["model"] == model)]
            axes.plot(one["epoch"], one["value"], label=short(model), **line)
    for axes in panels.flat[len(metrics) :]:
        axes.set_axis_off()
    panels.flat[0].legend(loc="best")
    return figure


# --- what they share


def ordered(models: Iterable[str]) -> list[str]:
    """Return the names once each: the ensemble first, the others by alphabet.

    >>> ordered(["lstm", "gru", "ensemble", "gru"])
    ['ensemble', 'gru', 'lstm']
    """
    return sorted(set(models), key=lambda name: (name != ENSEMBLE, name))


def short(name: str, letters: int = 28) -> str:
    """Return a name that fits beside a picture.

    >>> short("mood/theme---a very long name indeed", 12)
    'mood/theme-…'
    """
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _curves(table: pd.DataFrame, x: str, y: str, corner: str) -> Figure:
    figure = Figure((10, 5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    models = ordered(table["model"])
    pooled = table["tag"] == "micro"
    left.set_title("All tags pooled, test tracks")
    for model, line in _lines(models):
        one = table[pooled & (table["model"] == model)]
        left.plot(one[x], one[y], label=short(model), **line)
    right.set_title(f"{short(models[0])}, tag by tag, test tracks")
    _tag_curves(right, table[~pooled & (table["model"] == models[0])], x, y)
    for axes in (left, right):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set_xlabel(x.replace("_", " "))
        axes.legend(loc=corner)
    left.set_ylabel(y.replace("_", " "))
    return figure


def _tag_curves(axes: Axes, table: pd.DataFrame, x: str, y: str) -> None:
    curves = {str(tag): curve for tag, curve in table.groupby("tag")}
    weakest = sorted(
        curves, key=lambda tag: abs(np.trapezoid(curves[tag][y], curves[tag][x]))
    )[:WEAKEST]
    for curve in curves.values():
        axes.plot(curve[x], curve[y], color=FAINT, linewidth=0.9, zorder=2)
    for tag, color in zip(weakest, OTHERS, strict=False):
        curve = curves[tag]
        axes.plot(curve[x], curve[y], color=color, linewidth=1.5, label=short(tag))


def _lines(models: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every model the colour and dashes that it has in every picture."""
    looks = zip(cycle(OTHERS), cycle(DASHES))
    for model in ordered(models):
        if model == ENSEMBLE:
            yield model, {"color": BLUE, "linewidth": 2.2, "zorder": 4}
        else:
            color, dashes = next(looks)
            yield model, {"color": color, "linestyle": dashes, "zorder": 3}


def _histogram(axes: Axes, table: pd.DataFrame) -> None:
    applies = table["truth"].str.lower().isin(APPLIES)
    looks = ((True, BLUE, "the tag applies"), (False, VERMILION, "it does not"))
    for truth, color, label in looks:
        bins = table[applies == truth].sort_values("bin_left")
        width = float(np.min(np.diff(bins["bin_left"]), initial=1))
        edges = [*bins["bin_left"], float(bins["bin_left"].max()) + width]
        share = bins["count"] / max(bins["count"].sum(), 1)
        axes.stairs(share, edges, fill=True, alpha=0.28, color=color)
        axes.stairs(share, edges, linewidth=1.5, color=color, label=label)


def _commonest_tags(table: pd.DataFrame) -> list[str]:
    """Return the tags that most tracks have, as many as fit into a picture."""
    alone = table[(table["kind"] == "truth") & (table["tag"] == table["other"])]
    alone = alone.sort_values(["count", "tag"], ascending=[False, True])
    return list(alone["tag"])[:MOST_TAGS]


def _shares(table: pd.DataFrame, tags: list[str]) -> pd.DataFrame:
    """Return, of the tracks with the row's tag, the share with the column's too."""
    counts = table.set_index(["tag", "other"])["count"].unstack(fill_value=0)  # noqa: PD010
    counts = counts.reindex(index=tags, columns=tags, fill_value=0)
    return counts.div(np.maximum(np.diag(counts), 1), axis="index")


def _bar(figure: Figure, image: Any, label: str) -> None:  # noqa: ANN401 - untyped
    bar = figure.colorbar(
        image, ax=image.axes, location="bottom", shrink=0.6, pad=0.01, aspect=40
    )
    bar.outline.set_visible(False)
    bar.set_label(label)


def _titled(metric: str) -> str:
    """Return a metric of the history with the split that it was measured on.

    >>> _titled("validation_roc_auc"), _titled("loss")
    ('Validation ROC-AUC', 'Training loss')
    """
    named = f"training_{metric}" if metric == "loss" else metric
    named = named.replace("roc_auc", "ROC-AUC").replace("pr_auc", "PR-AUC")
    words = named.replace("_", " ")
    return words[0].upper() + words[1:]
