"""Feature `deep_spectrum`: plots of a track's windows, as DeepSpectrum draws them.

DeepSpectrum plots spectrograms with matplotlib and shows the pictures to an ImageNet
CNN. A plot without axes is a table lookup: every pixel lies in one cell of the
spectrogram and has that cell's colour. `image` looks up, and draws nothing.

Conventions:
    Frames of 25 ms, rounded up to a power of two, overlap by half and are not padded.
    Bands are Slaney's, area-normalised. Colours span a window's own range. Rows go from
    high to low; the scale of mel plots is linear below 1 kHz and in octaves above.

What the CNN sees in the pictures is `tagsmith.models.analysis`'s business.

References:
    Amiriparian et al., "Snore sound classification using image-based deep spectrum
    features", Interspeech 2017; DeepSpectrum 0.6.1, whose plots `image` reproduces.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tagsmith.config import ColourMap, DeepSpectrum
from tagsmith.errors import DataError

PIXELS = 227  # of DeepSpectrum's plots: one inch at 227 dots
FRAME_SECONDS = 0.025
LINEAR_BELOW_HZ = 1000.0
SMALLEST_POWER = 1e-10
COLOURS = 256
CHROMA = 12

Mode = Literal["mel", "spectrogram", "chroma"]
Array = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]


def image(
    waveform: Array,
    sample_rate_hz: int,
    *,
    mode: Mode = "mel",
    mel_bands: int = 128,
    colour_map: ColourMap = "magma",
    pixels: int = PIXELS,
) -> Image:
    """Return the plot of a window.

    Args:
        waveform: `(samples,)`, at least one frame of 25 ms.
        sample_rate_hz: Its rate.
        mode: What is plotted: a mel spectrogram, a spectrogram or a chromagram.
        mel_bands: Bands of a mel spectrogram.
        colour_map: matplotlib's name of the colours.
        pixels: Width and height.

    Returns:
        `(pixels, pixels, 3)` red, green and blue, 0 to 255.

    Raises:
        DataError: The window is shorter than a frame.
    """
    levels = spectrum(waveform, sample_rate_hz, mode=mode, mel_bands=mel_bands)
    lowest, highest = float(levels.min()), float(levels.max())
    scale = COLOURS / (highest - lowest) if highest > lowest else 0.0
    shades = np.clip((levels - lowest) * scale, 0, COLOURS - 1).astype(np.uint8)
    rows = _rows(sample_rate_hz, mode, len(levels), pixels)
    columns = _columns(levels.shape[1], pixels)
    drawn: Image = _colours(colour_map)[shades[rows[:, np.newaxis], columns]]
    return drawn


def spectrum(
    waveform: Array, sample_rate_hz: int, *, mode: Mode = "mel", mel_bands: int = 128
) -> NDArray[np.float32]:
    """Return what `image` plots.

    Returns:
        `(rows, frames)` from low to high: mel bands or bins in dB below the window's
        maximum, with no floor; or chroma in [0, 1].

    Raises:
        DataError: The window is shorter than a frame.
    """
    samples = frame_samples(sample_rate_hz)
    if len(waveform) < samples:
        raise DataError(
            f"a window of {len(waveform)} samples is shorter than one frame of "
            f"{samples} (25 ms at {sample_rate_hz} Hz, rounded up): nothing to plot"
        )
    power = _power(np.asarray(waveform, np.float32), samples)
    match mode:
        case "mel":
            return _decibels(power @ _mel_filters(sample_rate_hz, samples, mel_bands))
        case "spectrogram":
            return _decibels(power)
        case "chroma":
            chroma = power @ _chroma_filters(sample_rate_hz, samples)
            loudest = np.maximum(chroma.max(axis=1, keepdims=True), SMALLEST_POWER)
            return np.ascontiguousarray((chroma / loudest).T, np.float32)


def windows(waveform: Array, sample_rate_hz: int, feature: DeepSpectrum) -> list[Array]:
    """Cut the beginning of a track into windows.

    Only whole windows are taken; a track that is shorter than one is one by itself.

    Raises:
        DataError: The track is shorter than a frame of 25 ms.
    """
    length = round(feature.window_seconds * sample_rate_hz)
    hop = round(feature.hop_seconds * sample_rate_hz)
    heard = waveform[: round(feature.seconds * sample_rate_hz)]
    if len(heard) < frame_samples(sample_rate_hz):
        raise DataError(
            f"a track of {len(heard) / sample_rate_hz:.3f} s is too short to plot; "
            "raise validation.shortest_seconds"
        )
    starts = range(0, max(len(heard) - length, 0) + 1, hop)
    return [heard[start : start + length] for start in starts]


def frame_samples(sample_rate_hz: int) -> int:
    """Return the length of a frame: the power of two at or above 25 ms."""
    return 1 << (int(FRAME_SECONDS * sample_rate_hz) - 1).bit_length()


def resized(picture: Image, pixels: int) -> Image:
    """Scale a square picture by its nearest pixels, as Pillow did before version 7."""
    at = ((np.arange(pixels) + 0.5) * len(picture) / pixels).astype(np.intp)
    return picture[np.ix_(at, at)]


# --- spectra


def _power(waveform: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """Return the power spectrum, `(frames, bins)`."""
    framed = np.lib.stride_tricks.sliding_window_view(waveform, samples)
    bins = scipy.fft.rfft(framed[:: samples // 2] * _window(samples))
    power: NDArray[np.float32] = bins.real**2 + bins.imag**2
    return power


def _decibels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn `(frames, rows)` of power into `(rows, frames)` dB below the maximum."""
    reference = np.float32(10 * np.log10(max(float(power.max()), SMALLEST_POWER)))
    decibels = 10 * np.log10(np.maximum(power, np.float32(SMALLEST_POWER)))
    return np.ascontiguousarray((decibels - reference).T)


