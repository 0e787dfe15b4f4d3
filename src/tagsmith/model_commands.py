"""The commands that put registered models to work: on files, and on a page."""

from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tagsmith.errors import ConfigError
from tagsmith.options import (
    DEFAULT_PARAMS,
    ParamsFile,
    Set,
    Workers,
    given,
    processes,
)

WORDS = "--tags"
TOP = 5  # tags per file
Model = Annotated[
    str | None, typer.Option(help="A registered model; the champion if none.")
]

app = typer.Typer()


class TakesWords(TyperCommand):
    """Lets `--tags a b` stand for `--tags a --tags b`: words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's
        """Parse what was typed.

        Raises:
            ConfigError: There are no words, or no files beside the words.
        """
        try:
            return super().parse_args(ctx, spelt_out(args))
        except typer.BadParameter as error:
            if WORDS not in args or error.param is None or error.param.name != "files":
                raise
            raise ConfigError(
                f"no files: what follows {WORDS}, up to the next option, are words; "
                "put the files in front of it"
            ) from error


def spelt_out(args: list[str]) -> list[str]:
    """Put `--tags` in front of each of the words that follow it.

    Raises:
        ConfigError: None follows.
    """
    spelt, rest = [], args
    while WORDS in rest:
        place = rest.index(WORDS)
        behind = rest[place + 1 :]
        words = list(takewhile(lambda word: not word.startswith("-"), behind))
        if not words:
            raise ConfigError(
                f'{WORDS} needs words, such as {WORDS} "hurdy gurdy" "sea shanty"'
            )
        spelt += rest[:place] + [part for word in words for part in (WORDS, word)]
        rest = behind[len(words) :]
    return spelt + rest


@app.command(cls=TakesWords)
def tag(
    files: Annotated[list[Path], typer.Argument(help="mp3, ogg, flac or wav files.")],
    model: Model = None,
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tags", metavar="WORDS...", help="Score any words, up to the next option."
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Tags per file; 5, or all of --tags.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tag audio files with a registered ensemble, or score any words."""
    from tagsmith import tagging

    text, failed = tagging.tag(
        files,
        model,
        words=tags or None,
        top=top or (None if tags else TOP),
        as_json=json,
    )
    typer.echo(text)
    if failed:
        raise typer.Exit(2)


@app.command("predict-genres")
def predict_genres(
    tracks: Annotated[
        list[str],
        typer.Argument(
            metavar="TRACKS...",
            help="AcousticBrainz documents, folders or addresses of them, or audio.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The run to write, .tsv.")],
    model: Annotated[
        str | None,
        typer.Option(help="A registered model; tagsmith-genres's champion if none."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Whose genres, if models learnt several sources."),
    ] = None,
    workers: Workers = -1,
    *,
    parents: Annotated[
        bool, typer.Option("--parents", help="Give a subgenre's genre too.")
    ] = False,
) -> None:
    """Decide the genres of tracks with a registered ensemble: a MediaEval run."""
    from tagsmith.predicting import genres

    text, failed = genres.submit(
        tracks, out, model, source=source, parents=parents, engine=processes(workers)
    )
    typer.echo(text)
    if failed:
        raise typer.Exit(2)


@app.command()
def predict(
    manifest: Annotated[
        Path, typer.Argument(help="A table with `path`, a list of paths, or a folder.")
    ],
    out: Annotated[Path, typer.Option(help="The scores to write, .parquet.")],
    model: Model = None,
    *,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Write decisions beside them.")
    ] = False,
    set_: Set = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Score many tracks with a registered ensemble, where `engine` says."""
    from tagsmith import predicting

    engine = given(set_, None, params, writes_data=False).params.engine
    done = predicting.predict(manifest, out, model, engine, decisions=decisions)
    typer.echo(done.sentence)
    if len(done.failed):
        raise typer.Exit(2)


@app.command()
def drift(
    manifest: Annotated[
        Path, typer.Argument(help="A table with `path`, a list of paths, or a folder.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for page, facts and scores.")
    ] = Path("drift"),
    model: Model = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print the facts.")] = False,
    set_: Set = None,
    params: ParamsFile = DEFAULT_PARAMS,
) -> None:
    """Compare new audio with a model's reference; exit code 1 if it has shifted."""
    from tagsmith import drifting

    context = given(set_, None, params, writes_data=False)
    found = drifting.answer(manifest, out, model, context.params)
    typer.echo(found.json if json else found.text)
    raise typer.Exit(found.exit_code)


@app.command()
def serve(
    model: Annotated[
        str | None, typer.Option(help="A registered ensemble; the champion if none.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    most_megabytes: Annotated[
        float, typer.Option(min=0.001, help="Of a recording.")
    ] = 50,
    longest_seconds: Annotated[
        float, typer.Option(min=0.001, help="Of a recording.")
    ] = 600,
    *,
    fetch: Annotated[bool, typer.Option(help="Fetch public addresses.")] = True,
) -> None:
    """Show a page on which anybody can drop a recording and see its tags."""
    from tagsmith.admission import MEGABYTE, Limits
    from tagsmith.serving.app import Settings
    from tagsmith.serving.server import serve

    limits = Limits(round(most_megabytes * MEGABYTE), longest_seconds)
    serve(model, host=host, port=port, settings=Settings(limits, fetch))
