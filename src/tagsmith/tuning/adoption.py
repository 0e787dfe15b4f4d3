"""The best trial's values, written into `params.yaml`."""

import difflib
from pathlib import Path

from tagsmith.config import Params
from tagsmith.config.editing import flow
from tagsmith.errors import ConfigError, MissingError, TagsmithError
from tagsmith.store import Store, atomic
from tagsmith.tuning import fusing
from tagsmith.tuning.session import task_of
from tagsmith.tuning.storage import reaching
from tagsmith.tuning.study import MODEL, found, outcome, parameters
from tagsmith.tuning.task import Task


def adopt(
    path: Path, store: Store, name: str, *, storage: str | None = None, force: bool
) -> str:
    """Give a study's model, or the ensemble, the best trial's values in `params.yaml`.

    Args:
        path: A `params.yaml`.
        store: The data that the study was about.
        name: The study's.
        storage: Where that is kept; where `params.yaml` says if None.
        force: Even if `params.yaml` or the data are not those of the study, and even
            if choosing among its fusions gains nothing where it had no say.

    Returns:
        What changed, as a unified diff; empty if nothing did.

    Raises:
        ConfigError: `params.yaml` describes another study by now, a better fusion was
            luck, or the text is such that the values cannot be put into it.
        MissingError: There is no such study, or none of its trials is complete.
    """
    params = Params.load(path)
    address = storage or params.tuning.storage
    with reaching(address):
        study = found(address, name)
        best = outcome(study).best
        model = str(study.user_attrs[MODEL])
    if best is None:
        raise MissingError(
            f"study {name} has no complete trial; `tagsmith tune {model}` goes on"
        )
    task = task_of(params, store, model)
    if not force:
        _check_same(task, name)
    if not force and isinstance(task, fusing.FusionTask):
        with reaching(address):
            fusing.check_worth(task, study)
    return _write(path, task, parameters(best))


def _check_same(task: Task, name: str) -> None:
    model = task.model
    try:
        described = task.study_name
    except TagsmithError as error:
        raise ConfigError(
            f"whether {name} fits params.yaml cannot be told: {error}; --force adopts "
            "it all the same"
        ) from error
    if described != name:
        raise ConfigError(
            f"params.yaml and data/ describe the study {described}, not {name}: data, "
            f"feature, seed, tuning.spaces.{model} or another key of models.{model} "
            f"have changed; run `tagsmith tune {model}` again, or give --force"
        )


def _write(path: Path, task: Task, values: dict[str, object]) -> str:
    named = task.named(values)
    before = path.read_bytes().decode("utf-8")
    after = task.edited(before, values)
    if after == before:
        return ""
    with atomic(path) as temporary:
        temporary.write_bytes(after.encode("utf-8"))
        _check_intended(temporary, task, named)
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, f"a/{path.name}", f"b/{path.name}"))


def _check_intended(written: Path, task: Task, named: dict[str, object]) -> None:
    try:
        if task.shows(Params.load(written), named):
            return
    except ConfigError:
        pass
    rows = "\n".join(f"  {key}: {flow(value)}" for key, value in named.items())
    raise ConfigError(
        "the values cannot be put into params.yaml as it is written (an anchor, or an "
        "entry in an unusual form); nothing was changed, put them there by hand:\n"
        f"{rows}"
    )
