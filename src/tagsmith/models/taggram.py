"""A taggram: what an ensemble says of each moment of a recording.

Windows of a few seconds are scored as if each were a recording. What a network says of
five seconds is no part of what it says of the whole, so the mean of a taggram is near
the recording's scores, and not equal to them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagsmith.models.ensemble import Ensemble
from tagsmith.models.sound import Sound

WINDOW_SECONDS = 5.0  # what most of our networks hear at once
HOP_SECONDS = 2.5
MOST_WINDOWS = 32  # however long the recording; they lie further apart then
AT_ONCE = 8  # in memory


@dataclass(frozen=True)
class Taggram:
    """Scores over time.

    Attributes:
        seconds: Of the recording.
        starts_seconds: `(windows,)`, ascending.
        scores: `(windows, tags)` in [0, 1].
    """

    seconds: float
    starts_seconds: NDArray[np.float64]
    scores: NDArray[np.float32]


def taggram(ensemble: Ensemble, sound: Sound) -> Taggram:
    """Score windows that cover a recording from its first to its last sample.

    Raises:
        DataError: It cannot be decoded.
        MissingError: There is no such file.
    """
    starts = window_starts(sound.seconds)
    scores = [
        ensemble.score_features(
            [ensemble.analyse(sound.part(start, WINDOW_SECONDS)) for start in some]
        )
        for some in np.array_split(starts, math.ceil(len(starts) / AT_ONCE))
    ]
    return Taggram(sound.seconds, starts, np.concatenate(scores))


def window_starts(seconds: float) -> NDArray[np.float64]:
    """Return where the windows of a recording of some length begin, in seconds."""
    spare = max(seconds - WINDOW_SECONDS, 0)
    windows = min(1 + math.ceil(spare / HOP_SECONDS), MOST_WINDOWS)
    return np.linspace(0, spare, windows)
