"""What an ensemble heard and said of some tracks, small enough to travel with it.

A *reference* is a tree of plain values: of each number its sorted values, or evenly
spaced quantiles where there are many; of each kind how many tracks are of it; of each
tag its scores and how many tracks it was decided for. `core.drift` sets new tracks
against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

SOUNDS = ("level_db", "seconds", "centroid_hz", "quiet_share")  # numbers of a sound
KINDS = ("sample_rate_hz", "channels", "format")
SAID = ("tags", "surest")  # how many tags were decided; the highest score
MOST = 1000  # values kept of a number: a distance is then off by 0.0005 at most
DIGITS = 6  # significant ones, of each

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Tracks:
    """What was heard and said of some tracks, all tables indexed by track id.

    Attributes:
        sounds: `(tracks, numbers and kinds)`: columns of `SOUNDS` and `KINDS`; none
            where there is no audio.
        scores: `(tracks, tags)` in [0, 1].
        decisions: `(tracks, tags)` booleans.
    """

    sounds: pd.DataFrame
    scores: pd.DataFrame
    decisions: pd.DataFrame

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def numbers(self) -> pd.DataFrame:
        """`(tracks, numbers)`: those of `SOUNDS` that are known, and of `SAID`."""
        known = [name for name in SOUNDS if name in self.sounds]
        said = {
            "tags": self.decisions.sum(axis=1).astype(float),
            "surest": self.scores.max(axis=1).astype(float),
        }
        return self.sounds[known].astype(float).assign(**said)

    @property
    def kinds(self) -> pd.DataFrame:
        """`(tracks, kinds)` as text: those of `KINDS` that are known."""
        known = [name for name in KINDS if name in self.sounds]
        return self.sounds[known].astype(str)


def summary(tracks: Tracks, *, split: str) -> dict[str, Any]:
    """Make the reference that tracks are.

    Args:
        tracks: On which the ensemble was measured.
        split: Which those are.

    Returns:
        `{"split", "tracks", "numbers": {name: values}, "kinds": {name: {kind: tracks}},
        "scores": {tag: values}, "decided": {tag: tracks}}`; equal tracks make equal
        trees.
    """
    numbers, kinds = tracks.numbers, tracks.kinds
    return {
        "split": split,
        "tracks": len(tracks),
        "numbers": {name: kept(numbers[name]) for name in numbers},
        "kinds": {name: counts(kinds[name]) for name in kinds},
        "scores": {tag: kept(tracks.scores[tag]) for tag in tracks.scores},
        "decided": {tag: int(tracks.decisions[tag].sum()) for tag in tracks.decisions},
    }


def kept(values: ArrayLike) -> list[float]:
    """Return the known values in order, or `MOST` quantiles of more.

    >>> kept([0.25, float("nan"), 0.125])
    [0.125, 0.25]
    """
    known = np.sort(np.asarray(values, dtype=np.float64))
    known = known[~np.isnan(known)]
    if len(known) > MOST:
        known = np.quantile(known, (np.arange(MOST) + 0.5) / MOST)
    return [float(f"{value:.{DIGITS}g}") for value in known]


def counts(kinds: pd.Series) -> dict[str, int]:
    """Return how many tracks are of each kind, by its name."""
    return {str(kind): int(count) for kind, count in kinds.value_counts().items()}
