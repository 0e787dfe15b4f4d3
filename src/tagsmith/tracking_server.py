"""Reaching MLflow's database or server, and saying in one sentence why it failed."""

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tagsmith.errors import TrackingError

SQLITE = "sqlite:///"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's own limits make a dead server a wait of many minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


def connect() -> None:
    """Make MLflow quiet, impatient, and ready for several processes at once.

    Raises:
        TrackingError: The database or server cannot be reached.
    """
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow
    from filelock import FileLock

    uri = mlflow.get_tracking_uri()
    lock: AbstractContextManager[object] = nullcontext()
    if uri.startswith(SQLITE):
        # Processes that migrate a new database at the same time break it.
        lock = FileLock(f"{uri.removeprefix(SQLITE)}.lock")
    with answering("list experiments"), lock:
        mlflow.search_experiments(max_results=1)


@contextmanager
def answering(doing: str) -> Iterator[None]:
    """Turn what MLflow raises while `doing` something into one sentence.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
        raise TrackingError(_complaint(doing, error)) from error


def _complaint(doing: str, error: Exception) -> str:
    import mlflow

    where = mlflow.get_tracking_uri()
    if mlflow.get_registry_uri() != where:
        where += f" (models: {mlflow.get_registry_uri()})"
    text = " ".join(str(error).split())
    if any(sign in text for sign in ("Max retries exceeded", "timed out")):
        return (
            f"MLflow at {where} cannot be reached to {doing}; start that server, or "
            "set MLFLOW_TRACKING_URI to another (unset it for ./mlflow.db)"
        )
    return f"MLflow at {where} could not {doing}: {text[:300]}"
