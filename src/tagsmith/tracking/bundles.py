"""Bundles of registered models, as folders."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagsmith.tracking.registry import bundle_of, resolved
from tagsmith.tracking.server import answering


@contextmanager
def fetched(uri: str) -> Iterator[Path]:
    """Give the bundle that a model was made of, for as long as it is read.

    Args:
        uri: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, or what else MLflow takes.

    Raises:
        MissingError: No version has that alias.
        TrackingError: MLflow cannot be reached, or refuses; or the model is not ours.
    """
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        yield fetch(resolved(uri), Path(folder))


def fetch(uri: str, folder: Path) -> Path:
    """Copy the bundle that a model was made of to below a folder.

    Args:
        uri: `models:/NAME/VERSION`, or what else MLflow takes.
        folder: Where to; it is made.

    Returns:
        Where the bundle is.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses; or the model is not ours.
    """
    import mlflow

    folder.mkdir(parents=True, exist_ok=True)
    with answering(f"fetch {uri}"):
        inside = f"{uri.rstrip('/')}/{bundle_of(uri)}"
        return Path(mlflow.artifacts.download_artifacts(inside, dst_path=str(folder)))
