"""Where a stage's facts go: an MLflow run, or a list.

A stage is given a `Recorder` and never learns who listens. Nothing but MLflow's own
settings says where runs are kept: `mlflow.db` and `mlruns/` in the current folder, or
the server that `MLFLOW_TRACKING_URI` names.

A run carries the tag `status`: `started`, then `completed`, `stopped` or `failed`; one
that still says `started` was killed.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tagsmith.config import ENSEMBLE, Params
from tagsmith.core.facts import flattened, metric_name
from tagsmith.errors import TrackingError
from tagsmith.tracking.commit import commit
from tagsmith.tracking.server import answering, connect, continued, experiment

logger = logging.getLogger(__name__)

BATCH = 100  # params that MLflow takes in one request
DIGEST_LETTERS = 32  # MLflow allows 36
ENDS = {"completed": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
PARAM_LETTERS = 6000  # MLflow's limit on a value


class Stopped(Exception):  # noqa: N818 - no error: the run did what it should
    """Raised inside a run that is ended early, on purpose; says why."""


class Recorder(Protocol):
    """Where a stage's facts go."""

    @property
    def run_id(self) -> str:
        """What the run is called, for a checkpoint that wants to continue it."""

    def params(self, values: Mapping[str, object]) -> None:
        """Record what was decided; nested mappings become dotted names."""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record what was measured, at an epoch or once."""

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file, in a folder of the run's artifacts."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Say something about the run."""

    def dataset(self, name: str, tables: Sequence[Path]) -> None:
        """Name the data set; the bytes of its tables are its digest."""


@dataclass
class MemoryRecorder:
    """Keeps the facts in memory: for tests, and for work that nobody tracks."""

    run_id: str = "memory"
    logged_params: dict[str, str] = field(default_factory=dict)
    logged_metrics: list[tuple[str, float, int]] = field(default_factory=list)
    logged_artifacts: list[tuple[Path, str | None]] = field(default_factory=list)
    logged_tags: dict[str, str] = field(default_factory=dict)
    logged_datasets: list[tuple[str, str]] = field(default_factory=list)

    def params(self, values: Mapping[str, object]) -> None:
        """See `Recorder`."""
        self.logged_params |= flattened(values)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """See `Recorder`."""
        self.logged_metrics += [(name, value, step) for name, value in values.items()]

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """See `Recorder`."""
        self.logged_artifacts.append((path, folder))

    def tags(self, values: Mapping[str, str]) -> None:
        """See `Recorder`."""
        self.logged_tags |= values

    def dataset(self, name: str, tables: Sequence[Path]) -> None:
        """See `Recorder`."""
        self.logged_datasets.append((name, digest(tables)))


@dataclass(frozen=True)
class MlflowRecorder:
    """Keeps the facts in the MLflow run that is open."""

    run_id: str

    def params(self, values: Mapping[str, object]) -> None:
        """Record values that the run does not have yet, below `cfg.`.

        `mlflow run` has already logged its `-P` values as it got them, and MLflow
        refuses to log the same value spelt another way: hence the prefix. A run that
        continues keeps the values that it began with. A name that MLflow refuses, of
        a pattern of models, is changed.
        """
        import mlflow

        with answering("record parameters"):
            known = mlflow.get_run(self.run_id).data.params
            named = {
                metric_name(f"cfg.{name}"): value[:PARAM_LETTERS]
                for name, value in flattened(values).items()
            }
            new = {name: named[name] for name in named if name not in known}
            names = list(new)
            for first in range(0, len(names), BATCH):
                batch = {name: new[name] for name in names[first : first + BATCH]}
                mlflow.log_params(batch, run_id=self.run_id)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record measurements; a name that MLflow refuses is changed, and noted."""
        import mlflow

        named = {metric_name(name): value for name, value in values.items()}
        with answering("record metrics"):
            mlflow.log_metrics(named, step=step, run_id=self.run_id)
        changed = {f"metric.{metric_name(n)}": n for n in values if metric_name(n) != n}
        self.tags(changed)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file, or a whole folder."""
        import mlflow

        with answering(f"keep {path}"):
            if path.is_dir():
                mlflow.log_artifacts(str(path), folder or path.name, self.run_id)
            else:
                mlflow.log_artifact(str(path), folder, self.run_id)

    def tags(self, values: Mapping[str, str]) -> None:
        """Tag the run."""
        import mlflow

        with answering("tag the run"):
            mlflow.set_tags(dict(values))

    def dataset(self, name: str, tables: Sequence[Path]) -> None:
        """Name the data set that the run used."""
        import mlflow
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.data.sources import (  # type: ignore[attr-defined]  # made at import
            LocalArtifactDatasetSource,
        )

        with answering("record the data set"):
            source = LocalArtifactDatasetSource(str(tables[0].parent.resolve()))
            named = MetaDataset(source, name=name, digest=digest(tables))  # type: ignore[abstract]  # not so: MLflow's `profile` is optional
            mlflow.log_input(named)


