"""Training: how a network learns."""

from itertools import pairwise
from typing import Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from tagsmith.config.section import Section

# Which devices learn: one; or all of a machine, each of which has a copy of the network
# and hears its part of every batch.
Distribute = Literal["none", "mirrored"]


class InverseTime(Section):
    """The learning rate after so many steps: divided by 1 + per_step * steps."""

    per_step: PositiveFloat


class Phase(Section):
    """A stretch of epochs, from the best weights so far and with a new optimizer.

    `decay` is how the learning rate falls: not, by half a cosine, by inverse time, or
    to a tenth behind each of some epochs.
    """

    epochs: PositiveInt
    learning_rate: PositiveFloat
    decay: Literal["none", "cosine"] | InverseTime | tuple[PositiveInt, ...]

    @model_validator(mode="after")
    def _steps_lie_in_the_phase(self) -> Self:
        if not isinstance(self.decay, tuple):
            return self
        if any(early >= late for early, late in pairwise([*self.decay, self.epochs])):
            raise ValueError(
                f"decay {list(self.decay)} must be rising numbers of epochs below "
                f"epochs ({self.epochs}): behind each the rate is a tenth"
            )
        return self


class TrunkPhase(Phase):
    """A phase of a network whose trunk may be frozen."""

    train_trunk: bool


class Augmentation(Section):
    """What is done to a clip's decibels while training; zeros switch it off.

    The first three are standard deviations; `background_db` is how far below the clip's
    maximum the level of an added noise lies, drawn between its two ends.
    """

    noise_db: NonNegativeFloat
    tilt_db: NonNegativeFloat
    equalizer_db: NonNegativeFloat
    background_db: tuple[float, float] | None
    shifted_bands: NonNegativeInt
    masked_bands: NonNegativeInt
    masked_seconds: NonNegativeFloat

    @property
    def changes_levels(self) -> bool:
        """Whether anything of it is measured in decibels."""
        levels = (self.noise_db, self.tilt_db, self.equalizer_db)
        return any(levels) or self.background_db is not None


class Training(Section):
    """How a network learns the training split, whatever it hears.

    The best epoch is that with the highest macro ROC-AUC on validation, or with the
    lowest loss there.
    """

    optimizer: Literal["rmsprop", "adam", "sgd"]  # sgd: Nesterov's, momentum .9
    batch_size: PositiveInt
    phases: tuple[Phase, ...] = Field(min_length=1)
    patience_epochs: NonNegativeInt
    best_by: Literal["roc_auc", "loss"]  # on validation
    tag_weights: Literal["none", "balanced"]
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)


class ClipTraining(Training):
    """How a network learns from clips of tracks.

    A training clip is `clip_seconds` long; it shows a crop of one of `crop_seconds`,
    repeated until the clip is full.
    """

    clip_seconds: PositiveFloat
    crop_seconds: tuple[PositiveFloat, ...] = Field(min_length=1)
    clips_per_track: PositiveInt
    augmentation: Augmentation

    @model_validator(mode="after")
    def _crops_fit_the_clip(self) -> Self:
        if max(self.crop_seconds) > self.clip_seconds:
            raise ValueError(
                f"crop_seconds ({max(self.crop_seconds):g}) is longer than "
                f"clip_seconds ({self.clip_seconds:g})"
            )
        return self


class TrunkTraining(ClipTraining):
    """How a network whose trunk may be frozen learns from clips.

    While it is, `frozen_clips_per_track` clips of a track are drawn once, and what the
    trunk makes of them is kept.
    """

    phases: tuple[TrunkPhase, ...] = Field(min_length=1)
    frozen_clips_per_track: PositiveInt
