"""How well unseen tags are named: figures of every setup, and how sure they are.

A setup is which tracks take part (B, C, both, or all of A, B and C), which tags (unseen
ones, Y; or the seen ones too, X+Y: the generalised task), and who ranks whom: in
annotation each track ranks the tags, in retrieval each tag ranks the tracks.

References:
    Choi, Lee, Park and Nam, Zero-shot Learning for Audio-based Music Classification and
    Tagging, ISMIR 2019.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from tagsmith.core import bootstrap, retrieval
from tagsmith.core.bootstrap import Interval, Resampling, Statistic
from tagsmith.core.metrics import Scores, Truth, Values, undefined

DIRECTIONS = ANNOTATION, RETRIEVAL = ("annotation", "retrieval")
TRACKS = {"B": "b", "C": "c", "B+C": "bc", "A+B+C": "abc"}  # letters of their parts
TAGS = UNSEEN, ALL = ("Y", "X+Y")


@dataclass(frozen=True)
class Trial:
    """What a network that learnt the seen tags says of tested tracks.

    Attributes:
        truth: `(tracks, tags)` of all tested tracks.
        scores: The same shape.
        unseen: `(tags,)`: which tags were not learnt.
        part: `(tracks,)`: a, b or c.
        rows: `(tracks,)`: each track's place among all tracks of the data set, so that
            trials can be resampled together.
    """

    truth: Truth
    scores: Scores
    unseen: Truth
    part: Any
    rows: Any


def figures(trial: Trial, *, best: Sequence[int]) -> pd.DataFrame:
    """Compute the figures of every setup.

    Args:
        trial: Truth and scores.
        best: The k of hit@k and precision@k.

    Returns:
        A row per setup: `direction`, `tracks`, `tags`, the figures, and how many rows
        these are the mean of and how many were left out, `rows` and `undefined`. A
        setup without any row that can be ranked has figures of NaN.
    """
    return pd.DataFrame(
        {
            "direction": direction,
            "tracks": tracks,
            "tags": tags,
            **_means(*_ranked(trial, direction, tracks, tags), best),
        }
        for direction, tags, tracks in product(DIRECTIONS, TAGS, TRACKS)
    )


def intervals(
    trials: Sequence[Trial], config: Resampling, *, seed: int
) -> dict[str, Interval]:
    """Say how sure the ROC-AUC over unseen tags is, on tracks that have some.

    Args:
        trials: One, or several whose mean is meant.
        config: How many resamples, and how sure.
        seed: Of the resamples of tracks.

    Returns:
        By direction.
    """
    measures = {way: _mean([_area(t, way) for t in trials]) for way in DIRECTIONS}
    return {way: _interval(measures[way], trials, config, seed) for way in DIRECTIONS}


def differences(
    ours: Sequence[Trial],
    theirs: Sequence[Trial],
    config: Resampling,
    *,
    seed: int,
) -> dict[str, Interval]:
    """Say by how much ours is above theirs, on the same resamples of tracks.

    Args:
        ours: Trials.
        theirs: As many, on the same tracks and tags.
        config: As for `intervals`, and so is `seed`.
        seed: Of the resamples.

    Returns:
        By direction.
    """
    found = {}
    for way in DIRECTIONS:
        first, second = (
            _mean([_area(trial, way) for trial in side]) for side in (ours, theirs)
        )
        found[way] = _interval(_minus(first, second), ours, config, seed)
    return found


def summary(
    trials: dict[str, list[Trial]],
    config: Resampling,
    *,
    control: str,
    seed: int,
) -> dict[str, Any]:
    """Compare trials with those of a control, split by split and in the mean.

    Args:
        trials: By the name of the tag vectors: as many for each, a split of the tags
            each.
        config: How many resamples, and how sure.
        control: The vectors that mean nothing.
        seed: Of the resamples.

    Returns:
        `splits`, a list, and `mean`: by direction, the intervals of each name and of
        the `difference` of the first from the control.
    """
    ours, *_ = [name for name in trials if name != control]
    splits = [
        _compared(
            {name: [t] for name, t in zip(trials, together, strict=True)},
            ours,
            control,
            config,
            seed,
        )
        for together in zip(*trials.values(), strict=True)
    ]
    return {"splits": splits, "mean": _compared(trials, ours, control, config, seed)}


def _compared(
    trials: dict[str, list[Trial]],
    ours: str,
    control: str,
    config: Resampling,
    seed: int,
) -> dict[str, Any]:
    each = {name: intervals(some, config, seed=seed) for name, some in trials.items()}
    apart = differences(trials[ours], trials[control], config, seed=seed)
    return {
        way: {
            **{name: asdict(found[way]) for name, found in each.items()},
            "difference": asdict(apart[way]),
        }
        for way in DIRECTIONS
    }


# --- one setup


def _ranked(
    trial: Trial, direction: str, tracks: str, tags: str
) -> tuple[Truth, Scores]:
    """Return truth and scores of a setup: a row for each that ranks."""
    rows = np.isin(trial.part, list(TRACKS[tracks]))
    columns = trial.unseen if tags == UNSEEN else np.ones_like(trial.unseen)
    truth, scores = trial.truth[rows][:, columns], trial.scores[rows][:, columns]
    return (truth, scores) if direction == ANNOTATION else (truth.T, scores.T)


def _means(truth: Truth, scores: Scores, best: Sequence[int]) -> dict[str, float]:
    if not truth.size or undefined(truth.T).all():
        nothing = dict.fromkeys(retrieval.names(best), np.nan)
        return {**nothing, "rows": 0, "undefined": len(truth)}
    found = retrieval.judged(truth, scores, best=best)
    means = [
        found.roc_auc,
        found.average_precision,
        *found.hit.values(),
        *found.precision.values(),
    ]
    named = dict(zip(retrieval.names(best), means, strict=True))
    return {**named, "rows": found.rows, "undefined": found.undefined}


# --- how sure


def _area(trial: Trial, direction: str) -> Statistic:
    """Return the ROC-AUC over unseen tags as a function of all tracks' weights."""
    truth, scores = _ranked(trial, ANNOTATION, "B+C", UNSEEN)
    rows = trial.rows[np.isin(trial.part, list(TRACKS["B+C"]))]
    if direction == RETRIEVAL:
        of_tags = bootstrap.statistic("ROC-AUC-macro", truth, scores)
        return lambda weights: of_tags(weights[rows])
    values = retrieval.row_values(truth, scores, best=[])["roc_auc"]
    defined = ~np.isnan(values)
    return _weighted(values[defined], rows[defined])


def _weighted(values: Values, rows: Any) -> Statistic:  # noqa: ANN401 - an index
    def mean(weights: Values) -> Values:
        total: Values = weights[rows].sum(axis=0)
        found: Values = np.full(total.shape, np.nan)
        np.divide(values @ weights[rows], total, out=found, where=total > 0)
        return found

    return mean


def _mean(measures: Sequence[Statistic]) -> Statistic:
    return lambda weights: np.mean([each(weights) for each in measures], axis=0)


def _minus(first: Statistic, second: Statistic) -> Statistic:
    return lambda weights: first(weights) - second(weights)


def _interval(
    measure: Statistic, trials: Sequence[Trial], config: Resampling, seed: int
) -> Interval:
    tracks = 1 + max(int(trial.rows.max()) for trial in trials)
    return bootstrap.interval_of(measure, tracks, config, seed=seed)
