"""The options that commands share, and what a stage is given for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagsmith.errors import ConfigError

if TYPE_CHECKING:
    from tagsmith.config import Loky, Params
    from tagsmith.store import Store

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of params.yaml."),
]
StoreDir = Annotated[
    Path | None,
    typer.Option("--store", help="Write here; what it lacks is read from data/."),
]
ParamsFile = Annotated[
    Path, typer.Option("--params", help="The experiment.", envvar="TAGSMITH_PARAMS")
]
Workers = Annotated[int, typer.Option(help="Processes; -1: one per core.")]
DEFAULT_PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Context:
    """What a stage is given.

    Attributes:
        params: The experiment.
        store: Where its files are.
    """

    params: "Params"
    store: "Store"


def given(
    set_: list[str] | None,
    store: Path | None,
    params: Path,
    *,
    writes_data: bool = True,
) -> Context:
    """Read the experiment, and say where its results go.

    Args:
        set_: Overrides, as they were typed.
        store: Where results go.
        params: The file.
        writes_data: Whether results would go into data/ without a store.

    Raises:
        ConfigError: The experiment is not valid, or would write overridden results
            into data/.
    """
    from tagsmith.config import Params, parse_overrides
    from tagsmith.store import Store

    # `mlflow run -P set=""` arrives as one empty word, several as one with spaces.
    words = [word for text in set_ or [] for word in text.split()]
    overrides = parse_overrides(words)
    if overrides and store is None and writes_data:
        raise ConfigError(
            f"a run with other parameters ({', '.join(overrides)}) must not write into "
            "data/, where DVC keeps the results of params.yaml; add --store DIR"
        )
    data = Path("data")
    where = Store(data) if store is None else Store(store, data, store / "scratch")
    return Context(Params.load(params, overrides), where)


def processes(workers: int) -> "Loky":
    """Return an engine of this machine.

    Raises:
        ConfigError: That is no number of processes.
    """
    from tagsmith.config import Loky

    if workers < -1 or not workers:
        raise ConfigError(f"--workers must be -1 or at least 1, got {workers}")
    return Loky(kind="loky", workers=workers)
