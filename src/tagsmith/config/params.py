"""The whole experiment, and what must hold between its sections."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from tagsmith.config.agreement import ENSEMBLE, GROUPS, MOST_SUBSETTED, RULES
from tagsmith.config.datasets import Dataset
from tagsmith.config.decisions import Calibration, Evaluation, Fusion, Promotion
from tagsmith.config.drift import Drift
from tagsmith.config.engines import Engine
from tagsmith.config.features import Feature
from tagsmith.config.genres import Genres
from tagsmith.config.mistakes import explained, nearest
from tagsmith.config.models import Model
from tagsmith.config.reading import put, resolved
from tagsmith.config.section import Fraction, Name, Section, SplitName
from tagsmith.config.training import Distribute
from tagsmith.config.tuning import Tuning
from tagsmith.config.vectors import Vectors
from tagsmith.config.zeroshot import Zeroshot
from tagsmith.errors import ConfigError

__all__ = ["ENSEMBLE", "GROUPS", "MOST_SUBSETTED", "Params"]


class Validation(Section):
    """When a file goes to quarantine, and when the whole stage fails.

    The stage fails, too, if a tag has no track in a split of `every_tag_in`. A tag
    without one in validation is never decided; without one in test, never judged.
    """

    shortest_seconds: PositiveFloat
    duration_tolerance_seconds: NonNegativeFloat
    silence_db: float
    most_quarantined: Fraction
    every_tag_in: tuple[SplitName, ...]


class Wavs(Section):
    """What every model hears: the format of `data/wavs`."""

    sample_rate_hz: PositiveInt


class Params(Section):
    """The whole experiment."""

    profile: Name
    experiment: str
    seed: NonNegativeInt
    distribute: Distribute
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
    tuning: Tuning
    evaluation: Evaluation
    promotion: Promotion
    drift: Drift

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        for rule in RULES:
            rule(self)
        return self

    @property
    def target(self) -> str:
        """The source whose tags are judged; empty where a data set has only one."""
        return getattr(self.dataset, "target", "")

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


def _check_known(sections: Mapping[str, Section], name: str, what: str) -> None:
    if name not in sections:
        raise ConfigError(
            f"no {what} {name!r} in params.yaml{nearest(name, sections)}; "
            f"it has {sorted(sections)}"
        )
