"""MLflow's model registry: versions of a model, and the aliases that name some."""

import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import tagsmith
from tagsmith.errors import MissingError
from tagsmith.tracking.server import answering, connect

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

CHALLENGER = "challenger"
CHAMPION = "champion"
ENSEMBLE = f"models:/tagsmith@{CHAMPION}"  # what tags where nobody names a model
BUNDLE = "bundle"  # the artifact that a version is made of
# What models need to tag audio; MLflow would take 20 s to guess it.
PACKAGES = (
    "mlflow",
    "onnxruntime",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "librosa",
    "soundfile",
    "soxr",
    "pydantic",
    "ruamel.yaml",
)


class Served(Protocol):
    """A module that MLflow logs as a model: how a bundle is loaded and used."""

    NAME: str
    PACKAGES: tuple[str, ...]
    SIGNATURE: "ModelSignature"
    __file__: str | None


@dataclass(frozen=True)
class Version:
    """A registered version of a model.

    Attributes:
        model: The registered model's name.
        number: Counted from 1, as text.
        tags: What is said of it.
    """

    model: str
    number: str
    tags: Mapping[str, str]

    @property
    def uri(self) -> str:
        """How MLflow calls it."""
        return f"models:/{self.model}/{self.number}"


def register(
    bundle: Path, model: str, tags: Mapping[str, str], *, served_by: Served
) -> Version:
    """Log a bundle as an MLflow model in the run that is open, and register it.

    Args:
        bundle: The folder.
        model: The registered model's name.
        tags: What is said of the version.
        served_by: `pyfunc` or `pyfunc_words`.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    import mlflow

    with _package() as package, answering(f"register {model}"):
        info = mlflow.pyfunc.log_model(
            name=served_by.NAME,
            python_model=str(served_by.__file__),
            artifacts={BUNDLE: str(bundle)},
            code_paths=[str(package)],
            signature=served_by.SIGNATURE,
            pip_requirements=[
                f"{name}=={metadata.version(name)}" for name in served_by.PACKAGES
            ],
        )
        with redirect_stderr(io.StringIO()):  # MLflow prints that it has done it
            version = mlflow.register_model(info.model_uri, model, tags=dict(tags))
    return as_version(version)


def registered(model: str, *, tag: str, value: str) -> Version | None:
    """Return the newest version with a tag, if there is one and its files exist."""
    import mlflow

    with answering(f"look for {model}"):
        found = mlflow.search_model_versions(filter_string=f"name='{model}'")
        for each in sorted(found, key=lambda each: -int(each.version)):
            if each.tags.get(tag) == value and _has_files(each):
                return as_version(each)
    return None


def aliased(model: str, alias: str) -> Version | None:
    """Return the version that an alias names, if there is one."""
    import mlflow
    from mlflow.exceptions import MlflowException

    unknown = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
    with answering(f"look for {model}@{alias}"):
        try:
            found = mlflow.MlflowClient().get_model_version_by_alias(model, alias)
        except MlflowException as error:
            if error.error_code not in unknown:
                raise
            return None
    return as_version(found)


def give_alias(version: Version, alias: str) -> None:
    """Make an alias name this version, and no other."""
    import mlflow

    with answering(f"name {version.uri} {alias}"):
        mlflow.MlflowClient().set_registered_model_alias(
            version.model, alias, version.number
        )


def annotate(version: Version, tags: Mapping[str, str]) -> None:
    """Say something about a version."""
    import mlflow

    with answering(f"tag {version.uri}"):
        for key, value in tags.items():
            mlflow.MlflowClient().set_model_version_tag(
                version.model, version.number, key, value
            )


def describe(version: Version, text: str) -> None:
    """Give a version the text that MLflow shows on its page, Markdown."""
    import mlflow

    with answering(f"describe {version.uri}"):
        mlflow.MlflowClient().update_model_version(
            version.model, version.number, description=text
        )


def fetch_from_bundle(version: Version, file: str) -> Path:
    """Return a local copy of a file of the bundle that a version was made of."""
    import mlflow

    with answering(f"fetch {file} of {version.uri}"):
        inside = f"{bundle_of(version.uri)}/{file}"
        path = mlflow.artifacts.download_artifacts(f"{version.uri}/{inside}")
        return Path(path)


def resolved(uri: str) -> str:
    """Return the URI of the version that an alias names; others as they are.

    Raises:
        MissingError: No version has that alias.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    connect()
    import mlflow

    name, at, alias = uri.removeprefix("models:/").partition("@")
    if not (uri.startswith("models:/") and at):
        return uri
    found = aliased(name, alias)
    if found is None:
        raise MissingError(
            f"the registry at {mlflow.get_registry_uri()} has no {alias} of {name}; "
            "`make repro` trains and promotes one, `tagsmith promote` (for any words, "
            "`tagsmith promote-zeroshot`) promotes what data/ holds"
        )
    return found.uri


def bundle_of(uri: str) -> str:
    """Return where in a model its bundle lies; MLflow's error says if it has none."""
    import mlflow
    from mlflow.exceptions import MlflowException

    flavour = mlflow.models.get_model_info(uri).flavors.get("python_function", {})
    artifacts = flavour.get("artifacts") or {}
    if BUNDLE not in artifacts:
        raise MlflowException(f"it has no {BUNDLE}: tagsmith did not make it")
    inside: str = artifacts[BUNDLE]["path"]
    return inside


@contextmanager
def _package() -> Iterator[Path]:
    """Give a copy of this package without caches, to travel with the model."""
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        package = Path(folder) / "tagsmith"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(tagsmith.__file__).parent, package, ignore=ignored)
        yield package


def _has_files(version: "ModelVersion") -> bool:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        mlflow.models.get_model_info(f"models:/{version.name}/{version.version}")
    except (MlflowException, OSError):
        return False
    return True


def as_version(version: "ModelVersion") -> Version:
    """Return what MLflow says of a version."""
    return Version(version.name, str(version.version), dict(version.tags))
