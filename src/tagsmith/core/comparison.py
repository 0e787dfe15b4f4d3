"""Systems set against each other on the same tracks and tags.

The first system is what the others are measured against, on the same resamples (the
paired bootstrap). A difference is *sure* if its interval lies on one side of 0. Each
interval is one of many: of twenty that lie beside 0, one does so by chance.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tagsmith.core.bootstrap import (
    Interval,
    Resampling,
    difference,
    interval,
    statistic,
)
from tagsmith.core.metrics import OFFICIAL, Truth, undefined
from tagsmith.errors import DataError

COLUMNS = ("tag", "positives", "first", "other", "difference", "low", "high")


@dataclass(frozen=True)
class System:
    """What is compared.

    Attributes:
        name: As it was asked for.
        scores: `(tracks, tags)`, indexed by track id.
        truth: Booleans of the same tracks and tags; None if it brings none.
        truth_sha256: Names its tracks, audio, tags and truth.
    """

    name: str
    scores: pd.DataFrame
    truth: pd.DataFrame | None
    truth_sha256: str


@dataclass(frozen=True)
class Standing:
    """How a system did.

    Attributes:
        name: The system's.
        figures: By official name.
        gain: By how much its figure is above the first system's; None for the first.
        tags: Likewise tag by tag: `COLUMNS`, the largest gain first.
    """

    name: str
    figures: dict[str, Interval]
    gain: Interval | None = None
    tags: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))

    def most_different(self, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows of the tags that gain most, and of those that lose most."""
        up = self.tags[self.tags["difference"] > 0].head(count)
        down = self.tags[self.tags["difference"] < 0].iloc[::-1].head(count)
        return up, down


def sure(gain: Interval) -> bool:
    """Tell whether a difference is on one side of 0, beyond chance."""
    return gain.low > 0 or gain.high < 0


def agreed_truth(
    systems: Sequence[System], fallback: Callable[[], System]
) -> pd.DataFrame:
    """Return the truth by which all systems can be judged.

    Args:
        systems: In the order of the question.
        fallback: Gives the system whose truth counts if none brings its own.

    Raises:
        DataError: They were measured on other tracks, tags or truth.
    """
    own = [each for each in systems if each.truth is not None]
    judge = own[0] if own else fallback()
    for each in systems:
        if each.truth_sha256 != judge.truth_sha256:
            raise DataError(
                f"{each.name} and {judge.name} were not measured on the same tracks "
                f"and tags: {_differences(each, judge)}; score both on one data set, "
                "or compare their figures knowing that they are of different things"
            )
    assert judge.truth is not None
    return judge.truth


def compare(
    truth: pd.DataFrame,
    systems: Sequence[System],
    metric: str,
    *,
    config: Resampling,
    seed: int,
) -> list[Standing]:
    """Measure systems, and the second and later ones against the first.

    Args:
        truth: Booleans `(tracks, tags)`, indexed by track id.
        systems: Two or more, with scores of these tracks and tags in any order.
        metric: The official name of the area by which they are set against each other.
        config: How many resamples, and how sure.
        seed: Of the resamples.

    Raises:
        DataError: Scores lack tracks or tags of truth, or are not finite.
    """
    first, *others = (_in_order(each, truth) for each in systems)
    with_them = _Pairing(truth, first, metric, config, seed)
    standings = [Standing(systems[0].name, with_them.figures(first))]
    for system, scores in zip(systems[1:], others, strict=True):
        figures = with_them.figures(scores)
        gain = with_them.gain(scores, slice(None))
        tags = with_them.tag_by_tag(scores)
        standings.append(Standing(system.name, figures, gain, tags))
    return standings


def tree(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """Return standings as JSON takes them."""
    return [
        {
            "system": each.name,
            "figures": {name: asdict(figure) for name, figure in each.figures.items()},
            "difference": None
            if each.gain is None
            else {**asdict(each.gain), "sure": sure(each.gain)},
            "tags": each.tags.to_dict("records"),
        }
        for each in standings
    ]


@dataclass(frozen=True)
class _Pairing:
    """What all systems are compared by, and with."""

    truth: pd.DataFrame
    first: pd.DataFrame
    metric: str
    config: Resampling
    seed: int

    @property
    def true(self) -> Truth:
        return self.truth.to_numpy(bool)

    def figures(self, scores: pd.DataFrame) -> dict[str, Interval]:
        return {
            name: interval(
                self.true,
                scores.to_numpy(),
                metric=name,
                config=self.config,
                seed=self.seed,
            )
            for name in OFFICIAL.values()
        }

    def gain(self, scores: pd.DataFrame, tags: slice) -> Interval:
        return difference(
            self.true[:, tags],
            scores.to_numpy()[:, tags],
            theirs=self.first.to_numpy()[:, tags],
            metric=self.metric,
            config=self.config,
            seed=self.seed,
        )

    def tag_by_tag(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Return `COLUMNS` of the tags that some tracks have and others have not."""
        rows = []
        for tag in map(int, np.flatnonzero(~undefined(self.true))):
            one = slice(tag, tag + 1)
            gain = self.gain(scores, one)
            named = str(self.truth.columns[tag]), int(self.true[:, tag].sum())
            values = self._value(self.first, one), self._value(scores, one)
            rows.append((*named, *values, gain.value, gain.low, gain.high))
        table = pd.DataFrame(rows, columns=COLUMNS)
        return table.sort_values("difference", ascending=False, kind="stable")

    def _value(self, scores: pd.DataFrame, tags: slice) -> float:
        measure = statistic(self.metric, self.true[:, tags], scores.to_numpy()[:, tags])
        return float(measure(np.ones((len(self.truth), 1)))[0])


def _in_order(system: System, truth: pd.DataFrame) -> pd.DataFrame:
    lacking = set(truth.index) - set(system.scores.index)
    strange = set(truth.columns) - set(system.scores.columns)
    if lacking or strange:
        raise DataError(
            f"{system.name} must score {truth.shape[0]} tracks and {truth.shape[1]} "
            f"tags, but lacks {len(lacking)} tracks and {len(strange)} tags, such as "
            f"{min(lacking or strange)!r}; score them again"
        )
    return system.scores.loc[truth.index, truth.columns]


def _differences(one: System, other: System) -> str:
    """Say what is not the same; scores tell tracks and tags, hashes all else."""
    said = []
    for what, ours, theirs in (
        ("tracks", set(one.scores.index), set(other.scores.index)),
        ("tags", set(one.scores.columns), set(other.scores.columns)),
    ):
        only, lacks = sorted(ours - theirs), sorted(theirs - ours)
        if only:
            said.append(f"{len(only)} {what} of the former only, such as {only[0]!r}")
        if lacks:
            said.append(f"{len(lacks)} {what} of the latter only, such as {lacks[0]!r}")
    return "; ".join(said) or (
        "tracks and tags have the same names, but audio or truth differ "
        f"({one.truth_sha256[:8]} and {other.truth_sha256[:8]})"
    )
