"""Augmentation: what a clip's spectrogram goes through while a network trains on it.

Filters, rooms and microphones colour a recording slowly over frequency and add noise;
rendered or studio audio has neither. All of it happens on `(frames, bands)`, measured
in decibels of amplitude, from one generator, so that a seed repeats an epoch.

References:
    Park et al., "SpecAugment", Interspeech 2019, for the masks.
"""

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import Augmentation, LogMel

EQUALIZER_KNOTS = 6  # gains are drawn here and interpolated over the bands

Clip = NDArray[np.float32]


def augment(
    clip: Clip,
    config: Augmentation,
    *,
    feature: LogMel,
    rng: np.random.Generator,
) -> Clip:
    """Return another recording of the same music.

    Args:
        clip: `(frames, bands)` on the feature's scale.
        config: How much of what.
        feature: What the clip's frames are.
        rng: Where chance comes from.
    """
    # Without a change of level, what a decibel is has no say; it may not be known.
    unit = np.float32(feature.decibel if config.changes_levels else 1)
    changed: Clip = unit * _augmented(clip / unit, config, feature, rng)
    return changed


def _augmented(
    clip: Clip, config: Augmentation, feature: LogMel, rng: np.random.Generator
) -> Clip:
    """Return another recording in decibels."""
    frames, bands = clip.shape
    if config.shifted_bands:
        clip = _shifted(clip, config.shifted_bands, rng)
    clip = clip + _colour(bands, config, rng)
    if config.background_db is not None:
        clip = _with_background(clip, config, rng)
    if config.noise_db:
        clip = clip + rng.normal(0, config.noise_db, clip.shape).astype(np.float32)
    if config.masked_bands:
        clip = _masked(clip, config.masked_bands, axis=1, rng=rng)
    if config.masked_seconds:
        widest = round(config.masked_seconds * feature.frames_per_second)
        clip = _masked(clip, min(widest, frames), axis=0, rng=rng)
    return clip


def _shifted(clip: Clip, furthest: int, rng: np.random.Generator) -> Clip:
    """Move pitch and formants together, as a smaller or larger instrument would."""
    shift = rng.integers(-furthest, furthest + 1)
    bands = np.arange(clip.shape[1]) - shift
    return clip[:, np.clip(bands, 0, clip.shape[1] - 1)]


def _colour(bands: int, config: Augmentation, rng: np.random.Generator) -> Clip:
    """Draw a slope and a smooth curve over the bands, in decibels."""
    position = np.linspace(-0.5, 0.5, bands)
    slope = rng.normal(0, 1) * config.tilt_db * position
    knots = rng.normal(0, 1, EQUALIZER_KNOTS) * config.equalizer_db
    curve = np.interp(position, np.linspace(-0.5, 0.5, EQUALIZER_KNOTS), knots)
    return (slope + curve).astype(np.float32)


def _with_background(
    clip: Clip, config: Augmentation, rng: np.random.Generator
) -> Clip:
    """Add steady noise of a random level and slope; amplitudes add."""
    assert config.background_db is not None
    frames, bands = clip.shape
    level = clip.max() + rng.uniform(*config.background_db)
    slope = rng.uniform(-1, 0.3) * 20 * np.linspace(0, 1, bands)
    flicker = rng.normal(0, 1, (frames, bands))
    noise = (level + slope + flicker).astype(np.float32)
    louder, quieter = np.maximum(clip, noise), np.minimum(clip, noise)
    together: Clip = louder + 10 * np.log10(1 + 10 ** ((quieter - louder) / 10))
    return together


def _masked(clip: Clip, widest: int, *, axis: int, rng: np.random.Generator) -> Clip:
    """Set a stretch of random width to the clip's mean."""
    width = rng.integers(0, widest + 1)
    start = rng.integers(0, clip.shape[axis] - width + 1)
    masked = clip.copy()
    stretch = [slice(None), slice(None)]
    stretch[axis] = slice(start, start + width)
    masked[tuple(stretch)] = clip.mean()
    return masked
