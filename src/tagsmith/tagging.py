"""Tag audio files with a registered model: what `tagsmith tag` does."""

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tagsmith.errors import DataError, MissingError
from tagsmith.tracking import registry

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

logger = logging.getLogger(__name__)

MARKS = {True: "yes", False: ""}

Tags = list[dict[str, Any]]  # {"tag", "score", "decision"}, the likeliest first


def tag(
    files: Iterable[Path], model_uri: str, *, top: int | None = None, as_json: bool
) -> tuple[str, bool]:
    """Tag audio files and write the result for a terminal or a program.

    A file that cannot be tagged is reported in the log and does not stop the others.

    Args:
        files: Anything that libsndfile reads.
        model_uri: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, or a folder.
        top: How many tags of each; None for all.
        as_json: A list of `{"path", "tags": [{"tag", "score", "decision"}]}`, or text.

    Returns:
        The text, and whether a file failed.

    Raises:
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    results, failed = [], False
    for path, heard in tag_files(files, model_uri, top):
        if isinstance(heard, str):
            logger.error(heard)
            failed = True
        else:
            results.append({"path": str(path), "tags": heard})
    if as_json:
        return json.dumps(results, indent=2, ensure_ascii=False), failed
    return "\n\n".join(map(_text, results)), failed


def tag_files(
    files: Iterable[Path], model_uri: str, top: int | None = None
) -> Iterator[tuple[Path, Tags | str]]:
    """Tag audio files one by one; the model is loaded once.

    Yields:
        Each file with its tags, or with a sentence that says why it has none.

    Raises:
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    model = registry.load(model_uri)
    for path in files:
        try:
            yield path, _heard(model, path, top)
        except (DataError, MissingError) as error:
            yield path, str(error)


def _heard(model: "PyFuncModel", path: Path, top: int | None) -> Tags:
    if not path.is_file():
        raise MissingError(f"{path} is not there, or is not a file")
    recording = pd.DataFrame({"audio": [str(path)]})
    heard = model.predict(recording, params={"top": top} if top else None)
    tags: Tags = pd.DataFrame(heard)["tags"].iloc[0]
    return tags


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"  {heard['score']:.3f}  {MARKS[heard['decision']]:3}  {heard['tag']}"
        for heard in result["tags"]
    ]
    return "\n".join([result["path"], *lines])
