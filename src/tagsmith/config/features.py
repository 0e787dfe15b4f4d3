"""Features: what models hear."""

import math
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from tagsmith.config.section import Checksum, Section

Audio = Literal["raw", "wavs"]  # as it came, at its own sample rate | as converted


class LogMel(Section):
    """A mel spectrogram on a logarithmic scale.

    `frames` of kind `same` start as TensorFlow's SAME padding has them, kapre's;
    `centered` ones as librosa's. `scale` is in decibels of amplitude, the natural
    logarithm of power, or `compressed`: log10(1 + 10 magnitude), which is 0 in silence.
    """

    kind: Literal["logmel"]
    audio: Audio
    sample_rate_hz: PositiveInt
    window_samples: PositiveInt
    hop_samples: PositiveInt
    mel_bands: PositiveInt
    low_hz: NonNegativeFloat
    high_hz: PositiveFloat
    frames: Literal["same", "centered"]
    scale: Literal["decibels", "natural", "compressed"]
    shard_tracks: PositiveInt

    @model_validator(mode="after")
    def _bands_lie_below_nyquist(self) -> Self:
        if not self.low_hz < self.high_hz <= self.sample_rate_hz / 2:
            raise ValueError(
                f"low_hz ({self.low_hz:g}) < high_hz ({self.high_hz:g}) <= half of "
                f"sample_rate_hz ({self.sample_rate_hz / 2:g}) does not hold"
            )
        return self

    @model_validator(mode="after")
    def _hop_fits_window(self) -> Self:
        if self.hop_samples > self.window_samples:
            raise ValueError(
                f"hop_samples ({self.hop_samples}) is longer than window_samples "
                f"({self.window_samples}): frames would skip audio"
            )
        return self

    @property
    def frames_per_second(self) -> float:
        """Spectrogram frames in a second of audio."""
        return self.sample_rate_hz / self.hop_samples

    @property
    def decibel(self) -> float:
        """What a decibel of amplitude is on this scale; NaN if that depends on it."""
        # Natural logarithms are of power, whose decibels are twice the amplitude's.
        units = {"decibels": 1.0, "natural": math.log(10) / 5, "compressed": math.nan}
        return units[self.scale]


class EfficientNetLite0(Section):
    """The small ImageNet CNN that a package index carries: its pooled features."""

    kind: Literal["efficientnet_lite0"]
    pixels: PositiveInt


class Application(Section):
    """A network of `keras.applications` with weights from a path or an address."""

    kind: Literal["application"]
    name: str
    layer: str
    pixels: PositiveInt
    weights: str
    checksum: Checksum
    preprocessing: Literal["bgr", "own"]  # colours swapped, as DeepSpectrum | its own


ImageNetwork = Annotated[EfficientNetLite0 | Application, Field(discriminator="kind")]
ColourMap = Literal[
    "magma", "viridis", "inferno", "plasma", "cividis", "gray", "hot", "jet", "turbo"
]


class DeepSpectrum(Section):
    """What an ImageNet CNN sees in plots of a track's first seconds, per window."""

    kind: Literal["deep_spectrum"]
    audio: Audio
    seconds: PositiveFloat
    window_seconds: PositiveFloat
    hop_seconds: PositiveFloat
    mode: Literal["mel", "spectrogram", "chroma"]
    mel_bands: PositiveInt
    colour_map: ColourMap
    network: ImageNetwork
    batch_images: PositiveInt
    shard_tracks: PositiveInt

    @model_validator(mode="after")
    def _a_window_fits(self) -> Self:
        if self.window_seconds > self.seconds:
            raise ValueError(
                f"window_seconds ({self.window_seconds:g}) is longer than seconds "
                f"({self.seconds:g}): there would be no window"
            )
        return self

    @property
    def frames_per_second(self) -> float:
        """Windows in a second of audio: a frame of this feature is a window."""
        return 1 / self.hop_seconds


class Melbands(Section):
    """Nine statistics of 40 mel bands over a whole track, Essentia's, as (40, 9).

    They come from an AcousticBrainz document, or are computed from audio. `scale` says
    what becomes of each statistic's 40 numbers: they are divided by their `maximum`, as
    published, or told in `decibels` below it: 0 to 1 for -80 dB to 0.
    """

    kind: Literal["melbands"]
    audio: Audio
    sample_rate_hz: Literal[44100]  # Essentia's: its bands are of that rate
    scale: Literal["maximum", "decibels"]
    precision: Literal["float16", "float32"]
    shard_tracks: PositiveInt


Feature = Annotated[LogMel | DeepSpectrum | Melbands, Field(discriminator="kind")]
