"""Audio files become waveforms: decoded by libsndfile, mixed down, resampled by soxr.

Conventions:
    Waveforms are float32 in [-1, 1], one channel. Channels are averaged *before*
    resampling, which is linear too and would cost as much per channel.

What a file declares about its length is kept apart from what decoding yields: a
truncated file decodes without any complaint. An mp3 declares its length in a Xing, Info
or VBRI header only (libsndfile guesses it from the bit rate otherwise); WAV and AIFF in
the size of their data chunk; an Ogg stream not at all, but its last page says that it
is the last.
"""

import hashlib
import math
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError

FLOOR_DB = -200.0  # the level of digital silence
# soxr's speed hardly depends on its quality: LQ to VHQ take 4 to 6 ms for 29 s of
# 44.1 kHz audio, of which decoding takes 20 to 25 ms.
QUALITY = "HQ"
BLOCK_FRAMES = 1 << 16  # fits a core's cache, and bounds memory however long the file
STREAMED_BYTES = 0x7FFF0000  # chunk sizes from here on mean "written to a pipe"

Waveform = NDArray[np.float32]


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


def read(path: Path, sample_rate_hz: int) -> Waveform:
    """Decode a file in any format that libsndfile reads.

    Args:
        path: An mp3, ogg, opus, flac, wav, aiff ... file.
        sample_rate_hz: Rate to resample to.

    Returns:
        The mono waveform `(samples,)`.

    Raises:
        DataError: The file cannot be decoded, is empty or holds NaN.
        MissingError: There is no such file.
    """
    with _opened(path) as sound:
        blocks = _resampled(_mono_blocks(sound), sound.samplerate, sample_rate_hz)
        waveform = np.concatenate([_NOTHING, *blocks])
    if not waveform.size:
        raise DataError(f"{path} holds no audio: its header is followed by nothing")
    if not np.isfinite(waveform).all():
        raise DataError(f"{path} holds samples that are no numbers (NaN or infinite)")
    return waveform


def probe(path: Path) -> Probe:
    """Decode a file to its end and say what was found; never raises for a bad file."""
    tally = _Tally()
    problem = ""
    try:
        with _opened(path) as sound:
            tally.open(sound, path)
            for block in _mono_blocks(sound):
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


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- decoding

_NOTHING: Waveform = np.zeros(0, np.float32)


class _Stream(soundfile.SoundFile):  # type: ignore[misc]  # untyped
    """A file read from front to back.

    After each read of a seekable file soundfile seeks to where it is, which takes time
    and resets the decoder: an mp3's next samples are then rounded differently.
    """

    def seekable(self) -> bool:
        return False


@contextmanager
def _opened(path: Path) -> Iterator[_Stream]:
    """Open a file; whatever libsndfile objects to, then or later, is a `DataError`."""
    if not path.is_file():
        raise MissingError(f"{path} is not there")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty (0 bytes)")
    try:
        with _quiet_decoder, _Stream(path) as sound:
            try:
                yield sound
            except soundfile.LibsndfileError as error:
                raise DataError(
                    f"{path} is damaged: decoding breaks off "
                    f"({error.error_string.rstrip('.')})"
                ) from error
    except soundfile.LibsndfileError as error:
        raise DataError(
            f"{path} is not audio, whatever its name says: expected mp3, ogg, flac, "
            "wav or another format of libsndfile"
        ) from error


def _mono_blocks(sound: _Stream) -> Iterator[Waveform]:
    mix = np.full(sound.channels, 1 / sound.channels, np.float32)
    buffer = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    while len(block := sound.read(out=buffer)):
        yield block @ mix  # (frames, channels) to (frames,)


def _resampled(
    blocks: Iterator[Waveform], from_hz: int, to_hz: int
) -> Iterator[Waveform]:
    if from_hz == to_hz:
        yield from blocks
        return
    resampler = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=QUALITY)
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(_NOTHING, last=True)


class _QuietDecoder:
    """Keeps mpg123's remarks from the terminal: they come from C, past Python's stderr.

    Threads that decode at the same time share one redirection; the last one ends it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._stderr = -1

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._stderr = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                os.dup2(self._stderr, 2)
                os.close(self._stderr)


_quiet_decoder = _QuietDecoder()


# --- what a file promises


@dataclass
class _Tally:
    """What has been seen of a file so far."""

    declared_seconds: float = math.nan
    rate_hz: int = 0
    channels: int = 0
    frames: int = 0
    energy: float = 0.0  # sum of squares of the mono mix

    def open(self, sound: _Stream, path: Path) -> None:
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

    def problem(self, sound: _Stream) -> str:
        if not self.frames:
            return "holds no audio: its header is followed by nothing"
        if not math.isfinite(self.energy):
            return "holds samples that are no numbers (NaN or infinite)"
        if "lacks an end-of-stream bit" in sound.extra_info:
            return "ends early: the last page of its Ogg stream is missing"
        return ""


def _declared_seconds(sound: _Stream, path: Path) -> float:
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
