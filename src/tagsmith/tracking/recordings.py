"""Recordings as the registered models take them, and what the models say of them.

Input is a table with one column, `audio`; each row is a local path, a `file://`,
`http://` or `https://` URL, a `data:` URI, or the base64 of an audio file. Output is
one row per input; its `tags` are a list, the likeliest first.

Whoever may call a model may make it read files and fetch addresses with the rights of
the server's process: serve it to people whom you trust, or send base64 only and shut
the process off from the rest.
"""

import base64
import binascii
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Object, Property

from tagsmith.errors import DataError, MissingError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AUDIO, TAGS = "audio", "tags"  # the columns of input and output
SECONDS_TO_FETCH = 30.0  # without a byte, before a server is given up
LONGEST_PATH = 4096  # letters; anything longer can only be audio itself
SMALLEST_FILE = 44  # bytes: the header of a WAV
SHOWN = 80  # letters of a recording in a message


def signature(
    said: Mapping[str, DataType], params: Sequence[ParamSpec]
) -> ModelSignature:
    """Describe a model to MLflow.

    Args:
        said: What is said of each tag: names and types.
        params: What a caller may ask for.
    """
    of_a_tag = Object([Property(name, type_) for name, type_ in said.items()])
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, AUDIO)]),
        outputs=Schema([ColSpec(Array(of_a_tag), TAGS)]),
        params=ParamSchema(list(params)),
    )


def tagged(
    recordings: pd.DataFrame, listen: Callable[[Path], Sequence["DataclassInstance"]]
) -> pd.DataFrame:
    """Let a model listen to every row's recording.

    Args:
        recordings: A column `audio`; see the module.
        listen: What it says of a file's tags, the likeliest first.

    Returns:
        A column `tags`: a list of mappings per row.

    Raises:
        DataError: A recording cannot be fetched or decoded; it is named as it was
            given.
        MissingError: It names a file that is not there.
    """
    return pd.DataFrame({TAGS: [_tags(each, listen) for each in recordings[AUDIO]]})


def _tags(
    recording: str, listen: Callable[[Path], Sequence["DataclassInstance"]]
) -> list[dict[str, Any]]:
    with local(recording) as path:
        try:
            return [asdict(heard) for heard in listen(path)]
        except DataError as error:
            sentence = str(error).replace(str(path), _shown(recording))
            raise DataError(sentence) from error


@contextmanager
def local(recording: str) -> Iterator[Path]:
    """Give a recording as a file, for as long as it is needed.

    Args:
        recording: A path, a URL or base64; see the module.

    Raises:
        DataError: It is none of these, or cannot be fetched.
        MissingError: It names a file that is not there.
    """
    scheme = urlsplit(recording[:LONGEST_PATH]).scheme
    if scheme == "file":
        yield Path(unquote(urlsplit(recording).path))
    elif scheme in {"http", "https"}:
        with _temporary() as path:
            _fetch(recording, path)
            yield path
    elif len(recording) < LONGEST_PATH and Path(recording).is_file():
        yield Path(recording)
    else:
        with _temporary() as path:
            path.write_bytes(_decoded(recording))
            yield path


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        yield Path(folder) / "recording"


def _fetch(url: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=SECONDS_TO_FETCH) as answer,  # noqa: S310 - the scheme has been checked
            path.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
    except (URLError, OSError) as error:
        raise DataError(f"{url} cannot be fetched: {error}") from error


def _decoded(recording: str) -> bytes:
    text = recording.partition(",")[2] if recording.startswith("data:") else recording
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) < SMALLEST_FILE:
        raise MissingError(
            f"{_shown(recording)} is neither a file here, nor a URL (file, http, "
            "https), nor the base64 of an audio file"
        )
    return content


def _shown(recording: str) -> str:
    return recording if len(recording) <= SHOWN else f"{recording[:SHOWN]}..."
