"""Tag audio files with a registered model: what `tagsmith tag` does."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tagsmith import genrefiles
from tagsmith.core.genres import parent
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.tracking import registry
from tagsmith.tracking.registry import ENSEMBLE

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

    from tagsmith.models.ensemble import Ensemble

logger = logging.getLogger(__name__)

ANY_WORDS = "models:/tagsmith-zeroshot@champion"
MARKS = {True: "yes  ", False: "     "}

# {"tag", "score"} and an ensemble's "decision", the likeliest first
Tags = list[dict[str, Any]]


def tag(
    files: Iterable[Path],
    model_uri: str | None = None,
    *,
    words: Sequence[str] | None = None,
    top: int | None = None,
    as_json: bool,
) -> tuple[str, bool]:
    """Tag audio files and write the result for a terminal or a program.

    A file that cannot be tagged is reported in the log and does not stop the others.

    Args:
        files: Anything that libsndfile reads.
        model_uri: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, or a folder; None for
            the champion.
        words: What to score instead of the tags of an ensemble.
        top: How many tags of each; None for all.
        as_json: A list of `{"path", "tags": [{"tag", "score", "decision"}]}`, or text;
            words have no decision.

    Returns:
        The text, and whether a file failed.

    Raises:
        ConfigError: There are words and the model is an ensemble, or the reverse.
        DataError: A word has no vector.
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    results, failed = [], False
    for path, heard in tag_files(files, model_uri, words=words, top=top):
        if isinstance(heard, str):
            logger.error(heard)
            failed = True
        else:
            results.append({"path": str(path), "tags": heard})
    if as_json:
        return json.dumps(results, indent=2, ensure_ascii=False), failed
    return "\n\n".join(map(_text, results)), failed


def tag_files(
    files: Iterable[Path],
    model_uri: str | None = None,
    *,
    words: Sequence[str] | None = None,
    top: int | None = None,
) -> Iterator[tuple[Path, Tags | str]]:
    """Tag audio files one by one; the model is loaded once.

    Yields:
        Each file with its tags, or with a sentence that says why it has none.

    Raises:
        ConfigError: As for `tag`, and so are the others.
        DataError: See there.
        MissingError: See there.
        TrackingError: See there.
    """
    uri = model_uri or (ENSEMBLE if words is None else ANY_WORDS)
    model = registry.load(uri)
    _check_kind(model, uri, words)
    asked = {"tags": None if words is None else [*words], "top": top}
    params = {name: value for name, value in asked.items() if value is not None}
    if words is not None:
        _predicted(model, [], params)  # what is wrong with them is no file's fault
    for path in files:
        try:
            yield path, _heard(model, path, params)
        except (DataError, MissingError) as error:
            yield path, str(error)


def ensemble_of(model_uri: str) -> "Ensemble":
    """Load a registered ensemble, without MLflow around it.

    Raises:
        ConfigError: The model scores words that are to be named.
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    model = registry.load(model_uri)
    _check_kind(model, model_uri, None)
    unwrapped: Any = model.unwrap_python_model()  # type: ignore[no-untyped-call]
    ensemble: Ensemble = unwrapped.ensemble
    return ensemble


def submit(
    sources: Iterable[Path],
    out: Path,
    model_uri: str | None = None,
    *,
    parents: bool,
) -> tuple[str, bool]:
    """Let an ensemble decide the genres of tracks, and write them as a MediaEval run.

    A track that cannot be heard is reported in the log and is not in the run.

    Args:
        sources: AcousticBrainz documents, audio files, or folders of documents; the
            name of a file, without its ending, is the track's id.
        out: The run, `id TAB label TAB label...`.
        model_uri: As for `tag`.
        parents: Whether who has a subgenre is given its genre too.

    Returns:
        What was written, in a sentence, and whether a track is missing.

    Raises:
        ConfigError: The model scores words that are to be named.
        DataError: Two tracks have one id, or none could be heard.
        MissingError: No version has that alias, or a folder has no documents.
        TrackingError: The registry cannot be reached, or refuses.
    """
    rows, missing = {}, 0
    for path, heard in tag_files(_found(sources), model_uri):
        if isinstance(heard, str):
            logger.error(heard)
            missing += 1
            continue
        if path.stem in rows:
            raise DataError(f"{path}: another file has the id {path.stem} already")
        labels = [each["tag"] for each in heard if each["decision"]]
        rows[path.stem] = _completed(labels) if parents else labels
    if not rows:
        raise DataError(f"none of {missing} tracks could be heard; nothing is written")
    genrefiles.write_run(out, rows.keys(), rows.values())
    lacking = f"; {missing} could not be heard" if missing else ""
    return f"{out}: {len(rows)} tracks{lacking}", bool(missing)


def _found(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        if not source.is_dir():
            yield source
            continue
        documents = sorted(source.rglob("*.json"))
        if not documents:
            raise MissingError(f"{source} has no documents (.json), however deep")
        yield from documents


def _completed(labels: Sequence[str]) -> list[str]:
    """Put every subgenre's genre behind the labels, once."""
    genres = [parent(label) for label in labels]
    return list(dict.fromkeys([*labels, *(genre for genre in genres if genre)]))


def _check_kind(model: "PyFuncModel", uri: str, words: Sequence[str] | None) -> None:
    signature = model.metadata.signature
    params = signature.params if signature else None
    takes_words = any(each.name == "tags" for each in params or ())
    if takes_words == (words is not None):
        return
    if takes_words:
        raise ConfigError(f"{uri} scores words that you name: add --tags WORDS...")
    raise ConfigError(
        f"{uri} knows only the tags that it learnt, so it cannot score those of "
        f"--tags; leave --model out to use {ANY_WORDS}"
    )


def _heard(model: "PyFuncModel", path: Path, params: dict[str, Any]) -> Tags:
    if not path.is_file():
        raise MissingError(f"{path} is not there, or is not a file")
    tags: Tags = _predicted(model, [str(path)], params).iloc[0]
    return tags


def _predicted(
    model: "PyFuncModel", recordings: Sequence[str], params: dict[str, Any]
) -> pd.Series:
    from tagsmith.tracking.recordings import files_accepted

    table = pd.DataFrame({"audio": pd.Series(recordings, dtype="str")})
    with files_accepted():  # whoever calls it may read them anyway
        return pd.DataFrame(model.predict(table, params=params))["tags"]


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"  {heard['score']:.3f}  {MARKS.get(heard.get('decision'), '')}{heard['tag']}"
        for heard in result["tags"]
    ]
    return "\n".join([result["path"], *lines])
