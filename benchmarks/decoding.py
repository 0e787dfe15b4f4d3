"""From mp3 to log-mel on one core, against the bare decode and against librosa."""

import time
from collections.abc import Iterator
from pathlib import Path

import librosa
import numpy as np
import soundfile

from benchmarks import data
from benchmarks.ratios import Ratio, milliseconds, quotients, taking_turns
from tagsmith.config import LogMel
from tagsmith.features import audio
from tagsmith.features.logmel import logmel

FILES, TURNS = 40, 4
QUICK_FILES, QUICK_TURNS = 2, 1


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Compare file by file, so that a turn takes a tenth of a second."""
    feature = data.params().feature("logmel")
    ours: list[float] = []
    bare: list[float] = []
    others: list[float] = []
    for path in data.songs(folder, QUICK_FILES if quick else FILES):
        ways = {
            "ours": lambda path=path: _ours(path, feature),
            "bare": lambda path=path: soundfile.read(path, dtype="float32"),
            "librosa": lambda path=path: _librosa(path, feature),
        }
        seconds = taking_turns(
            ways, QUICK_TURNS if quick else TURNS, clock=time.process_time
        )
        ours += seconds["ours"]
        bare += seconds["bare"]
        others += seconds["librosa"]
    times = (
        f"a file of {data.CLIP_SECONDS} s: ours {milliseconds(ours)}, "
        f"bare decode {milliseconds(bare)}, librosa {milliseconds(others)}"
    )
    yield Ratio(
        "mp3 -> 16 kHz -> log-mel, speed of libsndfile's bare decode",
        quotients(bare, ours),
        at_least=0.70,
        note=times,
    )
    yield Ratio(
        "mp3 -> 16 kHz -> log-mel, speed of librosa's way",
        quotients(others, ours),
        at_least=1.5,
    )


def _ours(path: Path, feature: LogMel) -> object:
    return logmel(audio.read(path, feature.sample_rate_hz), feature)


def _librosa(path: Path, feature: LogMel) -> object:
    waveform, rate_hz = librosa.load(path, sr=feature.sample_rate_hz)
    power = librosa.feature.melspectrogram(
        y=waveform,
        sr=rate_hz,
        n_fft=feature.window_samples,
        hop_length=feature.hop_samples,
        n_mels=feature.mel_bands,
        fmin=feature.low_hz,
        fmax=feature.high_hz,
    )
    return librosa.power_to_db(power, ref=np.max)
