"""`params.yaml` as frozen, closed models: its only reader, and the way to override.

Every number of an experiment stands in `params.yaml`; there are no defaults in code.
An override, whether from `--set`, `mlflow run -P` or a tuner, is a mapping from dotted
key to value that is applied before validation. Functions take the narrowest section
they need.
"""

import copy
import difflib
import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tagsmith.errors import ConfigError

Fraction = Annotated[float, Field(ge=0, le=1)]
Audio = Literal["raw", "wavs"]  # as it came, at its own sample rate | as converted
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Checksum = Annotated[  # of a file; empty for one that the user vouches for
    str,
    StringConstraints(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$"),
]
SplitName = Literal["train", "validation", "test"]
Comparison = Literal["inclusive", "strict"]  # of a score with its threshold
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
ENSEMBLE = "ensemble"  # the fused scores go by this name beside the models'
GROUPS = "groups"  # and a group's by groups/<name>
MOST_SUBSETTED = 16  # models whose subsets are all tried: 65,519 means


class Section(BaseModel):
    """A part of `params.yaml`: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SplitShares(Section):
    """How groups of tracks are dealt to the splits: shares that sum to 1."""

    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:  # noqa: PLR2004 - rounding of decimals in YAML
            raise ValueError(f"train + validation + test must be 1, got {total:g}")
        return self


class ScoresDataset(Section):
    """The default data set: real compositions, synthesised performances."""

    kind: Literal["scores"]
    clips: PositiveInt
    clip_seconds: PositiveFloat
    soundfonts: tuple[str, ...]
    shares: SplitShares


class FolderDataset(Section):
    """Bring your own music: a manifest beside a folder of audio."""

    kind: Literal["folder"]
    manifest: Path
    root: Path
    shares: SplitShares


class JamendoDataset(Section):
    """MTG-Jamendo: the publisher's tables, and audio that is there or fetched.

    `metadata` is a checkout of the publisher's repository, `audio` the folder that its
    paths are below; `fetch` names what is downloaded into it, if anything.
    """

    kind: Literal["jamendo"]
    metadata: Path
    subset: Literal["all", "moodtheme", "instrument", "genre", "top50tags"]
    split: Annotated[int, Field(ge=0, le=4)]
    audio: Path
    fetch: Literal["none", "audio", "audio-low"]


class MagnaTagATuneDataset(Section):
    """MagnaTagATune: the publisher's annotations and audio, there already or fetched.

    `folder` holds `annotations_final.csv`, and `mp3.zip.001` to `.003` or the audio
    that was unpacked from them. A recording is what the publisher calls a track: it was
    cut into the clips that are tracks here.
    """

    kind: Literal["magnatagatune"]
    folder: Path
    fetch: bool
    annotations_checksum: Checksum
    audio_checksum: Checksum  # of the three parts, joined
    synonyms: str  # published | none | a file like the published one
    most_frequent_tags: PositiveInt
    frequent_in: Literal["train", "all"]  # whose clips are counted
    untagged: Literal["keep", "drop"]  # clips with none of these tags
    split: Literal["folder", "original", "recording", "album", "artist"]
    shares: SplitShares  # of recordings, albums or artists; the others are fixed


Dataset = Annotated[
    ScoresDataset | FolderDataset | JamendoDataset | MagnaTagATuneDataset,
    Field(discriminator="kind"),
]


class Validation(Section):
    """When a file goes to quarantine, and when the whole stage fails."""

    shortest_seconds: PositiveFloat
    duration_tolerance_seconds: NonNegativeFloat
    silence_db: float
    most_quarantined: Fraction


class Engine(Section):
    """Where the work of a stage runs."""

    kind: Literal["loky"]
    workers: int


class Wavs(Section):
    """What every model hears: the format of `data/wavs`."""

    sample_rate_hz: PositiveInt


class LogMel(Section):
    """A mel spectrogram on a logarithmic scale.

    `frames` of kind `same` start as TensorFlow's SAME padding has them, kapre's;
    `centered` ones as librosa's. `scale` is in decibels of amplitude, or the natural
    logarithm of power.
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
    scale: Literal["decibels", "natural"]
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
        """What a decibel of amplitude is on this scale."""
        # Natural logarithms are of power, whose decibels are twice the amplitude's.
        return 1.0 if self.scale == "decibels" else math.log(10) / 5


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


Feature = Annotated[LogMel | DeepSpectrum, Field(discriminator="kind")]


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


class Phase(Section):
    """A stretch of epochs, from the best weights so far and with a new optimizer."""

    epochs: PositiveInt
    learning_rate: PositiveFloat
    decay: Literal["none", "cosine"] | tuple[PositiveInt, ...]  # epochs: a tenth behind

    @model_validator(mode="after")
    def _steps_lie_in_the_phase(self) -> Self:
        if isinstance(self.decay, str):
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


class Training(Section):
    """How a network learns the training split, whatever it hears."""

    optimizer: Literal["rmsprop", "adam"]
    batch_size: PositiveInt
    phases: tuple[Phase, ...] = Field(min_length=1)
    patience_epochs: NonNegativeInt
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


class Calibration(Section):
    """How validation scores become one threshold per tag."""

    rule: Literal["f1", "youden"]
    comparison: Comparison
    fallback_to_top_tag: bool


class Fusion(Section):
    """Which ways of fusing are tried on validation scores.

    `groups` are means that are reported beside the best ensemble: patterns of model
    names, as a shell's, by the group's name.
    """

    methods: tuple[Literal["mean", "weighted", "greedy", "subsets"], ...] = Field(
        min_length=1
    )
    groups: dict[Name, str]
    metric: Literal["roc_auc_macro", "pr_auc_macro"]
    greedy_rounds: PositiveInt


class Evaluation(Section):
    """How sure the test figures are."""

    bootstrap_samples: PositiveInt
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Promotion(Section):
    """The gate between `challenger` and `champion`."""

    registered_model: str
    metric: Literal["roc_auc_macro", "pr_auc_macro"]
    floor: Fraction
    confidence: Annotated[float, Field(gt=0, lt=1)]
    bootstrap_samples: PositiveInt


class Params(Section):
    """The whole experiment."""

    profile: Name
    experiment: str
    seed: NonNegativeInt
    dataset: Dataset
    engine: Engine
    validation: Validation
    wavs: Wavs
    features: dict[Name, Feature] = Field(min_length=1)
    models: dict[Name, Model] = Field(min_length=1)
    calibration: Calibration
    fusion: Fusion
    evaluation: Evaluation
    promotion: Promotion

    @model_validator(mode="after")
    def _models_hear_known_features(self) -> Self:
        for name, model in self.models.items():
            if model.feature not in self.features:
                raise ValueError(
                    f"models.{name}.feature is {model.feature!r}; "
                    f"features has {sorted(self.features)}"
                )
            feature = self.features[model.feature]
            if feature.kind != HEARS[model.kind]:
                raise ValueError(
                    f"models.{name} is a {model.kind} and hears {HEARS[model.kind]}, "
                    f"but features.{model.feature} is {feature.kind}"
                )
            scale = getattr(feature, "scale", "decibels")
            if model.kind == "crnn" and scale != "decibels":
                raise ValueError(
                    f"models.{name} is a crnn and hears decibels, but the scale of "
                    f"features.{model.feature} is {scale}"
                )
        for name in (ENSEMBLE, GROUPS):
            if name in self.models:
                raise ValueError(f"no model may be called {name!r}: fused scores are")
        return self

    @model_validator(mode="after")
    def _groups_have_members(self) -> Self:
        for name, pattern in self.fusion.groups.items():
            if not self.group_members[f"{GROUPS}/{name}"]:
                raise ValueError(
                    f"fusion.groups.{name} is {pattern!r}, which matches no model; "
                    f"models has {sorted(self.models)}"
                )
        return self

    @model_validator(mode="after")
    def _subsets_can_be_counted(self) -> Self:
        if "subsets" in self.fusion.methods and len(self.models) > MOST_SUBSETTED:
            raise ValueError(
                f"fusion.methods has 'subsets', which tries every subset of at most "
                f"{MOST_SUBSETTED} models, got {len(self.models)}; use 'greedy'"
            )
        return self

    @property
    def group_members(self) -> dict[str, tuple[str, ...]]:
        """The models of every group, by the name that the group's scores go by."""
        return {
            f"{GROUPS}/{name}": tuple(
                model for model in self.models if fnmatchcase(model, pattern)
            )
            for name, pattern in self.fusion.groups.items()
        }

    @classmethod
    def load(cls, path: Path, overrides: Mapping[str, Any] | None = None) -> Self:
        """Read an experiment.

        Args:
            path: A `params.yaml`.
            overrides: Values by dotted key, applied before validation.

        Raises:
            ConfigError: The file is missing or not YAML, a key is unknown, or a value
                is out of range; all of a file's mistakes are named at once.
        """
        overrides = dict(overrides or {})
        tree = read_yaml(path)
        shared = {key for key in overrides if key.split(".")[0] == "architectures"}
        for key in sorted(shared):
            _put(tree, key, overrides.pop(key))
        _resolve_models(tree)
        for key, value in overrides.items():
            _put(tree, key, value)
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise ConfigError(_explained(error, path)) from error

    def override(self, overrides: Mapping[str, Any]) -> Self:
        """Return another experiment that differs in these dotted keys."""
        tree = self.model_dump(mode="json")
        for key, value in overrides.items():
            _put(tree, key, value)
        try:
            return type(self).model_validate(tree)
        except ValidationError as error:
            raise ConfigError(_explained(error, Path("the overrides"))) from error

    def model(self, name: str) -> Model:
        """Return the section of one model."""
        _check_known(self.models, name, "model")
        return self.models[name]

    def feature(self, name: str) -> Feature:
        """Return the section of one feature."""
        _check_known(self.features, name, "feature")
        return self.features[name]


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping; only plain data, no tags, no duplicate keys.

    Raises:
        ConfigError: The file is missing, not UTF-8, not YAML, or not a mapping.
    """
    try:
        tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not there; run in the repository's root or give --params FILE"
        ) from error
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        first_line = " ".join(str(error).split())[:300]
        raise ConfigError(f"{path} is not valid YAML: {first_line}") from error
    if not isinstance(tree, dict):
        raise ConfigError(
            f"{path} must hold sections (`key: value`), got {type(tree).__name__}"
        )
    return tree


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `key=value` words into overrides; values are read as YAML.

    Raises:
        ConfigError: A word has no `=`, or its value is not YAML.
    """
    overrides = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key:
            raise ConfigError(f"expected key=value, got {assignment!r}")
        try:
            overrides[key.strip()] = YAML(typ="safe", pure=True).load(value)
        except YAMLError as error:
            raise ConfigError(f"the value in {assignment!r} is not YAML") from error
    return overrides


def _resolve_models(tree: dict[str, Any]) -> None:
    """Complete each model by the block of its architecture."""
    architectures = tree.pop("architectures", {})
    models = tree.get("models")
    if not isinstance(architectures, dict) or not isinstance(models, dict):
        raise ConfigError(
            "params.yaml: `architectures` and `models` must hold sections by name, got "
            f"{type(architectures).__name__} and {type(models).__name__}"
        )
    for name, model in models.items():
        kind = model.get("kind") if isinstance(model, dict) else None
        models[name] = _merged(architectures.get(kind, {}), model)


def _merged(base: object, difference: object) -> Any:  # noqa: ANN401 - any YAML
    """Return a fresh copy of `base` in which the keys of `difference` are replaced."""
    if not isinstance(base, dict) or not isinstance(difference, dict):
        return copy.deepcopy(difference)
    keys = [*base, *(key for key in difference if key not in base)]
    return {
        key: _merged(base.get(key), difference.get(key, base.get(key))) for key in keys
    }


def _put(tree: dict[str, Any], key: str, value: object) -> None:
    *parents, last = key.split(".")
    section: Any = tree
    for depth, part in enumerate([*parents, last]):
        if isinstance(section, list) and part.isdigit() and int(part) < len(section):
            part = int(part)  # type: ignore[assignment]  # noqa: PLW2901
        elif not isinstance(section, dict) or part not in section:
            here = ".".join([*parents, last][:depth]) or "params.yaml"
            known = sorted(section) if isinstance(section, dict) else section
            raise ConfigError(
                f"cannot set {key}: {here} has no {part!r}{_nearest(part, known)}; "
                f"it has {known}"
            )
        if depth == len(parents):
            section[part] = value
        else:
            section = section[part]


def _check_known(sections: Mapping[str, Section], name: str, what: str) -> None:
    if name not in sections:
        raise ConfigError(
            f"no {what} {name!r} in params.yaml{_nearest(name, sections)}; "
            f"it has {sorted(sections)}"
        )


def _nearest(word: str, words: object) -> str:
    names = [str(w) for w in words] if isinstance(words, Iterable) else []
    match = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f" (did you mean {match[0]!r}?)" if match else ""


def _kinds(section: type[BaseModel] = Section) -> set[str]:
    kind = section.model_fields.get("kind")
    kinds = set(get_args(kind.annotation)) if kind else set()
    for child in section.__subclasses__():
        kinds |= _kinds(child)
    return kinds


KINDS = _kinds()


def _field_names(section: type[BaseModel] = Section) -> set[str]:
    names = set(section.model_fields)
    for child in section.__subclasses__():
        names |= _field_names(child)
    return names


def _explained(error: ValidationError, path: Path) -> str:
    lines = []
    for mistake in error.errors():
        place = _place(mistake["loc"])
        message = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "extra_forbidden":
            message = f"unknown key{_nearest(str(mistake['loc'][-1]), _field_names())}"
        elif mistake["type"] == "missing":
            message = "this key is missing"
        elif not isinstance(mistake["input"], dict):
            message += f" (got {mistake['input']!r})"
        lines.append(f"  {place}: {message}" if place else f"  {message}")
    return f"{path} is not a valid experiment:\n" + "\n".join(lines)


def _place(location: tuple[int | str, ...]) -> str:
    # pydantic puts a union's tag behind the key; a user never wrote it there.
    parts = [
        part
        for number, part in enumerate(location)
        if not _is_tag(part, location[:number])
    ]
    return ".".join(map(str, parts))


def _is_tag(part: int | str, before: tuple[int | str, ...]) -> bool:
    in_union = before and before[-1] in {"dataset", "trunk", "network"}
    named = len(before) == 2 and before[0] in {"models", "features"}  # noqa: PLR2004 - models.<name>
    return bool(in_union or named) and part in KINDS
