"""Tag audio files with a registered model: what `tagsmith tag` does."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
