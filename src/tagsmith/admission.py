"""What a stranger's recording must be to be heard at all.

Nothing is believed that a file says of itself: it is decoded block by block, in little
memory, until it ends or is too long. Only then does anything hear it that needs memory
in proportion to its length.
"""

from dataclasses import dataclass
from pathlib import Path

from tagsmith.errors import DataError
from tagsmith.features import audio
from tagsmith.fetching import Bounds

MEGABYTE = 1_000_000
RATES_HZ = (4_000, 384_000)  # beyond them no music is stored, and resampling is costly
MOST_CHANNELS = 32  # of a block that is decoded at once


@dataclass(frozen=True)
class Limits:
    """How large a stranger's recording may be.

    Attributes:
        most_bytes: Of the file.
        longest_seconds: Of the sound.
        fetch_seconds: How long a server may take to hand it over.
    """

    most_bytes: int = 50 * MEGABYTE
    longest_seconds: float = 600.0
    fetch_seconds: float = 30.0

    @property
    def bounds(self) -> Bounds:
        """Of what is fetched."""
        return Bounds(self.most_bytes, self.fetch_seconds)


def admit(path: Path, limits: Limits) -> float:
    """Decode a file to its end, and return how long it is.

    Returns:
        Seconds.

    Raises:
        DataError: It is larger or longer than it may be, cannot be decoded, or is not
            what music is stored as.
    """
    size = path.stat().st_size
    if size > limits.most_bytes:
        raise too_large(limits)
    frames = 0
    with audio.opened(path) as sound:
        _check(sound)
        for block in audio.mono_blocks(sound):
            frames += len(block)
            if frames > limits.longest_seconds * sound.samplerate:
                raise DataError(
                    f"{path} is longer than {limits.longest_seconds:g} s; send an "
                    "excerpt"
                )
        seconds: float = frames / sound.samplerate
    if not frames:
        raise DataError(f"{path} holds no audio: its header is followed by nothing")
    return seconds


def too_large(limits: Limits) -> DataError:
    """Say that a recording has too many bytes."""
    most = limits.most_bytes / MEGABYTE
    return DataError(f"a recording may have {most:g} MB; send an excerpt")


def _check(sound: audio.Stream) -> None:
    lowest, highest = RATES_HZ
    if not lowest <= sound.samplerate <= highest:
        raise DataError(
            f"a recording's sample rate lies between {lowest} and {highest} Hz, this "
            f"says {sound.samplerate} Hz; resample it"
        )
    if sound.channels > MOST_CHANNELS:
        raise DataError(
            f"a recording has {MOST_CHANNELS} channels at most, this says "
            f"{sound.channels}; mix it down"
        )
