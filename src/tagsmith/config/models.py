"""Models: which networks there are."""

from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

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


class Hinge(Section):
    """What a network is blamed for: a tag that a track has not, and scores too well.

    For every clip a tag of its track is drawn, whose cosine shall exceed that of
    `negatives` others by `margin`. These are drawn too; or they are `semi_hard`: those
    that score best below the tag itself, as the network is now.
    """

    margin: PositiveFloat
    negatives: PositiveInt | Literal["all"]
    mining: Literal["random", "semi_hard"]
    reduction: Literal["sum", "mean"]  # over the clips of a batch and their negatives

    @model_validator(mode="after")
    def _semi_hard_ones_are_counted(self) -> Self:
        if self.mining == "semi_hard" and self.negatives == "all":
            raise ValueError(
                "mining is semi_hard, which chooses among the tags, but negatives is "
                "all; give a number of negatives, or set mining to random"
            )
        return self


class Siamese(Section):
    """Choi's network: a clip and words in one space, where their cosine is the score.

    `meaning` is what becomes of a tag's vector first: nothing, or `centred`: seen from
    the mean of the tags that are learnt, as far as these span it.
    """

    kind: Literal["siamese"]
    feature: Name
    vectors: Name
    standardization: Literal["published", "training"]  # one number, by Choi | per band
    filters: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
    batch_normalization: bool  # of every convolution; Choi's have none
    dropout: Fraction
    weight_decay: NonNegativeFloat  # L2 of the convolutions' weights
    embedding_units: PositiveInt
    meaning: Literal["plain", "centred"]
    loss: Hinge
    warm_start_epochs: NonNegativeInt  # as a classifier of the seen tags, first
    training: ClipTraining
    scoring_batch_size: PositiveInt


class Texture(Section):
    """Ours: how each band's level is spread over a clip, set against words by ridge.

    `ridge` is what is added to the variance of each of these values, which is 1.
    """

    kind: Literal["texture"]
    feature: Name
    vectors: Name
    clip_seconds: PositiveFloat
    ridge: PositiveFloat
    scoring_batch_size: PositiveInt


class MelbandFcn(Section):
    """Schreiber's fully convolutional network over mel bands, which hears whole tracks.

    `sources` are those whose tags it learns, where a data set has several: the target's
    or the named ones', all in one space. What a source of a track has a tag for, and
    does not say, is negative. A tag that none of its sources has is `unknown`: it is
    `masked` from the loss, or `negative` too, as published.
    """

    kind: Literal["melband_fcn"]
    feature: Name
    sources: Literal["target"] | tuple[Name, ...]
    unknown: Literal["masked", "negative"]
    filters: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
    dropout: Fraction
    training: Training
    scoring_batch_size: PositiveInt


WordModel = Siamese | Texture  # those that score any words
Model = Annotated[
    Crnn | DeepSpectrumRnn | Multiscale | MelbandFcn | WordModel,
    Field(discriminator="kind"),
]
HEARS = {  # kinds of features
    "crnn": "logmel",
    "deep_spectrum_rnn": "deep_spectrum",
    "multiscale": "logmel",
    "melband_fcn": "melbands",
    "siamese": "logmel",
    "texture": "logmel",
}
