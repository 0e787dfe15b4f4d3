"""The command line: one command per stage, and those of `commands.py` for people.

Whatever a user can put right ends as one sentence on stderr and exit code 2.
"""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagsmith import commands, model_commands, tuning_commands
from tagsmith.errors import ConfigError, TagsmithError
from tagsmith.options import (
    DEFAULT_PARAMS,
    Context,
    ParamsFile,
    Set,
    StoreDir,
    given,
)

if TYPE_CHECKING:
    from tagsmith.tracking.recording import Recorder

app = typer.Typer(
    help="Version, train, tune, compare, fuse and ship music auto-tagging models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(commands.app)
app.add_typer(model_commands.app)
app.add_typer(tuning_commands.app)
STAGES = "Stages of dvc.yaml"
RECORDED = {
    "train",
    "evaluate_zeroshot",
    "evaluate_genres",
    "promote",
    "promote_zeroshot",
}


@contextmanager
def _recorder(
    context: Context, stage: str, name: str, run_id: str | None = None
) -> Iterator["Recorder"]:
    """Record to MLflow what `mlflow run` started, and what is `RECORDED` always."""
    from tagsmith.tracking.recording import MemoryRecorder, mlflow_run

    if stage in RECORDED or "MLFLOW_RUN_ID" in os.environ:
        with mlflow_run(
            context.params, name=name, stage=stage, run_id=run_id
        ) as recorder:
            yield recorder
    else:
        yield MemoryRecorder()


@app.command(rich_help_panel=STAGES)
def ingest(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Audio and annotations become tables."""
    from tagsmith.stages import ingest

    context = given(set_, store, params)
    with _recorder(context, "ingest", "ingest") as recorder:
        ingest.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def validate(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Tables meet their expectations; bad files go to quarantine."""
    from tagsmith.stages import validate

    context = given(set_, store, params)
    with _recorder(context, "validate", "validate") as recorder:
        validate.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def convert(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Any audio becomes mono wavs."""
    from tagsmith.stages import convert

    context = given(set_, store, params)
    with _recorder(context, "convert", "convert") as recorder:
        convert.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def extract(
    feature: str,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Wavs become the features that models hear."""
    from tagsmith.stages import extract

    context = given(set_, store, params)
    with _recorder(context, "extract", f"extract {feature}") as recorder:
        extract.run(context.params, context.store, recorder, feature)


@app.command(rich_help_panel=STAGES)
def vectors(
    source: str,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Words become vectors that say what tags mean."""
    from tagsmith.stages import vectors

    context = given(set_, store, params)
    with _recorder(context, "vectors", f"vectors {source}") as recorder:
        vectors.run(context.params, context.store, recorder, source)


@app.command(rich_help_panel=STAGES)
def train(
    model: str,
    sources: Annotated[
        str, typer.Option(metavar="A,B,...", help="Learn the tags of these sources.")
    ] = "",
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """One model learns the training split and scores every split."""
    from tagsmith.stages import train

    named = "".join(sources.split())
    asked = [f"models.{model}.sources=[{named}]"] if named else []
    context = given([*(set_ or []), *asked], store, params)
    interrupted = train.interrupted_run(context.params, context.store, model)
    with _recorder(context, "train", model, interrupted) as recorder:
        train.run(context.params, context.store, recorder, model)


@app.command(rich_help_panel=STAGES)
def calibrate(
    model: Annotated[str, typer.Argument(help="One of them; all if none.")] = "",
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Validation scores become one threshold per model and tag."""
    from tagsmith.stages import calibrate

    context = given(set_, store, params)
    with _recorder(context, "calibrate", f"calibrate {model}".rstrip()) as recorder:
        calibrate.run(context.params, context.store, recorder, model)


@app.command(rich_help_panel=STAGES)
def fuse(  # noqa: PLR0913, PLR0917 - a stage, and the same for anybody's score matrices
    scores: Annotated[
        list[Path] | None,
        typer.Argument(help="Score matrices (tracks, tags) of other systems, .npy."),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Their ground truth.")] = None,
    tags: Annotated[Path | None, typer.Option(help="Their tags, one a line.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    thresholds: Annotated[
        str,
        typer.Option(help="Decide by score > threshold (strict) or >= (inclusive)."),
    ] = "inclusive",
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Several models' scores become one: the stage, or A.npy B.npy --truth T.npy."""
    if scores:
        from tagsmith import submissions

        if truth is None or tags is None or out is None:
            raise ConfigError(
                "score matrices need --truth T.npy, --tags TAGS.txt and --out DIR too"
            )
        typer.echo(submissions.fuse(scores, truth, tags, out, comparison=thresholds))
        return
    from tagsmith.stages import fuse

    context = given(set_, store, params)
    with _recorder(context, "fuse", "fuse") as recorder:
        fuse.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def evaluate(  # noqa: PLR0913, PLR0917 - a stage, and the same for anybody's submission
    truth: Annotated[
        Path | None, typer.Option(help="Ground truth (tracks, tags) of a submission.")
    ] = None,
    scores: Annotated[Path | None, typer.Option(help="Its scores, .npy.")] = None,
    decisions: Annotated[Path | None, typer.Option(help="Its decisions, .npy.")] = None,
    tags: Annotated[Path | None, typer.Option(help="Its tags, one a line.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the metrics here.")] = None,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Metrics and plots: the stage, or --truth T.npy --scores S.npy of anybody's."""
    if truth or scores:
        from tagsmith import submissions

        if truth is None or scores is None:
            raise ConfigError(
                "a submission needs both --truth T.npy and --scores S.npy"
            )
        typer.echo(submissions.evaluate(truth, scores, decisions, tags, json))
        return
    from tagsmith.stages import evaluate

    context = given(set_, store, params)
    with _recorder(context, "evaluate", "evaluate") as recorder:
        evaluate.run(context.params, context.store, recorder)


@app.command("evaluate-zeroshot", rich_help_panel=STAGES)
def evaluate_zeroshot(
    model: str,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """How well a model names tags that nobody trained on."""
    from tagsmith.stages import evaluate_zeroshot

    context = given(set_, store, params)
    name = f"evaluate_zeroshot {model}"
    with _recorder(context, "evaluate_zeroshot", name) as recorder:
        evaluate_zeroshot.run(context.params, context.store, recorder, model)


@app.command("evaluate-genres", rich_help_panel=STAGES)
def evaluate_genres(  # noqa: PLR0913, PLR0917 - a stage, and the same for anybody's run
    model: Annotated[str, typer.Argument(help="One of genres.submitted.")] = "",
    truth: Annotated[
        Path | None, typer.Option(help="Ground truth of a run, .tsv or .tsv.bz2.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The run, .tsv.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the four official files.")
    ] = None,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Genres as the task judges them: the stage, or --truth GT.tsv --run RUN.tsv."""
    if truth or run:
        from tagsmith import genres

        if truth is None or run is None:
            raise ConfigError("a run needs both --truth GT.tsv and --run RUN.tsv")
        typer.echo(genres.evaluate(truth, run, out))
        return
    from tagsmith.stages import evaluate_genres

    if not model:
        raise ConfigError(
            "evaluate-genres needs a MODEL of genres.submitted, or --truth GT.tsv and "
            "--run RUN.tsv"
        )
    context = given(set_, store, params)
    name = f"evaluate_genres {model}"
    with _recorder(context, "evaluate_genres", name) as recorder:
        evaluate_genres.run(context.params, context.store, recorder, model)


@app.command(rich_help_panel=STAGES)
def reference(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """What the ensemble heard and said of the test tracks, for `tagsmith drift`."""
    from tagsmith.stages import reference

    context = given(set_, store, params)
    with _recorder(context, "reference", "reference") as recorder:
        reference.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def promote(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """The ensemble is registered; it becomes champion if it passes the gate."""
    from tagsmith.stages import promote

    context = given(set_, store, params)
    with _recorder(context, "promote", "ensemble") as recorder:
        promote.run(context.params, context.store, recorder)


@app.command("promote-zeroshot", rich_help_panel=STAGES)
def promote_zeroshot(
    model: str,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """A model is registered, to score any words; champion if above chance."""
    from tagsmith.stages import promote_zeroshot

    context = given(set_, store, params)
    name = f"promote_zeroshot {model}"
    with _recorder(context, "promote_zeroshot", name) as recorder:
        promote_zeroshot.run(context.params, context.store, recorder, model)


@app.command(rich_help_panel=STAGES)
def report(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Everything on one page."""
    from tagsmith.stages import report

    context = given(set_, store, params)
    with _recorder(context, "report", "report") as recorder:
        report.run(context.params, context.store, recorder)


def main() -> None:
    """Run a command; report what a user can put right in one sentence."""
    _quieten()
    try:
        app()
    except TagsmithError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        _fail(
            f"no space is left on the device ({error.filename or 'while writing'}); "
            "nothing is half-written: free some and run the same command"
        )
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on from here", code=130)


def _fail(message: str, code: int = 2) -> None:
    sys.stderr.write(f"tagsmith: {message}\n")
    raise SystemExit(code)


def _quieten() -> None:
    """Our own log lines only, unless the user asked for more."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors come as exceptions
    level = os.environ.get("TAGSMITH_LOG", "INFO").upper()
    logging.basicConfig(level="WARNING", format="%(message)s", stream=sys.stderr)
    logging.getLogger("tagsmith").setLevel(level)
    # It warns of a new trace for every length of track; that is what lengths need.
    logging.getLogger("tensorflow").setLevel("ERROR")


if __name__ == "__main__":
    main()
