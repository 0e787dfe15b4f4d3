"""Tag audio files with a registered model: what `tagsmith tag` does."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tagsmith import genrefiles
from tagsmith.core.genres import parent
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.models import ensemble
from tagsmith.models.ensemble import Ensemble
from tagsmith.models.wordtagger import WordTagger
from tagsmith.tracking import bundles
from tagsmith.tracking.registry import ENSEMBLE

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

logger = logging.getLogger(__name__)

ANY_WORDS = "models:/tagsmith-zeroshot@champion"
MARKS = {True: "yes  ", False: "     "}

# {"tag", "score"} and an ensemble's "decision", the likeliest first
Tags = list[dict[str, Any]]
Listen = Callable[[Path], Sequence["DataclassInstance"]]


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
    listen = _listener(model_uri, words, top)
    for path in files:
        try:
            yield path, _heard(path, listen)
        except (DataError, MissingError) as error:
            yield path, str(error)


def ensemble_of(model_uri: str) -> Ensemble:
    """Load a registered ensemble, without MLflow around it.

    Raises:
        ConfigError: The model scores words that are to be named.
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    with bundles.fetched(model_uri) as bundle:
        _check_kind(bundle, model_uri, takes_words=False)
        return Ensemble.load(bundle)


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


def _listener(
    model_uri: str | None, words: Sequence[str] | None, top: int | None
) -> Listen:
    if words is None:
        return partial(ensemble_of(model_uri or ENSEMBLE).listen, top=top)
    uri = model_uri or ANY_WORDS
    with bundles.fetched(uri) as bundle:
        _check_kind(bundle, uri, takes_words=True)
        tagger = WordTagger.load(bundle)
    tagger.vectors.of(words)  # what is wrong with them is no file's fault
    return partial(tagger.listen, words=words, top=top)


def _check_kind(bundle: Path, uri: str, *, takes_words: bool) -> None:
    if (bundle / ensemble.WEIGHTS).is_file() != takes_words:
        return
    if takes_words:
        raise ConfigError(
            f"{uri} knows only the tags that it learnt, so it cannot score those of "
            f"--tags; leave --model out to use {ANY_WORDS}"
        )
    raise ConfigError(f"{uri} scores words that you name: add --tags WORDS...")


def _heard(path: Path, listen: Listen) -> Tags:
    if not path.is_file():
        raise MissingError(f"{path} is not there, or is not a file")
    return [asdict(heard) for heard in listen(path)]


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"  {heard['score']:.3f}  {MARKS.get(heard.get('decision'), '')}{heard['tag']}"
        for heard in result["tags"]
    ]
    return "\n".join([result["path"], *lines])