@lru_cache(maxsize=8)
def _window(samples: int) -> NDArray[np.float32]:
    phase = 2 * np.pi * np.arange(samples) / samples
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


@lru_cache(maxsize=16)
def _mel_filters(
    sample_rate_hz: int, samples: int, mel_bands: int
) -> NDArray[np.float32]:
    from librosa.filters import mel  # noqa: PLC0415 - two seconds that only analysis should pay

    filters = mel(
        sr=sample_rate_hz, n_fft=samples, n_mels=mel_bands, htk=False, norm="slaney"
    )
    return np.ascontiguousarray(filters.T, np.float32)


@lru_cache(maxsize=8)
def _chroma_filters(sample_rate_hz: int, samples: int) -> NDArray[np.float32]:
    from librosa.filters import chroma  # noqa: PLC0415 - as above

    filters = chroma(sr=sample_rate_hz, n_fft=samples, n_chroma=CHROMA)
    return np.ascontiguousarray(filters.T, np.float32)


# --- where a pixel lies


@lru_cache(maxsize=16)
def _rows(sample_rate_hz: int, mode: Mode, rows: int, pixels: int) -> NDArray[np.intp]:
    """Return the row of the spectrum that each row of pixels shows, from the top."""
    edges = np.linspace(0, 1, rows + 1)
    if mode == "mel":
        edges = _mel_edges(sample_rate_hz, rows)
    height = (pixels - np.arange(pixels)) / pixels
    return np.clip(np.searchsorted(edges, height, "right") - 1, 0, rows - 1)


def _mel_edges(sample_rate_hz: int, bands: int) -> NDArray[np.float64]:
    """Return where bands begin and end on the plot's axis, 0 to 1."""
    from librosa import mel_frequencies  # noqa: PLC0415 - as above

    centres = mel_frequencies(n_mels=bands, fmin=0, fmax=sample_rate_hz / 2)
    between = centres[1:] - 0.5 * np.diff(centres)
    edges_hz = np.concatenate([centres[:1], between, [sample_rate_hz / 2]])
    octaves = np.log2(np.maximum(edges_hz, LINEAR_BELOW_HZ) / LINEAR_BELOW_HZ)
    linear = 2 * np.minimum(edges_hz, LINEAR_BELOW_HZ)
    axis = linear + LINEAR_BELOW_HZ * octaves
    scaled: NDArray[np.float64] = (axis - axis[0]) / (axis[-1] - axis[0])
    return scaled


@lru_cache(maxsize=64)
def _columns(frames: int, pixels: int) -> NDArray[np.intp]:
    """Return the frame that each column of pixels shows."""
    return np.minimum((np.arange(1, pixels + 1) * frames) // pixels, frames - 1)


@lru_cache(maxsize=1)
def _palette() -> dict[str, Image]:
    with (files("tagsmith.features") / "colour_maps.npz").open("rb") as file:
        return dict(np.load(file, allow_pickle=False))


def _colours(name: ColourMap) -> Image:
    """Return a colour map's `(256, 3)` red, green and blue."""
    return _palette()[name]
