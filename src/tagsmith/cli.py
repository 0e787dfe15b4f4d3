"""The command line: one command per stage and a few for people. It parses and calls.

Whatever a user can put right ends as one sentence on stderr and exit code 2.
"""

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagsmith.errors import ConfigError, TagsmithError

if TYPE_CHECKING:
    from tagsmith.config import Params
    from tagsmith.store import Store
    from tagsmith.tracking.recording import Recorder

app = typer.Typer(
    help="Version, train, tune, compare, fuse and ship music auto-tagging models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
STAGES = "Stages of dvc.yaml"

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
DEFAULT_PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Context:
    """What a stage is given."""

    params: "Params"
    store: "Store"


def _context(set_: list[str] | None, store: Path | None, params: Path) -> Context:
    from tagsmith.config import Params, parse_overrides
    from tagsmith.store import Store

    # `mlflow run -P set=""` arrives as one empty word, several as one with spaces.
    words = [word for text in set_ or [] for word in text.split()]
    overrides = parse_overrides(words)
    if overrides and store is None:
        raise ConfigError(
            "a run with --set must not write into data/, where DVC keeps the results "
            "of params.yaml; add --store DIR"
        )
    data = Path("data")
    where = Store(data) if store is None else Store(store, data, store / "scratch")
    return Context(Params.load(params, overrides), where)


@contextmanager
def _recorder(
    context: Context, stage: str, name: str, run_id: str | None = None
) -> Iterator["Recorder"]:
    """Record to MLflow what `mlflow run` started, and training and promotion always."""
    from tagsmith.tracking.recording import MemoryRecorder, mlflow_run

    if stage in {"train", "promote"} or "MLFLOW_RUN_ID" in os.environ:
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

    context = _context(set_, store, params)
    with _recorder(context, "ingest", "ingest") as recorder:
        ingest.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def validate(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Tables meet their expectations; bad files go to quarantine."""
    from tagsmith.stages import validate

    context = _context(set_, store, params)
    with _recorder(context, "validate", "validate") as recorder:
        validate.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def convert(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Any audio becomes mono wavs."""
    from tagsmith.stages import convert

    context = _context(set_, store, params)
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

    context = _context(set_, store, params)
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

    context = _context(set_, store, params)
    with _recorder(context, "vectors", f"vectors {source}") as recorder:
        vectors.run(context.params, context.store, recorder, source)


@app.command(rich_help_panel=STAGES)
def train(
    model: str,
    set_: Set = None,
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """One model learns the training split and scores every split."""
    from tagsmith.stages import train

    context = _context(set_, store, params)
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

    context = _context(set_, store, params)
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

    context = _context(set_, store, params)
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

    context = _context(set_, store, params)
    with _recorder(context, "evaluate", "evaluate") as recorder:
        evaluate.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def promote(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """The ensemble is registered; it becomes champion if it passes the gate."""
    from tagsmith.stages import promote

    context = _context(set_, store, params)
    with _recorder(context, "promote", "ensemble") as recorder:
        promote.run(context.params, context.store, recorder)


@app.command(rich_help_panel=STAGES)
def report(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Everything on one page."""
    from tagsmith.stages import report

    context = _context(set_, store, params)
    with _recorder(context, "report", "report") as recorder:
        report.run(context.params, context.store, recorder)


@app.command()
def tag(
    files: Annotated[list[Path], typer.Argument(help="mp3, ogg, flac or wav files.")],
    model: Annotated[
        str, typer.Option(help="A registered ensemble.")
    ] = "models:/tagsmith@champion",
    top: Annotated[int, typer.Option(min=1, help="Tags per file.")] = 5,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tag audio files with a registered ensemble."""
    from tagsmith import tagging

    text, failed = tagging.tag(files, model, top=top, as_json=json)
    typer.echo(text)
    if failed:
        raise typer.Exit(2)


@app.command("export-features")
def export_features(
    feature: str,
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    store: StoreDir = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Write Deep Spectrum features as the original's CSV and NPZ, per split."""
    from tagsmith import exports

    context = _context(None, store, params)
    exports.export_features(context.params, context.store, feature, out)


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
def show(
    set_: Set = None, store: StoreDir = None, params: ParamsFile = DEFAULT_PARAMS
) -> None:
    """Print the resolved parameters: what would run."""
    from ruamel.yaml import YAML

    context = _context(set_, store or Path(), params)
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
        f"  runs    mlflow ui\n"
        f"  use it  tagsmith tag --model {uri} FILE..."
    )


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
