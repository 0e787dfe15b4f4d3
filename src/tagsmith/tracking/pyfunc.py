"""The ensemble as one MLflow model: raw audio in, tags with scores and decisions out.

This file itself is logged ("models from code"), with the package beside it, so the
model loads where the repository is not. Input is a table with one column, `audio`; each
row is a local path, a `file://`, `http://` or `https://` URL, a `data:` URI, or the
base64 of an audio file. Output is one row per input; its `tags` are the likeliest
first. The parameter `top` limits their number.

Whoever may call the model may make it read files and fetch addresses with the rights of
the server's process: serve it to people whom you trust, or send base64 only and shut
the process off from the rest.
"""

import base64
import binascii
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Object, Property

from tagsmith.errors import DataError, MissingError
from tagsmith.models.ensemble import Ensemble

BUNDLE = "bundle"  # the name of the artifact
COLUMN = "audio"
SECONDS_TO_FETCH = 30.0  # without a byte, before a server is given up
LONGEST_PATH = 4096  # letters; anything longer can only be audio itself
SMALLEST_FILE = 44  # bytes: the header of a WAV
SHOWN = 80  # letters of a recording in a message

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.string, COLUMN)]),
    outputs=Schema(
        [
            ColSpec(
                Array(
                    Object(
                        [
                            Property("tag", DataType.string),
                            Property("score", DataType.double),
                            Property("decision", DataType.boolean),
                        ]
                    )
                ),
                "tags",
            )
        ]
    ),
    params=ParamSchema([ParamSpec("top", DataType.long, None)]),
)


class AudioTagger(PythonModel):
    """Tags recordings with the ensemble of a bundle."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle; done once, by MLflow."""
        self.ensemble = Ensemble.load(Path(context.artifacts[BUNDLE]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow passes it by this name
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Tag every row's recording.

        Args:
            context: MLflow's; not used.
            model_input: A column `audio`; see the module.
            params: `top` is how many tags to return for each.

        Returns:
            A column `tags`: a list of `{"tag", "score", "decision"}` per row.

        Raises:
            DataError: A recording cannot be fetched or decoded.
        """
        top = (params or {}).get("top")
        return pd.DataFrame({"tags": [self._tags(a, top) for a in model_input[COLUMN]]})

    def _tags(self, recording: str, top: int | None) -> list[dict[str, Any]]:
        with local(recording) as path:
            try:
                return [asdict(heard) for heard in self.ensemble.listen(path, top)]
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


mlflow.models.set_model(AudioTagger())
