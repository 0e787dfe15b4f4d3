"""Tone controls as gain over frequency: they colour a spectrum and delay nothing.

Every function takes frequencies in Hz and returns decibels, so that controls in a row
are added up and turned into a factor once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.floating[Any]]  # one value per frequency

PEAK_OCTAVES = 0.5  # from the centre of a resonance to its flank


def low_shelf(frequencies_hz: Curve, corner_hz: float, gain_db: float) -> Curve:
    """Boost what lies below a corner, by half at the corner itself."""
    gain: Curve = gain_db / (1 + (frequencies_hz / corner_hz) ** 2)
    return gain


def high_shelf(frequencies_hz: Curve, corner_hz: float, gain_db: float) -> Curve:
    """Boost what lies above a corner, by half at the corner itself."""
    gain: Curve = gain_db - low_shelf(frequencies_hz, corner_hz, gain_db)
    return gain


def peak(frequencies_hz: Curve, centre_hz: float, gain_db: float) -> Curve:
    """Boost what lies around a centre."""
    octaves = np.log2(np.maximum(frequencies_hz, 1) / centre_hz)
    gain: Curve = gain_db * np.exp(-((octaves / PEAK_OCTAVES) ** 2) / 2)
    return gain


def factor(gain_db: Curve) -> Curve:
    """Return what amplitudes are multiplied by."""
    return np.asarray(10 ** (gain_db / 20), np.float32)
