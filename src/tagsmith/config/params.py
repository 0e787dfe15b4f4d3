"""The whole experiment, and what must hold between its sections."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from tagsmith.config.datasets import AcousticBrainzDataset, Dataset
from tagsmith.config.decisions import Calibration, Evaluation, Fusion, Promotion
from tagsmith.config.features import Feature, LogMel
from tagsmith.config.genres import Genres
from tagsmith.config.mistakes import explained, nearest
from tagsmith.config.models import HEARS, Crnn, MelbandFcn, Model, Texture, WordModel
from tagsmith.config.reading import put, resolved
from tagsmith.config.section import Fraction, Name, Section
from tagsmith.config.training import ClipTraining
from tagsmith.config.vectors import Vectors
from tagsmith.config.zeroshot import Zeroshot
from tagsmith.errors import ConfigError

ENSEMBLE = "ensemble"  # the fused scores go by this name beside the models'
GROUPS = "groups"  # and a group's by groups/<name>
MOST_SUBSETTED = 16  # models whose subsets are all tried: 65,519 means


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
    vectors: dict[Name, Vectors]
    zeroshot: Zeroshot
    genres: Genres
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
            if isinstance(feature, LogMel):
                _check_scale(name, model, feature)
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

    @model_validator(mode="after")
    def _vectors_are_known(self) -> Self:
        named = {
            f"models.{name}.vectors": model.vectors
            for name, model in self.models.items()
            if isinstance(model, WordModel)
        }
        if named:
            named["zeroshot.control"] = self.zeroshot.control
        for key, source in named.items():
            if source not in self.vectors:
                raise ValueError(
                    f"{key} is {source!r}{nearest(source, self.vectors)}; vectors has "
                    f"{sorted(self.vectors)}"
                )
        return self

    @model_validator(mode="after")
    def _registered_models_score_words(self) -> Self:
        able = [k for k, m in self.models.items() if isinstance(m, WordModel)]
        for name in self.zeroshot.registered:
            if name not in able:
                raise ValueError(
                    f"zeroshot.registered has {name!r}, but only some models score "
                    f"any words: {able}"
                )
        return self

    @model_validator(mode="after")
    def _documents_are_heard_as_melbands(self) -> Self:
        if not isinstance(self.dataset, AcousticBrainzDataset):
            return self
        for name, feature in self.features.items():
            if feature.kind != "melbands":
                raise ValueError(
                    f"dataset is acousticbrainz, which has no audio, but features.{name} "
                    f"is {feature.kind}; only melbands can be had from its documents"
                )
        return self

    @model_validator(mode="after")
    def _sources_are_known(self) -> Self:
        asking = {
            name: model.sources
            for name, model in self.models.items()
            if isinstance(model, MelbandFcn) and model.sources != "target"
        }
        for name, sources in asking.items():
            if not isinstance(self.dataset, AcousticBrainzDataset):
                raise ValueError(
                    f"models.{name}.sources is {list(sources)}, but dataset "
                    f"{self.dataset.kind} has no sources; set it to target"
                )
            for source in sources:
                if source not in self.dataset.truth:
                    raise ValueError(
                        f"models.{name}.sources has {source!r}"
                        f"{nearest(source, self.dataset.truth)}; dataset.truth has "
                        f"{sorted(self.dataset.truth)}"
                    )
            if self.dataset.target not in sources:
                raise ValueError(
                    f"models.{name}.sources is {list(sources)}, without dataset.target "
                    f"({self.dataset.target}), whose tags are judged; add it, or set "
                    "another target"
                )
        return self

    @model_validator(mode="after")
    def _submitted_models_know_sources(self) -> Self:
        able = [k for k, m in self.models.items() if isinstance(m, MelbandFcn)]
        for name in self.genres.submitted:
            if name not in able or not isinstance(self.dataset, AcousticBrainzDataset):
                raise ValueError(
                    f"genres.submitted has {name!r}, but only a melband_fcn on "
                    f"acousticbrainz knows sources: here dataset is {self.dataset.kind}, "
                    f"and {able} are such models"
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
        return cls._checked(resolved(path, overrides or {}), path)

    def override(self, overrides: Mapping[str, Any]) -> Self:
        """Return another experiment that differs in these dotted keys."""
        tree = self.model_dump(mode="json")
        for key, value in overrides.items():
            put(tree, key, value)
        return self._checked(tree, Path("the overrides"))

    @classmethod
    def _checked(cls, tree: dict[str, Any], path: Path) -> Self:
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise ConfigError(explained(error, path)) from error

    def model(self, name: str) -> Model:
        """Return the section of one model."""
        _check_known(self.models, name, "model")
        return self.models[name]

    def feature(self, name: str) -> Feature:
        """Return the section of one feature."""
        _check_known(self.features, name, "feature")
        return self.features[name]

    def vector_source(self, name: str) -> Vectors:
        """Return the section of one source of tag vectors."""
        _check_known(self.vectors, name, "vectors")
        return self.vectors[name]


def _check_scale(name: str, model: Model, feature: LogMel) -> None:
    """Refuse a model that takes numbers for decibels which are none."""
    if isinstance(model, Crnn | Texture) and feature.scale != "decibels":
        raise ValueError(
            f"models.{name} is a {model.kind} and hears decibels, but the scale of "
            f"features.{model.feature} is {feature.scale}"
        )
    if isinstance(model, Texture):
        return
    training = model.training
    if (
        feature.scale == "compressed"
        and isinstance(training, ClipTraining)
        and training.augmentation.changes_levels
    ):
        raise ValueError(
            f"models.{name}.training.augmentation is in decibels, which are no fixed "
            f"amount on the compressed scale of features.{model.feature}; set "
            "noise_db, tilt_db and equalizer_db to 0 and background_db to null"
        )


def _check_known(sections: Mapping[str, Section], name: str, what: str) -> None:
    if name not in sections:
        raise ConfigError(
            f"no {what} {name!r} in params.yaml{nearest(name, sections)}; "
            f"it has {sorted(sections)}"
        )
