"""A plot of five seconds by table, against drawing the same with matplotlib."""

import io
import time
from collections.abc import Iterator
from pathlib import Path

import librosa.display
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.ratios import Ratio, milliseconds, quotients, taking_turns
from tagsmith.features.deep_spectrum import PIXELS, image, spectrum

RATE_HZ, SECONDS = 44100, 5.0
TURNS, QUICK_TURNS = 40, 2


def measure(_: Path, *, quick: bool) -> Iterator[Ratio]:
    """Draw one window of noise both ways, spectrogram included."""
    mpl.use("agg")
    rng = np.random.default_rng(0)
    window = rng.normal(0, 0.1, round(RATE_HZ * SECONDS)).astype(np.float32)
    ways = {
        "ours": lambda: image(window, RATE_HZ),
        "matplotlib": lambda: _plotted(window),
    }
    seconds = taking_turns(
        ways, QUICK_TURNS if quick else TURNS, clock=time.process_time
    )
    yield Ratio(
        "plot of 5 s by table, speed of drawing it with matplotlib",
        quotients(seconds["matplotlib"], seconds["ours"]),
        note=f"a plot: ours {milliseconds(seconds['ours'])}, "
        f"matplotlib {milliseconds(seconds['matplotlib'])}",
    )


def _plotted(window: NDArray[np.float32]) -> bytes:
    """Draw a window as DeepSpectrum does: one inch, no axes, saved as PNG."""
    figure = Figure(figsize=(1, 1), frameon=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    librosa.display.specshow(
        spectrum(window, RATE_HZ),
        y_axis="mel",
        sr=RATE_HZ,
        fmax=RATE_HZ / 2,
        cmap="magma",
        ax=axes,
    )
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=PIXELS)
    return file.getvalue()
