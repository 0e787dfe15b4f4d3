"""Second-order sections of an equaliser: `[b0, b1, b2, 1, a1, a2]` as scipy has them.

References:
    Robert Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients
    (shelves of slope 1, peaks of Q = 1).
"""

import numpy as np

Section = list[float]


def low_shelf(corner_hz: float, gain_db: float, rate_hz: float) -> Section:
    """Boost or cut what lies below a corner."""
    return _shelf(corner_hz, gain_db, rate_hz, sign=1)


def high_shelf(corner_hz: float, gain_db: float, rate_hz: float) -> Section:
    """Boost or cut what lies above a corner."""
    return _shelf(corner_hz, gain_db, rate_hz, sign=-1)


def peak(centre_hz: float, gain_db: float, rate_hz: float) -> Section:
    """Boost or cut what lies around a centre."""
    amplitude, omega = 10 ** (gain_db / 40), 2 * np.pi * centre_hz / rate_hz
    alpha, cosine = np.sin(omega) / 2, np.cos(omega)
    return _normalised(
        [1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude],
        [1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude],
    )


def _shelf(corner_hz: float, gain_db: float, rate_hz: float, *, sign: int) -> Section:
    # The two shelves differ in the sign of the cosine and of the middle coefficients.
    amplitude, omega = 10 ** (gain_db / 40), 2 * np.pi * corner_hz / rate_hz
    cosine = sign * np.cos(omega)
    root = np.sqrt(2 * amplitude) * np.sin(omega)
    more, less = amplitude + 1, amplitude - 1
    return _normalised(
        [
            amplitude * (more - less * cosine + root),
            sign * 2 * amplitude * (less - more * cosine),
            amplitude * (more - less * cosine - root),
        ],
        [
            more + less * cosine + root,
            -sign * 2 * (less + more * cosine),
            more + less * cosine - root,
        ],
    )


def _normalised(numerator: Section, denominator: Section) -> Section:
    return [float(x / denominator[0]) for x in [*numerator, *denominator]]
