"""A training by its run: what it trained, on which tables, and the model it left."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tagsmith.errors import ConfigError, MissingError
from tagsmith.tracking.server import answering, connect

if TYPE_CHECKING:
    from mlflow.entities import Run

SCHEME = "runs:/"
MODEL = "model"  # the folder of artifacts that stage `train` keeps
UNKNOWN = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


@dataclass(frozen=True)
class Training:
    """A tracked training.

    Attributes:
        name: The model's.
        digest: Of the tables that it learnt from; see `recording.digest`.
    """

    run_id: str
    name: str
    digest: str

    def fetch(self, folder: Path) -> Path:
        """Return a copy of the trained model, below a folder.

        Raises:
            TrackingError: MLflow cannot be reached, or its files are gone.
        """
        import mlflow

        with answering(f"fetch the model of run {self.run_id}"):
            found = mlflow.artifacts.download_artifacts(
                run_id=self.run_id, artifact_path=MODEL, dst_path=str(folder)
            )
        return Path(found)


def find(uri: str) -> Training:
    """Return the training that `runs:/RUN_ID` names.

    Raises:
        ConfigError: It is spelt otherwise.
        MissingError: There is no such run, or it left no model.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    spelt = re.fullmatch(rf"{SCHEME}(\w+)", uri)
    if spelt is None:
        raise ConfigError(
            f"a training is {SCHEME}RUN_ID, got {uri!r}; a run's page in `mlflow ui` "
            "has its id"
        )
    connect()
    run = _found(spelt[1], uri)
    tags = run.data.tags
    if not _left_a_model(run):
        raise MissingError(
            f"{uri} ({run.info.run_name}: stage {tags.get('stage', 'unknown')}, "
            f"{tags.get('status', 'unknown')}) left no trained model; only completed "
            "runs of stage train did"
        )
    inputs = run.inputs.dataset_inputs if run.inputs else []
    digests = [each.dataset.digest for each in inputs]
    return Training(run.info.run_id, tags.get("model", ""), *digests[-1:] or [""])


def _found(run_id: str, uri: str) -> "Run":
    import mlflow
    from mlflow.exceptions import MlflowException

    with answering(f"look for {uri}"):
        try:
            return mlflow.get_run(run_id)
        except MlflowException as error:
            if error.error_code not in UNKNOWN:
                raise
            raise MissingError(
                f"{uri} is not at {mlflow.get_tracking_uri()}; `mlflow ui` lists the "
                "runs, and MLFLOW_TRACKING_URI names another server"
            ) from error


def _left_a_model(run: "Run") -> bool:
    import mlflow

    with answering(f"list the files of run {run.info.run_id}"):
        files = mlflow.MlflowClient().list_artifacts(run.info.run_id)
    return MODEL in {file.path for file in files if file.is_dir}