@contextmanager
def mlflow_run(
    params: Params,
    *,
    name: str,
    stage: str,
    run_id: str | None = None,
    nested: bool = False,
) -> Iterator[MlflowRecorder]:
    """Open an MLflow run that records what is done inside.

    The run is the one named by `run_id`, else the one that `mlflow run` has created
    (it says so in `MLFLOW_RUN_ID`), else a new one in the experiment of `params`.

    Args:
        params: The experiment; what concerns this run is recorded at once.
        name: What the run is called: the model, or the stage; what follows a model's
            name tells its runs apart.
        stage: The stage that runs; training also records the machine's load.
        run_id: A run to continue, as a checkpoint remembers it.
        nested: Whether it belongs to the run that is open.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    connect()
    import mlflow

    with answering("open a run"):
        run = mlflow.start_run(
            run_id=continued(run_id),
            run_name=name,
            experiment_id=experiment(params.experiment),
            tags={
                "stage": stage,
                "profile": params.profile,
                **_kind(params, name),
                **commit(),
                "status": "started",
            },
            nested=nested,
            log_system_metrics=stage == "train",
        )
        mlflow.log_dict(params.model_dump(mode="json"), "params.yaml")
    recorder = MlflowRecorder(run.info.run_id)
    logger.info("MLflow run %s (%s)", name, recorder.run_id)
    try:
        recorder.params(_relevant(params, name))
        yield recorder
    except Stopped:
        _end("stopped")
        raise
    except BaseException:
        with suppress(TrackingError):  # what went wrong inside matters more
            _end("failed")
        raise
    _end("completed")


def digest(tables: Sequence[Path]) -> str:
    """Return the hash of some files' names and bytes, as long as MLflow allows."""
    total = hashlib.sha256()
    for path in sorted(tables):
        total.update(path.name.encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:DIGEST_LETTERS]


def _relevant(params: Params, name: str) -> dict[str, object]:
    """Leave out the other models; call this one `model`, so that runs compare."""
    tree: dict[str, object] = params.model_dump(mode="json")
    first = name.partition(" ")[0]
    if first == ENSEMBLE:  # a study of it: nothing is trained
        return {"fusion": tree["fusion"], "seed": params.seed}
    if first in params.models:
        del tree["models"], tree["features"]
        model = params.model(first)
        tree["model"] = model.model_dump(mode="json")
        tree["feature"] = params.feature(model.feature).model_dump(mode="json")
    return tree


def _kind(params: Params, name: str) -> dict[str, str]:
    """Say of a model's run what models are grouped and compared by in MLflow's UI."""
    if name not in params.models:
        return {}
    model = params.model(name)
    told = {"model": name, "architecture": model.kind, "feature": model.feature}
    recurrence = getattr(model, "recurrence", None)
    return told if recurrence is None else {**told, "recurrence": recurrence}


def _end(status: str) -> None:
    import mlflow

    with answering("close the run"):
        mlflow.set_tags({"status": status})
        mlflow.end_run(ENDS[status])
