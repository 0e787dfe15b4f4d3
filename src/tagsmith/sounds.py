"""What an audio file sounds like, in a few numbers, whatever it holds.

Everything is measured at the file's own sample rate, in one pass from front to back.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import engine
from tagsmith.config import Engine
from tagsmith.errors import DataError
from tagsmith.features.audio import Waveform, mono_blocks, opened
from tagsmith.features.probe import FLOOR_DB

WINDOW_SECONDS = 0.046  # 2048 samples at 44.1 kHz
QUIET_DB = -60.0  # a window below it is quiet: hardly any recorded room is

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Sound:
    """What one file sounds like.

    Attributes:
        level_db: RMS of the mono mix, dB of full scale, `FLOOR_DB` or more; all
            frequencies count alike, so this is not LUFS.
        seconds: Length that decoding yields.
        centroid_hz: Spectral centroid, the mean over windows that are not quiet; NaN
            where all are.
        quiet_share: Share of the windows that are below `QUIET_DB`.
        sample_rate_hz: As stored.
        channels: As stored.
        format: Of the file, as libsndfile calls it: `WAV`, `MP3` ...
    """

    level_db: float
    seconds: float
    centroid_hz: float
    quiet_share: float
    sample_rate_hz: int
    channels: int
    format: str


def measure(path: Path) -> Sound:
    """Listen to a file from beginning to end.

    Raises:
        DataError: It cannot be decoded, or holds no audio, or what is no number.
        MissingError: There is no such file.
    """
    with opened(path) as sound:
        rate_hz: int = sound.samplerate
        window = 2 ** round(math.log2(rate_hz * WINDOW_SECONDS))
        heard = [_windows(block, window, rate_hz) for block in mono_blocks(sound)]
        channels, form = sound.channels, sound.format
    if not heard:
        raise DataError(f"{path} holds no audio: its header is followed by nothing")
    energies, samples, centroids = map(np.concatenate, zip(*heard, strict=True))
    if not np.isfinite(energies).all():
        raise DataError(f"{path} holds samples that are no numbers (NaN or infinite)")
    loud = energies > samples * 10 ** (QUIET_DB / 10)
    return Sound(
        level_db=_decibels(energies.sum() / samples.sum()),
        seconds=float(samples.sum() / rate_hz),
        centroid_hz=float(centroids[loud].mean()) if loud.any() else math.nan,
        quiet_share=float(1 - loud.mean()),
        sample_rate_hz=rate_hz,
        channels=channels,
        format=form,
    )


def table(paths: Sequence[Path], names: Sequence[str], config: Engine) -> pd.DataFrame:
    """Listen to many files, on every core.

    Args:
        paths: The files.
        names: Their track ids.
        config: Where the work runs.

    Returns:
        A column for each attribute of `Sound`, indexed by track id.

    Raises:
        DataError: As for `measure`.
        MissingError: See there.
    """
    heard = engine.gathered(measure, paths, config, label="listen")
    rows = pd.DataFrame([vars(sound) for sound in heard])
    return rows.set_axis(pd.Index(list(names), name="track_id"), axis="index")


def _windows(
    block: Waveform, window: int, rate_hz: int
) -> tuple[Values, Values, Values]:
    """Return the energy, the length in samples and the centroid of each window."""
    count = -(-len(block) // window)
    padded = np.zeros(count * window, np.float32)
    padded[: len(block)] = block
    frames = padded.reshape(count, window)
    samples = np.full(count, float(window))
    samples[-1] = len(block) - (count - 1) * window
    magnitudes = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1))
    frequencies = np.fft.rfftfreq(window, 1 / rate_hz)
    total = np.maximum(magnitudes.sum(axis=1), np.finfo(float).tiny)
    energies = np.einsum("ij,ij->i", frames, frames, dtype=np.float64)
    return energies, samples, magnitudes @ frequencies / total


def _decibels(power: float) -> float:
    return max(10 * math.log10(power), FLOOR_DB) if power > 0 else FLOOR_DB
