"""Reaching MLflow: its database or server, its experiments, a run to go on with.

What fails is said in one sentence.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tagsmith.errors import TrackingError

logger = logging.getLogger(__name__)

SQLITE = "sqlite:///"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's own limits make a dead server a wait of many minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}
PATIENCE = "MLFLOW_HTTP_REQUEST_TIMEOUT"
STRANGE_NAME = "Invalid Host header"  # what it says to names it was not told
FIRST_SECONDS = "10"  # to answer at all; MLflow's own are 120


def connect() -> None:
    """Make MLflow quiet, impatient, and ready for several processes at once.

    Raises:
        TrackingError: The database or server cannot be reached.
    """
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its retries
    warnings.filterwarnings("ignore", module=r"mlflow\.")  # remarks on its own code
    import mlflow
    from filelock import FileLock

    uri = mlflow.get_tracking_uri()
    lock: AbstractContextManager[object] = nullcontext()
    if uri.startswith(SQLITE):
        # Processes that migrate a new database at the same time break it.
        lock = FileLock(f"{uri.removeprefix(SQLITE)}.lock")
    with answering("list experiments"), lock, _impatient():
        mlflow.search_experiments(max_results=1)


@contextmanager
def _impatient() -> Iterator[None]:
    """Wait a little only, unless the user has said how long.

    A server that is there is waited for as MLflow does: while it passes a large file on
    to object storage it says nothing for a while.
    """
    if PATIENCE in os.environ:
        yield
        return
    os.environ[PATIENCE] = FIRST_SECONDS
    try:
        yield
    finally:
        del os.environ[PATIENCE]


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


def experiment(name: str) -> str | None:
    """Return the experiment's id; None if the user has named another to MLflow."""
    import mlflow
    from mlflow.exceptions import MlflowException

    if {"MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"} & set(os.environ):
        return None
    found = mlflow.get_experiment_by_name(name)
    try:
        return found.experiment_id if found else mlflow.create_experiment(name)
    except MlflowException:
        found = mlflow.get_experiment_by_name(name)
        if found is None:
            raise
        return found.experiment_id  # another process was quicker


def continued(run_id: str | None) -> str | None:
    """Choose the run to go on with: a checkpoint's before the one of `mlflow run`."""
    import mlflow

    created = os.environ.pop("MLFLOW_RUN_ID", None)
    if run_id is None or run_id == created:
        return created
    if not _exists(run_id):
        logger.warning(
            "run %s of the checkpoint is not in %s; its curves so far are not either",
            run_id,
            mlflow.get_tracking_uri(),
        )
        return created
    if created is not None:
        client = mlflow.MlflowClient()
        client.set_tag(created, "status", "continued elsewhere")
        client.set_tag(created, "tagsmith.continued_in", run_id)
        note = f"Resumed from a checkpoint: everything is in run {run_id}."
        client.set_tag(created, "mlflow.note.content", note)
    return run_id


def give_up(run_id: str, tags: Mapping[str, str]) -> None:
    """Say of a run whose process was killed that it failed; an unknown one is let be.

    Args:
        run_id: Of the run.
        tags: What else to say.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    import mlflow

    with answering("close a run"):
        if not _exists(run_id):
            return
        client = mlflow.MlflowClient()
        for key, value in ({"status": "failed"} | dict(tags)).items():
            client.set_tag(run_id, key, value)
        client.set_terminated(run_id, "FAILED")


def _complaint(doing: str, error: Exception) -> str:
    import mlflow

    where = mlflow.get_tracking_uri()
    if mlflow.get_registry_uri() != where:
        where += f" (models: {mlflow.get_registry_uri()})"
    text = " ".join(str(error).split())
    if any(sign in text for sign in ("Max retries exceeded", "timed out")):
        return (
            f"MLflow at {where} cannot be reached; start that server, or "
            "set MLFLOW_TRACKING_URI to another (unset it for ./mlflow.db)"
        )
    if STRANGE_NAME in text:
        return (
            f"MLflow at {where} does not answer to that name; start `mlflow server` "
            "with --allowed-hosts that have it, with and without the port"
        )
    return f"MLflow at {where} could not {doing}: {text[:300]}"


def _exists(run_id: str) -> bool:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return mlflow.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
