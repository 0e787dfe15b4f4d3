"""A registered version by the address that a user gives."""

import re

from tagsmith.config import nearest
from tagsmith.errors import ConfigError, MissingError
from tagsmith.tracking.registry import Version, aliased, as_version
from tagsmith.tracking.server import answering, connect


def find(uri: str) -> Version:
    """Return the version that `models:/NAME/VERSION` or `models:/NAME@ALIAS` names.

    Raises:
        ConfigError: It is spelt otherwise.
        MissingError: There is no such version.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    spelt = re.fullmatch(r"models:/([^/@]+)(?:/(\d+)|@([^/@]+))", uri)
    if spelt is None:
        raise ConfigError(
            "a registered version is models:/NAME/VERSION or models:/NAME@ALIAS, got "
            f"{uri!r}"
        )
    connect()
    model, number, alias = spelt.groups()
    found = aliased(model, alias) if alias else _numbered(model, number)
    if found is None:
        raise MissingError(f"{uri} is not in the registry; {_there_are(model)}")
    return found


def _numbered(model: str, number: str) -> Version | None:
    import mlflow
    from mlflow.exceptions import MlflowException

    with answering(f"look for {model} version {number}"):
        try:
            found = mlflow.MlflowClient().get_model_version(model, number)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
    return as_version(found)


def _there_are(model: str) -> str:
    """Say which versions there are, or which models."""
    import mlflow

    with answering("list models"):
        names = [each.name for each in mlflow.search_registered_models()]
        versions = mlflow.search_model_versions(filter_string=f"name='{model}'")
    if model not in names:
        return f"it has the models {sorted(names)}{nearest(model, names)}"
    return f"{model} has the versions {sorted(int(each.version) for each in versions)}"
