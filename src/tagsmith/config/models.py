"""Models: which networks there are."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from tagsmith.config.section import Checksum, Fraction, Name, Section
from tagsmith.config.training import ClipTraining, Training, TrunkTraining


class VggishTrunk(Section):
    """VGGish's convolutions, started from the published AudioSet weights."""

    kind: Literal["vggish"]
    weights: str
    checksum: Checksum


class RandomTrunk(Section):
    """Convolutions of any size, started at random; said so, never fallen into."""

    kind: Literal["random"]
    filters: tuple[tuple[PositiveInt, ...], ...] = Field(min_length=1)
    batch_normalization: bool


Trunk = Annotated[VggishTrunk | RandomTrunk, Field(discriminator="kind")]


class Scoring(Section):
    """How many clips of a track a trained network hears; their scores are averaged."""

    clips: PositiveInt
    batch_size: PositiveInt


class Crnn(Section):
    """AugLi's convolutional recurrent network."""

    kind: Literal["crnn"]
    feature: Name
    trunk: Trunk
    recurrence: Literal["gru", "lstm", "bilstm"]
    recurrent_units: PositiveInt
    recurrent_layers: PositiveInt
    recurrent_dropout: Fraction
    band_summary: Literal["mean", "stack"]
    step_summary: Literal["last", "mean_max"]
    dense_units: PositiveInt
    dropout: Fraction
    training: TrunkTraining
    scoring: Scoring


class DeepSpectrumRnn(Section):
    """AugLi's recurrent network on the Deep Spectrum features of a whole track."""

    kind: Literal["deep_spectrum_rnn"]
    feature: Name
    standardize: bool  # by the training split's mean and deviation; AugLi did not
    recurrence: Literal["gru", "lstm", "bilstm"]
    recurrent_units: PositiveInt
    recurrent_layers: PositiveInt
    recurrent_dropout: Fraction
    step_summary: Literal["last", "mean_max"]
    dense_units: PositiveInt
    dropout: Fraction
    training: Training
    scoring_batch_size: PositiveInt


class Multiscale(Section):
    """Dabral's convolutional network, which hears a spectrogram at three time scales.

    `filters` has a list for every scale, the finest first: 3, 2 and 1 convolutions.
    """

    kind: Literal["multiscale"]
    feature: Name
    filters: tuple[tuple[PositiveInt, ...], ...]
    joint_filters: tuple[PositiveInt, ...] = Field(min_length=1)  # behind all scales
    batch_normalization: bool  # of every convolution; Dabral's have none
    dense_units: PositiveInt
    dropout: Fraction
    dropout_mask: Literal["clip", "batch"]  # each clip its own | one for all, as Dabral
    training: ClipTraining
    scoring: Scoring

    @model_validator(mode="after")
    def _scales_meet(self) -> Self:
        convolutions = [len(scale) for scale in self.filters]
        if convolutions != [3, 2, 1]:
            raise ValueError(
                "filters must hold 3, 2 and 1 convolutions for the three scales, so "
                f"that they end at one size, got {convolutions}"
            )
        return self


Model = Annotated[Crnn | DeepSpectrumRnn | Multiscale, Field(discriminator="kind")]
HEARS = {  # kinds of features
    "crnn": "logmel",
    "deep_spectrum_rnn": "deep_spectrum",
    "multiscale": "logmel",
}
