"""The ensemble that scores: what it is, and its bundle where every worker finds it."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import tagsmith
from tagsmith.config import Calibration
from tagsmith.core.thresholds import decide
from tagsmith.errors import ConfigError
from tagsmith.features import audio
from tagsmith.models import ensemble
from tagsmith.models.bundle import sha256
from tagsmith.tracking import bundles, registry


@dataclass(frozen=True)
class Model:
    """An ensemble that scores.

    Attributes:
        uri: What was asked for.
        version: The version of the registry, or the folder.
        bundle: Its copy, which workers read.
        sha256: Of the bundle.
    """

    uri: str
    version: str
    bundle: Path
    sha256: str

    @property
    def tags(self) -> list[str]:
        """What it scores, in order."""
        return (self.bundle / ensemble.TAGS).read_text("utf-8").splitlines()

    def decide(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Decide which tags tracks have: booleans `(tracks, tags)`."""
        told = json.loads((self.bundle / ensemble.WEIGHTS).read_text("utf-8"))
        calibration = Calibration.model_validate(told["calibration"])
        path = self.bundle / ensemble.THRESHOLDS
        limits = ensemble.read_thresholds(path, self.tags)
        decided = decide(scores.to_numpy(), limits, calibration)
        return pd.DataFrame(decided, scores.index, scores.columns)

    def described(self) -> dict[str, Any]:
        """Return what is written beside scores."""
        return {
            "model": self.uri,
            "version": self.version,
            "bundle_sha256": self.sha256,
            "thresholds_sha256": audio.sha256(self.bundle / ensemble.THRESHOLDS),
            "tagsmith": tagsmith.__version__,
            "tags": self.tags,
        }


def fetch(uri: str | None, folder: Path) -> Model:
    """Copy an ensemble's bundle to below a folder, once.

    Args:
        uri: A registered model, or the folder of a bundle; None for the champion.
        folder: Beside the output, so that workers reach it as they reach that.

    Raises:
        ConfigError: It is no ensemble.
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    uri = uri or registry.ENSEMBLE
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".model-") as temporary:
        version, fetched = _fetched(uri, Path(temporary))
        if not (fetched / ensemble.WEIGHTS).is_file():
            raise ConfigError(
                f"{uri} is no ensemble: it has no {ensemble.WEIGHTS}; a model that "
                "scores any words is for `tagsmith tag --tags`"
            )
        digest = sha256(fetched)
        bundle = folder / f"model-{digest[:16]}"
        if not bundle.is_dir():
            fetched.rename(bundle)
    return Model(uri, version, bundle, digest)


def _fetched(uri: str, folder: Path) -> tuple[str, Path]:
    if Path(uri).is_dir():
        copy = shutil.copytree(uri, folder / "bundle")
        return uri, copy
    version = registry.resolved(uri)
    return version, bundles.fetch(version, folder)
