"""Features of kind `logmel`: mel bands on a logarithmic scale, as networks hear them.

Conventions:
    Bands are Slaney's, area-normalised. Frames are centred, as librosa's (`1 + samples
    // hop` of them), or follow TensorFlow's SAME padding, as kapre's (`ceil(samples /
    hop)`); there are zeros on both sides.
    The natural scale is the logarithm of power. Decibels are of *amplitude* times ten,
    half the usual, because AugLi's front end took the square root before the logarithm.

The store keeps decibels of full scale; AugLi's network refers them to a clip's own
maximum, as that front end did. So any crop of a stored track equals its output.

References:
    AugLi's CRNN: kapre 0.1.4 `Melspectrogram(power_melgram=1.0,
    return_decibel_melgram=True)`; Amiriparian et al., "Emotion and themes recognition
    in music utilising convolutional and recurrent neural networks", MediaEval 2019.
    The multi-scale network: librosa's `melspectrogram`, clipped at 1e-20, `log`;
    Dabral, Deshmukh and Malapati, "Multi-scale convolutional neural networks for music
    auto-tagging".
    The siamese network: Choi, Lee, Park and Nam, "Zero-shot learning for audio-based
    music classification and tagging", ISMIR 2019.
"""

from functools import lru_cache
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import LogMel

SMALLEST_POWER = np.float32(1e-20)  # -100 dB of amplitude: digital silence
# Spectra of so many frames stay in a core's cache: three times as fast as all at once.
BLOCK_FRAMES = 128

Array = NDArray[np.floating[Any]]


def logmel(waveform: Array, feature: LogMel) -> NDArray[np.float32]:
    """Analyse a waveform.

    Args:
        waveform: `(samples,)` at `feature.sample_rate_hz`, full scale at 1.
        feature: Window, hop and bands.

    Returns:
        `(frames, bands)` decibels of full scale, from -100 up; natural logarithms of
        power, from -46 up; or compressed magnitudes, from 0 up.
    """
    frames = _framed(np.asarray(waveform), feature)
    window, filters = _window(feature.window_samples), mel_filters(feature)
    bands = np.empty((len(frames), feature.mel_bands), np.float32)
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        # In double precision: 60 of these decibels are 120 dB of power, where the
        # rounding of a float32 transform is already audible in the result.
        spectrum = np.fft.rfft(frames[block] * window).astype(np.complex64)
        power = spectrum.real**2 + spectrum.imag**2
        heard = np.sqrt(power) if feature.scale == "compressed" else power
        bands[block] = heard @ filters
    return _scaled(bands, feature)


def _scaled(bands: NDArray[np.float32], feature: LogMel) -> NDArray[np.float32]:
    match feature.scale:
        case "natural":
            scaled = np.log(np.maximum(bands, SMALLEST_POWER))
        case "decibels":  # half of the power's are the amplitude's
            scaled = 5 * np.log10(np.maximum(bands, SMALLEST_POWER))
        case "compressed":
            scaled = np.log10(1 + 10 * bands)
        case _:
            assert_never(feature.scale)
    return np.asarray(scaled, np.float32)


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
    if feature.frames == "centered":
        frames = 1 + waveform.size // hop
        padded = np.pad(waveform, window // 2)
    else:
        frames = -(-waveform.size // hop)
        missing = max((frames - 1) * hop + window - waveform.size, 0)
        padded = np.pad(waveform, (missing // 2, missing - missing // 2))
    framed: Array = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return framed[:frames]
