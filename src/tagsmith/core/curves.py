"""The tables behind an evaluation's plots, thinned to what an eye can see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from tagsmith.core.metrics import Decisions, Scores, Truth, Values, undefined

POOLED = "micro"  # stands for a tag in the curve of all tags together
POINTS = 200  # most points of a curve
BINS = 40  # of the histogram of scores


@dataclass(frozen=True)
class Judged:
    """What a system says about tracks, beside the truth; all `(tracks, tags)`.

    Attributes:
        truth: Which tags the tracks have.
        scores: By which the system ranks them.
        decisions: Which tags it gives them.
    """

    truth: Truth
    scores: Scores
    decisions: Decisions


Systems = Mapping[str, Judged]
Curve = Callable[[Truth, Scores], pd.DataFrame]


def roc(systems: Systems, leader: str, tags: list[str]) -> pd.DataFrame:
    """Compute every system's ROC curve of all tags together, and the leader's by tag.

    Args:
        systems: What is drawn, by name.
        leader: The system whose tags are drawn one by one as well.
        tags: The tags' names, in the order of the columns.

    Returns:
        Columns model, tag, false_positive_rate, true_positive_rate; all tags together
        go by `micro`, tags on every track or on none are left out.
    """
    return _curves(_roc, systems, leader, tags)


def precision_recall(systems: Systems, leader: str, tags: list[str]) -> pd.DataFrame:
    """Compute the precision-recall curves that `roc` computes as ROC curves.

    Returns:
        Columns model, tag, recall, precision, by rising recall.
    """
    return _curves(_precision_recall, systems, leader, tags)


def score_histogram(systems: Systems) -> pd.DataFrame:
    """Count scores by bin, apart for tags that a track has and has not.

    Returns:
        Columns model, truth (0 or 1), bin_left, count; what is below 0 or above 1 is
        counted in the outermost bins.
    """
    edges = np.linspace(0, 1, BINS + 1)
    tables = []
    for name, judged in systems.items():
        for has in (0, 1):
            inside = np.clip(judged.scores[judged.truth == has], 0, 1)
            counts, _ = np.histogram(inside, edges)
            bins = {"bin_left": edges[:-1].round(6), "count": counts}
            tables.append(pd.DataFrame({"model": name, "truth": has, **bins}))
    return pd.concat(tables, ignore_index=True)


def cooccurrence(judged: Judged, tags: list[str]) -> pd.DataFrame:
    """Count on how many tracks two tags come together, in truth and as decided.

    Args:
        judged: Whose decisions.
        tags: The tags' names, in the order of the columns.

    Returns:
        Columns kind (`truth` or `decisions`), tag, other, count: a row for each ordered
        pair; a tag beside itself counts the tracks that have it.
    """
    tables = []
    for kind in ("truth", "decisions"):
        given = getattr(judged, kind).astype(np.float64)  # multiplied far faster
        pairs = {"tag": np.repeat(tags, len(tags)), "other": np.tile(tags, len(tags))}
        counts = (given.T @ given).ravel().astype(np.int64)
        tables.append(pd.DataFrame({"kind": kind, **pairs, "count": counts}))
    return pd.concat(tables, ignore_index=True)


def _curves(
    curve: Curve, systems: Systems, leader: str, tags: list[str]
) -> pd.DataFrame:
    drawn = [
        (name, POOLED, judged.truth.ravel(), judged.scores.ravel())
        for name, judged in systems.items()
    ]
    truth, scores = systems[leader].truth, systems[leader].scores
    drawn += [
        (leader, tags[tag], truth[:, tag], scores[:, tag])
        for tag in np.flatnonzero(~undefined(truth))
    ]
    tables = []
    for model, tag, has, ranked in drawn:
        table = curve(has, ranked)
        table.insert(0, "model", model)
        table.insert(1, "tag", tag)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _roc(truth: Truth, scores: Scores) -> pd.DataFrame:
    false, true, _ = roc_curve(truth, scores)
    points = {"false_positive_rate": false, "true_positive_rate": true}
    return pd.DataFrame(points).iloc[_thinned(false, true)]


def _precision_recall(truth: Truth, scores: Scores) -> pd.DataFrame:
    precision, recall, _ = precision_recall_curve(truth, scores, drop_intermediate=True)
    points = {"recall": recall[::-1], "precision": precision[::-1]}
    return pd.DataFrame(points).iloc[_thinned(*points.values())]


def _thinned(x: Values, y: Values) -> NDArray[np.intp]:
    """Return the places of points spaced evenly along the curve, both ends included."""
    steps = np.abs(np.diff(x)) + np.abs(np.diff(y))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.searchsorted(length, np.linspace(0, length[-1], POINTS))
    return np.unique([*places.clip(max=len(x) - 1), len(x) - 1])
