"""Tracks as they are heard and scored, drawn from distributions that a test bends."""

import numpy as np
import pandas as pd

from tagsmith.core.reference import Tracks
from tests.fakes.experiments import TAGS

THRESHOLD = 0.5


STRAIGHT = {
    "louder_db": 0.0,
    "brighter": 1.0,
    "longer_seconds": 0.0,
    "stereo": 0.5,
    "surer": 0.0,
}


def tracks(rng: np.random.Generator, count: int, **bent: float) -> Tracks:
    """Draw tracks; everything that is bent moves one quantity of them."""
    by = STRAIGHT | bent
    index = pd.Index([f"n{number:05d}" for number in range(count)], name="track_id")
    sounds = pd.DataFrame(
        {
            "level_db": rng.normal(-20 + by["louder_db"], 4, count),
            "seconds": 29.0 + rng.uniform(0, 0.05, count) + by["longer_seconds"],
            "centroid_hz": by["brighter"] * rng.lognormal(7.3, 0.4, count),
            "quiet_share": rng.beta(1, 60, count),
            "sample_rate_hz": rng.choice([32000, 44100], count),
            "channels": np.where(rng.random(count) < by["stereo"], 2, 1),
            "format": "MP3",
        },
        index=index,
    )
    drawn = rng.beta(1.2 + by["surer"], 3, (count, len(TAGS))).astype(np.float32)
    scores = pd.DataFrame(drawn, index=index, columns=TAGS)
    return Tracks(sounds, scores, scores >= THRESHOLD)
