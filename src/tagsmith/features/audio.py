"""Audio files become waveforms: decoded by libsndfile, mixed down, resampled by soxr.

Conventions:
    Waveforms are float32 in [-1, 1], one channel. Channels are averaged *before*
    resampling, which is linear too and would cost as much per channel.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tagsmith import quiet
from tagsmith.errors import DataError, MissingError

# soxr's speed hardly depends on its quality: LQ to VHQ take 4 to 6 ms for 29 s of
# 44.1 kHz audio, of which decoding takes 20 to 25 ms.
QUALITY = "HQ"
BLOCK_FRAMES = 1 << 16  # fits a core's cache, and bounds memory however long the file

Waveform = NDArray[np.float32]


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
    with opened(path) as sound:
        blocks = resampled(mono_blocks(sound), sound.samplerate, sample_rate_hz)
        waveform = np.concatenate([_NOTHING, *blocks])
    _check(waveform, path)
    return waveform


def beginning(path: Path, seconds: float) -> tuple[Waveform, int]:
    """Decode the first seconds of a file at its own sample rate.

    Args:
        path: A file in any format that libsndfile reads.
        seconds: How much of it; less if it is shorter.

    Returns:
        The mono waveform `(samples,)` and its sample rate in Hz.

    Raises:
        DataError: The file cannot be decoded, is empty or holds NaN.
        MissingError: There is no such file.
    """
    with opened(path) as sound:
        wanted = round(seconds * sound.samplerate)
        waveform = np.concatenate([_NOTHING, *_until(mono_blocks(sound), wanted)])
        sample_rate_hz: int = sound.samplerate
    _check(waveform, path)
    return waveform, sample_rate_hz


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- decoding

_NOTHING: Waveform = np.zeros(0, np.float32)


class Stream(soundfile.SoundFile):  # type: ignore[misc]  # untyped
    """A file read from front to back.

    After each read of a seekable file soundfile seeks to where it is, which takes time
    and resets the decoder: an mp3's next samples are then rounded differently.
    """

    def seekable(self) -> bool:
        """Say no, so that nobody seeks."""
        return False


@contextmanager
def opened(path: Path) -> Iterator[Stream]:
    """Open a file; whatever libsndfile objects to, then or later, is a `DataError`."""
    if not path.is_file():
        raise MissingError(f"{path} is not there")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty (0 bytes)")
    try:
        with quiet.native_libraries, Stream(path) as sound:
            try:
                yield sound
            except soundfile.LibsndfileError as error:
                raise DataError(
                    f"{path} is damaged: decoding breaks off "
                    f"({error.error_string.rstrip('.')})"
                ) from error
    except (
        soundfile.LibsndfileError,
        TypeError,
    ) as error:  # TypeError: headerless .raw
        raise DataError(
            f"{path} is not audio, whatever its name says: expected mp3, ogg, flac, "
            "wav or another format of libsndfile"
        ) from error


def mono_blocks(sound: Stream) -> Iterator[Waveform]:
    """Yield the mean of a file's channels, `(frames,)` at a time."""
    mix = np.full(sound.channels, 1 / sound.channels, np.float32)
    buffer = np.empty((BLOCK_FRAMES, sound.channels), np.float32)
    while len(block := sound.read(out=buffer)):
        # (frames, channels) to (frames,); multiplying by a 1 x 1 matrix is slow.
        yield block[:, 0].copy() if sound.channels == 1 else block @ mix


def _until(blocks: Iterator[Waveform], samples: int) -> Iterator[Waveform]:
    left = samples
    while left > 0 and (block := next(blocks, None)) is not None:
        yield block[:left]
        left -= len(block)


def _check(waveform: Waveform, path: Path) -> None:
    if not waveform.size:
        raise DataError(f"{path} holds no audio: its header is followed by nothing")
    if not np.isfinite(waveform).all():
        raise DataError(f"{path} holds samples that are no numbers (NaN or infinite)")


def resampled(
    blocks: Iterator[Waveform], from_hz: int, to_hz: int
) -> Iterator[Waveform]:
    """Resample mono blocks as they come, `(samples,)` each."""
    if from_hz == to_hz:
        yield from blocks
        return
    resampler = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=QUALITY)
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(_NOTHING, last=True)
