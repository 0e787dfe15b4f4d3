"""Clips of a track's features: which part of it a network hears.

Every clip has the same number of frames, so a network sees one shape. A track or crop
that is shorter is repeated until the clip is full: a note is heard again, not followed
by a silence that no recording has. Networks that hear whole tracks get them padded.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.floating[Any]]


def filled(part: Frames, frames: int) -> NDArray[np.float32]:
    """Repeat `part`, `(any, bands)`, until it is `(frames, bands)` long."""
    if len(part) >= frames:
        return np.asarray(part[:frames], np.float32)
    times = -(-frames // len(part))
    return np.tile(np.asarray(part, np.float32), (times, 1))[:frames]


def spread(track: Frames, frames: int, clips: int) -> NDArray[np.float32]:
    """Cut evenly spaced clips that cover a track from its first to its last frame.

    Args:
        track: `(any, bands)`.
        frames: Frames of a clip.
        clips: How many at most; one clip lies in the middle.

    Returns:
        `(clips, frames, bands)`; a track that is no longer than a clip gives one.
    """
    spare = len(track) - frames
    if spare <= 0:
        return filled(track, frames)[None]
    starts = np.linspace(0, spare, clips) if clips > 1 else np.array([spare / 2])
    cut = [filled(track[round(start) :], frames) for start in starts]
    return np.stack(cut)


def consecutive(track: Frames, frames: int) -> NDArray[np.float32]:
    """Cut a track into clips, one after another; what is left at its end is dropped.

    Args:
        track: `(any, bands)`.
        frames: Frames of a clip.

    Returns:
        `(clips, frames, bands)`; a track that is shorter than a clip gives one.
    """
    clips = len(track) // frames
    if not clips:
        return filled(track, frames)[None]
    whole = np.asarray(track[: clips * frames], np.float32)
    return whole.reshape(clips, frames, track.shape[1])


def crop(
    track: Frames, frames: int, shown: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Cut `shown` frames at a random place and repeat them to a clip of `frames`."""
    start = rng.integers(0, max(len(track) - shown, 0) + 1)
    return filled(track[start : start + shown], frames)


def padded(tracks: Sequence[Frames]) -> NDArray[np.float32]:
    """Lay whole tracks side by side, the shorter ones followed by steps of NaN.

    Args:
        tracks: `(steps, values)` of each track; values of a feature are finite.

    Returns:
        `(tracks, longest, values)`.
    """
    longest = max(map(len, tracks))
    together = np.full((len(tracks), longest, tracks[0].shape[1]), np.nan, np.float32)
    for row, track in zip(together, tracks, strict=True):
        row[: len(track)] = track
    return together
