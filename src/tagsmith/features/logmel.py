"""Feature `logmel`: mel bands in decibels, as the front end of AugLi's CRNN hears them.

Conventions:
    Frames follow TensorFlow's SAME padding: `ceil(samples / hop)` frames, zeros on both
    sides. Bands are Slaney's, area-normalised; decibels are of *amplitude* times ten,
    half the usual, because the original took the square root before the logarithm.

The store keeps decibels of full scale; `relative` refers them to a clip's own maximum,
as the original layer did. So any crop of a stored track equals the layer's output.

References:
    kapre 0.1.4 `Melspectrogram(power_melgram=1.0, return_decibel_melgram=True)`;
    Amiriparian et al., "Emotion and themes recognition in music utilising convolutional
    and recurrent neural networks", MediaEval 2019.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import LogMel

SMALLEST_POWER = np.float32(1e-20)  # -100 dB of amplitude: digital silence
FLOOR_DB = -80.0  # below the maximum of a clip nothing is kept
# Spectra of so many frames stay in a core's cache: three times as fast as all at once.
BLOCK_FRAMES = 128

Array = NDArray[np.floating[Any]]


def logmel(waveform: Array, feature: LogMel) -> NDArray[np.float32]:
    """Analyse a waveform.

    Args:
        waveform: `(samples,)` at `feature.sample_rate_hz`, full scale at 1.
        feature: Window, hop and bands.

    Returns:
        `(frames, bands)` decibels of full scale, from -100 up.
    """
    frames = _framed(np.asarray(waveform), feature)
    window, filters = _window(feature.window_samples), mel_filters(feature)
    bands = np.empty((len(frames), feature.mel_bands), np.float32)
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        # In double precision: 60 of these decibels are 120 dB of power, where the
        # rounding of a float32 transform is already audible in the result.
        spectrum = np.fft.rfft(frames[block] * window).astype(np.complex64)
        bands[block] = (spectrum.real**2 + spectrum.imag**2) @ filters
    # Half of the power's decibels are the amplitude's.
    decibels: NDArray[np.float32] = 5 * np.log10(np.maximum(bands, SMALLEST_POWER))
    return decibels


def relative(decibels: Array) -> Array:
    """Refer a clip to its own maximum and cut what lies 80 dB below it.

    Args:
        decibels: `(frames, bands)` of full scale.

    Returns:
        `(frames, bands)` in [-80, 0] dB.
    """
    result: Array = np.maximum(decibels - decibels.max(), FLOOR_DB)
    return result


@lru_cache(maxsize=8)
def mel_filters(feature: LogMel) -> NDArray[np.float32]:
    """Return the weights of each band, `(window / 2 + 1, bands)`, Slaney's scale."""
    from librosa.filters import mel  # noqa: PLC0415 - two seconds that only analysis should pay

    filters = mel(
        sr=feature.sample_rate_hz,
        n_fft=feature.window_samples,
        n_mels=feature.mel_bands,
        fmin=feature.low_hz,
        fmax=feature.high_hz,
        htk=False,
        norm="slaney",
    )
    return np.ascontiguousarray(filters.T, np.float32)


@lru_cache(maxsize=8)
def _window(samples: int) -> NDArray[np.float64]:
    # Periodic, not symmetric: the analysis window of a DFT of the same length.
    phase = 2 * np.pi * np.arange(samples) / samples
    return 0.5 - 0.5 * np.cos(phase)


def _framed(waveform: Array, feature: LogMel) -> Array:
    window, hop = feature.window_samples, feature.hop_samples
    frames = -(-waveform.size // hop)
    missing = max((frames - 1) * hop + window - waveform.size, 0)
    padded = np.pad(waveform, (missing // 2, missing - missing // 2))
    framed: Array = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return framed[:frames]
