"""An audio file that is decoded once, whatever is heard of it; or a part of one."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from tagsmith.errors import DataError
from tagsmith.features import audio
from tagsmith.features.audio import Waveform


class Sound:
    """The sound of a file, decoded when it is first asked for.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at: dict[int, Waveform] = {}

    @classmethod
    def of(cls, source: "Path | Sound") -> "Sound":
        """Return the sound of a file, or the sound itself."""
        return source if isinstance(source, cls) else cls(Path(str(source)))

    def at(self, sample_rate_hz: int) -> Waveform:
        """Return the mono waveform `(samples,)` at a rate, as `audio.read` does.

        Raises:
            DataError: The file cannot be decoded, is empty or holds NaN.
            MissingError: There is no such file.
        """
        if sample_rate_hz not in self._at:
            # In the blocks of `audio.read`: the same numbers come out.
            blocks = audio.resampled(
                iter(self._blocks), self.sample_rate_hz, sample_rate_hz
            )
            waveform = np.concatenate([*blocks])
            self._at[sample_rate_hz] = waveform
        return self._at[sample_rate_hz]

    def beginning(self, seconds: float) -> tuple[Waveform, int]:
        """Return its first seconds at its own rate, and the rate in Hz.

        Raises:
            DataError: As for `at`, and so is `MissingError`.
            MissingError: See there.
        """
        rate_hz = self.sample_rate_hz
        return self.at(rate_hz)[: round(seconds * rate_hz)], rate_hz

    @property
    def seconds(self) -> float:
        """How long it is, decoded."""
        return sum(map(len, self._blocks)) / self.sample_rate_hz

    def part(self, start_seconds: float, seconds: float) -> "Sound":
        """Return some seconds of it, or what is left of them at its end."""
        rate_hz = self.sample_rate_hz
        start = round(start_seconds * rate_hz)
        waveform = self.at(rate_hz)[start : start + round(seconds * rate_hz)]
        cut = Sound(self.path)
        cut._decoded = _in_blocks(waveform), rate_hz
        return cut

    @property
    def sample_rate_hz(self) -> int:
        """As the file has it."""
        return self._decoded[1]

    @property
    def _blocks(self) -> Sequence[Waveform]:
        return self._decoded[0]

    @cached_property
    def _decoded(self) -> tuple[Sequence[Waveform], int]:
        """Decode the file: mono blocks, and their rate in Hz."""
        with audio.opened(self.path) as sound:
            blocks = list(audio.mono_blocks(sound))
            sample_rate_hz: int = sound.samplerate
        if not blocks:
            raise DataError(
                f"{self.path} holds no audio: its header is followed by nothing"
            )
        if not all(np.isfinite(block).all() for block in blocks):
            raise DataError(
                f"{self.path} holds samples that are no numbers (NaN or infinite)"
            )
        return blocks, sample_rate_hz


def _in_blocks(waveform: Waveform) -> list[Waveform]:
    starts = range(0, len(waveform), audio.BLOCK_FRAMES)
    return [waveform[start : start + audio.BLOCK_FRAMES] for start in starts]
