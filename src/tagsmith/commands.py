"""The commands for people: what can be asked of models and results."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tagsmith.errors import ConfigError
from tagsmith.options import (
    DEFAULT_PARAMS,
    ParamsFile,
    Set,
    StoreDir,
    Workers,
    given,
    processes,
)

Area = Literal["roc_auc_macro", "pr_auc_macro"]
HeldOut = Literal["test", "validation"]

app = typer.Typer()


@app.command("export-features")
def export_features(
    feature: str,
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Write Deep Spectrum features as the original's CSV and NPZ, per split."""
    from tagsmith import exports

    context = given(None, store, params)
    exports.export_features(context.params, context.store, feature, out)


@app.command("read-documents")
def read_documents(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Folders or addresses (s3://...) of .json files."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the two files.")],
    workers: Workers = -1,
) -> None:
    """Read AcousticBrainz documents into one matrix, for dataset.documents."""
    from tagsmith.datasets.acousticbrainz import documents

    index = documents.read(sources, out, engine=processes(workers))
    typer.echo(f"{documents.summary(index)}\n  now in {out}")


@app.command()
def profile(name: Annotated[str, typer.Argument(help="A file of profiles/.")]) -> None:
    """Put a profile in the place of params.yaml."""
    from tagsmith.config import Params
    from tagsmith.store import write_text

    path = Path("profiles") / f"{name}.yaml"
    known = sorted(other.stem for other in path.parent.glob("*.yaml"))
    if name not in known:
        raise ConfigError(f"no profile {name!r}; profiles/ has {known}")
    Params.load(path)
    write_text(DEFAULT_PARAMS, path.read_text("utf-8"))
    typer.echo(f"params.yaml is now the profile {name}; `git diff` shows what changed")


@app.command()
def compare(  # noqa: PLR0913, PLR0917 - what a reader may ask for
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="A model, ensemble, groups/NAME, STORE:NAME, COMMIT:NAME, "
            "models:/NAME/VERSION or models:/NAME@ALIAS; the first is the measure.",
        ),
    ],
    metric: Annotated[
        Area, typer.Option(help="Of which differences are taken.")
    ] = "roc_auc_macro",
    split: Annotated[
        HeldOut, typer.Option(help="On whose tracks: test or validation.")
    ] = "test",
    json: Annotated[Path | None, typer.Option(help="Write all of it here.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw it here, .png.")] = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Set systems against the first on the same tracks: sure differences, and tags."""
    from tagsmith import comparing
    from tagsmith.core.metrics import OFFICIAL

    context = given(None, store, params)
    asked = comparing.Asked(systems, split, OFFICIAL[metric])
    typer.echo(comparing.answer(asked, context.params, context.store, json, picture))


@app.command()
def show(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Print the resolved parameters: what would run."""
    from ruamel.yaml import YAML

    context = given(set_, store or Path(), params)
    YAML().dump(context.params.model_dump(mode="json"), sys.stdout)


@app.command()
def where(store: StoreDir = None) -> None:
    """Say how the last run ended and where to look."""
    from tagsmith.store import Store

    reports = Store(store or Path("data"))
    promotion = reports.read_report("promotion", made_by="promote")
    uri = f"models:/{promotion['registered_model']}@{promotion['alias']}"
    outcome = "promoted to champion" if promotion["promoted"] else "not promoted"
    typer.echo(
        f"{promotion['registered_model']} version {promotion['version']}: {outcome}\n"
        f"  why     {promotion['reason']}\n"
        f"  page    {reports.place('reports', 'report.html')}\n"
        f"  card    {reports.place('reports', 'model_card.md')}\n"
        f"  runs    mlflow ui\n"
        f"  use it  tagsmith tag --model {uri} FILE..."
    )
    for path in sorted(reports.place("reports").glob("zeroshot_*.json")):
        found = reports.read_report(path.stem, made_by="promote_zeroshot")
        uri = f"models:/{found['registered_model']}@{found['alias']}"
        typer.echo(f"  words   tagsmith tag --model {uri} FILE... --tags WORDS...")


@app.command("author-expectations")
def author_expectations() -> None:
    """Write the suites of expectations/ anew; the stages only read them."""
    from tagsmith.quality import expectations

    expectations.author(Path("expectations"))


@app.command()
def zeroshot(
    scores: Annotated[Path, typer.Option(help="Scores (items, tags), .npy.")],
    score_tags: Annotated[Path, typer.Option(help="Their tags, one a line.")],
    classes: Annotated[Path, typer.Option(help="Other words, one a line.")],
    vectors: Annotated[
        str, typer.Option(metavar="glove|FILE", help="Word vectors; a file is GloVe's.")
    ] = "glove",
    truth: Annotated[
        Path | None, typer.Option(help="Each item's class, counted from 0, .npy.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result here.")] = None,
) -> None:
    """Rank classes that a tagger never knew, by its scores of other tags."""
    from tagsmith import zeroshot

    typer.echo(
        zeroshot.rank(
            scores, score_tags, classes, vectors=vectors, truth=truth, json=json
        )
    )


@app.command("check-run")
def check_run(
    run: Annotated[Path, typer.Argument(help="A run: id, label, label..., by tabs.")],
    labels: Annotated[
        Path | None, typer.Option(help="All labels it may give, one a line.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="A ground truth with all recordings and labels.")
    ] = None,
    ids: Annotated[
        Path | None, typer.Option(help="All recordings, one a line, if no truth.")
    ] = None,
) -> None:
    """Say whether a MediaEval genre run may be submitted, or else all that is wrong."""
    from tagsmith import genres

    typer.echo(genres.check_run(run, labels, truth, ids))
