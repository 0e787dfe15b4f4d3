"""The commands that tune: `tune` looks for better parameters, `adopt` writes them."""

from typing import Annotated

import typer

from tagsmith.options import DEFAULT_PARAMS, ParamsFile, Set, StoreDir, given

Storage = Annotated[
    str | None,
    typer.Option(help="Where studies are kept, instead of tuning.storage."),
]
app = typer.Typer()


@app.command()
def tune(
    model: Annotated[
        str, typer.Argument(help="A model of tuning.spaces, or ensemble.")
    ],
    trials: Annotated[
        int, typer.Option(min=1, help="That shall have finished, earlier ones too.")
    ] = 20,
    storage: Storage = None,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Look for better parameters of a model, or better weights of the ensemble.

    The same command again, or on another machine, joins in.
    """
    from tagsmith.tuning import session

    chosen = [f"tuning.storage={storage}"] if storage else []
    context = given([*(set_ or []), *chosen], store, params, writes_data=False)
    typer.echo(session.run(context.params, context.store, model, trials))


@app.command()
def adopt(
    study: Annotated[str, typer.Argument(help="As `tune` names it.")],
    storage: Storage = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Though params.yaml has changed since.")
    ] = False,
) -> None:
    """Write a study's best parameters into params.yaml."""
    from tagsmith.tuning.adoption import adopt as write

    context = given(None, store, params)
    changed = write(params, context.store, study, storage=storage, force=force)
    typer.echo(changed or f"{params} has these values already", nl=not changed)
