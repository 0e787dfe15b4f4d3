"""What is known of an audio file once it has been decoded to its end.

What a file declares about its length is kept apart from what decoding yields: a
truncated file decodes without any complaint. An mp3 declares its length in a Xing, Info
or VBRI header only (libsndfile guesses it from the bit rate otherwise); WAV and AIFF in
the size of their data chunk; an Ogg stream not at all, but its last page says that it
is the last.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tagsmith.errors import DataError, MissingError
from tagsmith.features.audio import Stream, Waveform, mono_blocks, opened, sha256

FLOOR_DB = -200.0  # the level of digital silence
STREAMED_BYTES = 0x7FFF0000  # chunk sizes from here on mean "written to a pipe"


@dataclass(frozen=True)
class Probe:
    """What decoding a whole file found out about it.

    Attributes:
        sha256: Of the file's bytes; empty where there is no file.
        declared_seconds: Length that the file promises; NaN where it does not.
        decoded_seconds: Length that decoding yields.
        sample_rate_hz: As stored; 0 where the file could not be opened.
        channels: As stored; 0 where the file could not be opened.
        rms_db: Level of the mono mix, dB of full scale, `FLOOR_DB` or more.
        problem: Why the file could not be read to its end; empty where it could.
    """

    sha256: str
    declared_seconds: float = math.nan
    decoded_seconds: float = 0.0
    sample_rate_hz: int = 0
    channels: int = 0
    rms_db: float = FLOOR_DB
    problem: str = ""


def probe(path: Path) -> Probe:
    """Decode a file to its end and say what was found; never raises for a bad file."""
    tally = _Tally()
    problem = ""
    try:
        with opened(path) as sound:
            tally.open(sound, path)
            for block in mono_blocks(sound):
                tally.add(block)
            problem = tally.problem(sound)
    except (DataError, MissingError) as error:
        problem = str(error).removeprefix(f"{path} ")
    return Probe(
        sha256=sha256(path) if path.is_file() else "",
        declared_seconds=tally.declared_seconds,
        decoded_seconds=tally.frames / tally.rate_hz if tally.rate_hz else 0.0,
        sample_rate_hz=tally.rate_hz,
        channels=tally.channels,
        rms_db=tally.rms_db,
        problem=problem,
    )


@dataclass
class _Tally:
    """What has been seen of a file so far."""

    declared_seconds: float = math.nan
    rate_hz: int = 0
    channels: int = 0
    frames: int = 0
    energy: float = 0.0  # sum of squares of the mono mix

    def open(self, sound: Stream, path: Path) -> None:
        self.rate_hz = sound.samplerate
        self.channels = sound.channels
        self.declared_seconds = _declared_seconds(sound, path)

    def add(self, block: Waveform) -> None:
        self.frames += len(block)
        self.energy += float(np.dot(block, block))

    @property
    def rms_db(self) -> float:
        power = self.energy / max(self.frames, 1)
        if not 0 < power < math.inf:  # silence, nothing, or NaN
            return FLOOR_DB
        return max(10 * math.log10(power), FLOOR_DB)

    def problem(self, sound: Stream) -> str:
        if not self.frames:
            return "holds no audio: its header is followed by nothing"
        if not math.isfinite(self.energy):
            return "holds samples that are no numbers (NaN or infinite)"
        if "lacks an end-of-stream bit" in sound.extra_info:
            return "ends early: the last page of its Ogg stream is missing"
        return ""


def _declared_seconds(sound: Stream, path: Path) -> float:
    if sound.format == "OGG" or (sound.format == "MP3" and not _states_length(path)):
        return math.nan
    frames = sound.frames
    chunk = re.search(r"(?:data|SSND) *: (\d+) \(should be (\d+)\)", sound.extra_info)
    if chunk:
        promised, there = map(int, chunk.groups())
        frames = frames * promised / max(there, 1) if promised < STREAMED_BYTES else 0
    return frames / sound.samplerate if frames else math.nan


def _states_length(path: Path) -> bool:
    """Whether an mp3's first frame is a header that counts its frames."""
    with path.open("rb") as file:
        start = file.read(10)
        if start[:3] == b"ID3":  # its size comes in seven bits per byte
            size = sum(
                byte << shift
                for byte, shift in zip(start[6:], (21, 14, 7, 0), strict=True)
            )
            file.seek(10 + size)
        else:
            file.seek(0)
        frame = file.read(2048)
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))
