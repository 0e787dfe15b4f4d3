"""Writers of small audio files, good and bad."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float64]  # (samples, channels)


def sine(hz: float = 440, *, seconds: float = 1, rate_hz: int = 16000) -> Sound:
    """A tone at -9 dB of full scale."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return 0.5 * np.sin(2 * np.pi * hz * at)[:, None]


def chord(*notes_hz: float, seconds: float = 1, rate_hz: int = 16000) -> Sound:
    """Several tones at once."""
    tones = [sine(hz, seconds=seconds, rate_hz=rate_hz) for hz in notes_hz]
    return np.mean(tones, axis=0)


def noise(seed: int = 0, *, seconds: float = 1, rate_hz: int = 16000) -> Sound:
    """White noise at -20 dB of full scale, another for each seed."""
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal((round(seconds * rate_hz), 1))


def silence(*, seconds: float = 1, rate_hz: int = 16000) -> Sound:
    """Digital silence."""
    return np.zeros((round(seconds * rate_hz), 1))


def write(path: Path, sound: Sound, *, rate_hz: int = 16000, channels: int = 1) -> Path:
    """Write a file in the format of its suffix, the same in every channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.repeat(sound, channels, axis=1), rate_hz)
    return path


def truncate(path: Path, share: float = 0.5) -> Path:
    """Keep the first share of a file's bytes, as a broken download does."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def damage(path: Path) -> Path:
    """Put noise in the middle of a file."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(content)
    return path


# --- one of each kind of bad file, by its name


def zero_byte(path: Path) -> Path:
    """A file without a byte."""
    path.write_bytes(b"")
    return path


def text(path: Path) -> Path:
    """Text that says it is music."""
    path.write_text("la la la\n" * 500)
    return path


def truncated(path: Path) -> Path:
    """Half of four seconds."""
    return truncate(write(path, noise(seconds=4)))


def silent(path: Path) -> Path:
    """Nothing to hear."""
    return write(path, silence(seconds=4))


def short(path: Path) -> Path:
    """A tenth of a second."""
    return write(path, noise(seconds=0.1))


def not_a_number(path: Path) -> Path:
    """A wav whose samples are NaN."""
    path = path.with_suffix(".wav")
    soundfile.write(path, np.full(16000, np.nan, np.float32), 16000, subtype="FLOAT")
    return path


BAD = {
    "zero_byte": zero_byte,
    "text": text,
    "truncated": truncated,
    "silent": silent,
    "short": short,
    "not_a_number": not_a_number,
}
