"""Recordings as the registered models take them, and what the models say of them.

Input is a table with one column, `audio`; each row is the base64 of an audio file, a
`data:` URI, or an `http://` or `https://` URL on the public internet. Output is one row
per input; its `tags` are a list, the likeliest first.

Whoever may call a served model is a stranger. A path or a `file://` URL is taken only
if whoever starts the process wants it: `TAGSMITH_ACCEPTS` lists what rows may be. The
default is `data urls`; `data urls files` trusts the callers, and bounds nothing.
"""

import base64
import binascii
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.protos.databricks_pb2 import ErrorCode
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Object, Property

from tagsmith import admission, fetching
from tagsmith.errors import ConfigError, DataError, TagsmithError
from tagsmith.internet import shown
from tagsmith.models.analysis import is_document

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AUDIO, TAGS = "audio", "tags"  # the columns of input and output
ACCEPTS = "TAGSMITH_ACCEPTS"
DATA, URLS, FILES = KINDS = ("data", "urls", "files")  # what a row may be
LONGEST_ADDRESS = 4096  # letters; anything longer can only be audio itself
SMALLEST_FILE = 44  # bytes: the header of a WAV
INVALID = ErrorCode.Value("INVALID_PARAMETER_VALUE")
MOST_ROWS = 100  # of a stranger's table
LIMITS = admission.Limits()

Listen = Callable[[Path], Sequence["DataclassInstance"]]


class RefusedError(MlflowException, DataError):
    """What is wrong with a request, as MLflow's server answers it: state 400."""

    def __init__(self, message: str) -> None:
        super().__init__(message, error_code=INVALID)


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


def accepted() -> frozenset[str]:
    """Return what rows may be.

    Raises:
        ConfigError: The environment names something else.
    """
    words = os.environ.get(ACCEPTS, f"{DATA} {URLS}").split()
    if not words or not set(words) <= set(KINDS):
        raise ConfigError(
            f"{ACCEPTS} lists some of {' '.join(KINDS)}, got {' '.join(words)!r}"
        )
    return frozenset(words)


def tagged(recordings: pd.DataFrame, listen: Listen) -> pd.DataFrame:
    """Let a model listen to every row's recording.

    Args:
        recordings: A column `audio`; see the module.
        listen: What it says of a file's tags, the likeliest first.

    Returns:
        A column `tags`: a list of mappings per row.

    Raises:
        RefusedError: A recording is none that is accepted, is too large or too long,
            cannot be fetched or decoded; it is named as it was given.
    """
    with refusing():
        if FILES not in accepted() and len(recordings) > MOST_ROWS:
            raise DataError(
                f"a table has {MOST_ROWS} recordings at most, got {len(recordings)}; "
                "send several"
            )
        return pd.DataFrame({TAGS: [_tags(each, listen) for each in recordings[AUDIO]]})


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what is wrong with a request into MLflow's words for it."""
    try:
        yield
    except TagsmithError as error:
        raise RefusedError(str(error)) from error


def _tags(recording: str, listen: Listen) -> list[dict[str, Any]]:
    with local(recording) as path:
        try:
            if FILES not in accepted() and not is_document(path):
                admission.admit(path, LIMITS)
            return [asdict(heard) for heard in listen(path)]
        except DataError as error:
            if _file(recording) is not None:
                raise
            sentence = str(error).replace(str(path), shown(recording))
            raise DataError(sentence) from error


@contextmanager
def local(recording: str) -> Iterator[Path]:
    """Give a recording as a file, for as long as it is needed.

    Args:
        recording: Base64, a URL or a path; see the module.

    Raises:
        DataError: It is none that is accepted, or cannot be fetched.
    """
    file = _file(recording)
    if file is not None:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        path = Path(folder) / "recording"
        if _scheme(recording) in fetching.PORTS and URLS in accepted():
            fetching.fetch(recording, path, LIMITS.bounds)
        else:
            path.write_bytes(_decoded(recording))
        yield path


def _scheme(recording: str) -> str:
    try:
        return urlsplit(recording[:LONGEST_ADDRESS]).scheme
    except ValueError:  # such as an unclosed bracket
        return ""


def _file(recording: str) -> Path | None:
    """Return the file that a recording names, where files may be named."""
    if FILES not in accepted() or len(recording) >= LONGEST_ADDRESS:
        return None
    if _scheme(recording) == "file":
        return Path(unquote(urlsplit(recording).path))
    return Path(recording) if Path(recording).is_file() else None


def _decoded(recording: str) -> bytes:
    if len(recording) > 2 * LIMITS.most_bytes:  # base64 takes a third more
        raise admission.too_large(LIMITS)
    text = recording.partition(",")[2] if recording.startswith("data:") else recording
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if len(content) < SMALLEST_FILE:
        raise DataError(f"{shown(recording)} is {_not_accepted()}")
    return content


def _not_accepted() -> str:
    kinds = {
        DATA: "the base64 of an audio file",
        URLS: "a URL (http, https)",
        FILES: "a file here",
    }
    taken = ", nor ".join(text for kind, text in kinds.items() if kind in accepted())
    hint = "" if FILES in accepted() else f"; files of this machine need {ACCEPTS}"
    return f"neither {taken}{hint}"
