"""Nine statistics of 40 mel bands from audio, as AcousticBrainz documents hold them.

They are `lowlevel.melbands` of Essentia's extractor "music 1.0" (2.1-beta2). Some of
it is documented; the rest was measured on Essentia's output and on a document.

Conventions:
    Frames of 2048 samples at 44.1 kHz, every 1024, the first centred on the track's
    start; beyond both ends there are zeros. They are `1 + ceil(samples / 1024)`: one
    sample has two, and no track is too short.
    The window is Harris's three-term Blackman-Harris (62 dB), symmetric, with sum 2.
    Bands divide 0 to 11000 Hz evenly in HTK's mel. They are triangles *in mel*, unlike
    librosa's, which are in hertz, and hold the weighted mean of their bins' power.
    A change is the absolute first or second difference between frames. Variances are
    those of a population. Nothing is logarithmic.

Essentia adds noise at -205 dB to silent frames. It decides the minima of every track
that holds a moment of silence, so a network that learnt from documents expects it: it
is added here too, from a seed. A wholly silent track, which Essentia refuses, is zeros.

Replay gain, which Essentia applies first, is not: it multiplies all bands alike, and
`melbands.scaled` divides it out. Only what counts as silent depends on it a little.

References:
    Bogdanov et al., "Essentia: an audio analysis library for music information
    retrieval", ISMIR 2013, and its documentation of MusicExtractor, MFCC, FrameCutter
    and PoolAggregator; its issues 494 and 501 tell of the triangles and the power.
    Harris, "On the use of windows for harmonic analysis with the discrete Fourier
    transform", Proceedings of the IEEE 66 (1), 1978.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError

SAMPLE_RATE_HZ = 44100
WINDOW_SAMPLES = 2048
HOP_SAMPLES = 1024
BANDS = 40
HIGHEST_HZ = 11000.0  # not 22050: the bands are those of Essentia's MFCC
BLACKMAN_HARRIS = (0.44959, -0.49364, 0.05677)  # Harris's table 1: minimum, 3 terms

SILENT_POWER = 1e-10  # mean square below which a frame is silent: -100 dB
NOISE_PEAK = 1e-10  # of the uniform noise that is added to it
NOISE_SEED = 0  # Essentia has none: its minima differ from run to run

# Spectra of so many frames stay in a core's cache, and memory is flat for long tracks.
BLOCK_FRAMES = 128

Waveform = NDArray[np.floating]
Bands = NDArray[np.float32]


def from_audio(waveform: Waveform, sample_rate_hz: int) -> NDArray[np.float32]:
    """Return the nine statistics of a track.

    Args:
        waveform: The whole track, `(samples,)`, mono, full scale at 1.
        sample_rate_hz: Its rate, which must be 44100.

    Returns:
        `(40, 9)`, unscaled: min, mean, median, max, var, dmean, dvar, dmean2, dvar2.

    Raises:
        DataError: It is not mono, is empty, holds NaN, or is at another rate.
    """
    _check(waveform, sample_rate_hz)
    return summary(band_powers(waveform))


def band_powers(waveform: Waveform) -> Bands:
    """Return each frame's mean power in each band, `(frames, 40)`.

    Args:
        waveform: `(samples,)` at 44.1 kHz.

    Returns:
        Zeros if all frames are silent. Otherwise silent ones hold noise of some 1e-23.
    """
    frames = 1 + -(-waveform.size // HOP_SAMPLES)
    bands = np.empty((frames, BANDS), np.float32)
    silent = np.empty(frames, np.bool_)
    noise, filters, window = np.random.default_rng(NOISE_SEED), _filters(), _window()
    for start in range(0, frames, BLOCK_FRAMES):
        block = slice(start, min(start + BLOCK_FRAMES, frames))
        framed, silent[block] = _audible(_framed(waveform, block), noise)
        # In double precision: quiet bands lie 120 dB below loud ones.
        spectrum = np.fft.rfft(framed * window)[:, : len(filters)].astype(np.complex64)
        bands[block] = (spectrum.real**2 + spectrum.imag**2) @ filters
    return np.zeros_like(bands) if silent.all() else bands


def summary(bands: Bands) -> NDArray[np.float32]:
    """Return nine statistics of each band.

    Args:
        bands: `(frames, bands)`, at least one frame.

    Returns:
        `(bands, 9)`: min, mean, median, max, var, mean and variance of the absolute
        first differences, and of the second. Of differences there may be none: 0.
    """
    mean, variance = _moments(bands)
    changes = (np.abs(np.diff(bands, n=order, axis=0)) for order in (1, 2))
    statistics = [
        *(bands.min(0), mean, np.median(bands, 0), bands.max(0), variance),
        *(moment for change in changes for moment in _moments(change)),
    ]
    return np.stack(statistics, axis=-1).astype(np.float32)


def _moments(values: Bands) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not len(values):
        nothing = np.zeros(values.shape[1])
        return nothing, nothing
    return values.mean(0, dtype=np.float64), values.var(0, dtype=np.float64)


def _framed(waveform: Waveform, block: slice) -> Waveform:
    """Cut the frames of a block, `(frames, window)`, with zeros beyond the ends."""
    begin = block.start * HOP_SAMPLES - WINDOW_SAMPLES // 2
    end = (block.stop - 1) * HOP_SAMPLES + WINDOW_SAMPLES // 2
    missing = max(-begin, 0), max(end - waveform.size, 0)
    padded = np.pad(waveform[max(begin, 0) : end], missing)
    framed: Waveform = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)
    return framed[::HOP_SAMPLES]


def _audible(
    framed: Waveform, noise: np.random.Generator
) -> tuple[Waveform, NDArray[np.bool_]]:
    """Add noise to silent frames; say which are."""
    power = np.einsum("fs,fs->f", framed, framed) / WINDOW_SAMPLES
    silent = power < SILENT_POWER
    if silent.any():
        framed = framed.astype(np.float64)
        shape = np.count_nonzero(silent), WINDOW_SAMPLES
        framed[silent] += noise.uniform(-NOISE_PEAK, NOISE_PEAK, shape)
    return framed, silent


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float64]:
    turns = np.linspace(0, 2 * np.pi, WINDOW_SAMPLES)  # both ends: symmetric
    window = sum(
        weight * np.cos(term * turns) for term, weight in enumerate(BLACKMAN_HARRIS)
    )
    return np.asarray(2 * window / np.sum(window))


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Return the weights of the bins up to 11 kHz in each band, `(bins, bands)`."""
    bin_hz = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)
    bin_mel = _mel(bin_hz[bin_hz < HIGHEST_HZ])[:, np.newaxis]
    edges = np.linspace(0, _mel(np.array(HIGHEST_HZ)), BANDS + 2)
    rise = (bin_mel - edges[:-2]) / np.diff(edges)[0]
    triangles = np.maximum(0, 1 - np.abs(rise - 1))
    return np.asarray(triangles / triangles.sum(0), np.float32)


def _mel(hertz: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(2595 * np.log10(1 + hertz / 700))


def _check(waveform: Waveform, sample_rate_hz: int) -> None:
    if sample_rate_hz != SAMPLE_RATE_HZ:
        raise DataError(
            f"mel band statistics are of audio at {SAMPLE_RATE_HZ} Hz, got "
            f"{sample_rate_hz} Hz; read it with audio.read(path, {SAMPLE_RATE_HZ})"
        )
    if waveform.ndim != 1 or not waveform.size:
        raise DataError(
            "mel band statistics are of a mono waveform (samples,) that is not empty, "
            f"got shape {waveform.shape}; average its channels, or leave the file out"
        )
    if not np.isfinite(waveform).all():
        where = int(np.flatnonzero(~np.isfinite(waveform))[0])
        raise DataError(
            f"a waveform must hold finite numbers, but sample {where} is "
            f"{waveform[where]}; decode the file again, or leave it out"
        )
