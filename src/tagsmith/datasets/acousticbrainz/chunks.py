"""A thousand documents at a time: what a worker reads, and the file that it leaves.

A chunk's file is named after its documents and their versions and appears whole or not
at all, so that a killed run goes on where it was.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tagsmith.datasets.acousticbrainz.document import Document, parsed, problem_of
from tagsmith.datasets.acousticbrainz.roots import Root, ids_of
from tagsmith.features.melbands import BANDS, STATISTICS, Statistics
from tagsmith.store import atomic

CHUNK_DOCUMENTS = 1000
FORMAT = 1  # of a chunk's file; another one makes every document be read again
SHAPE = (BANDS, len(STATISTICS))
MAX = STATISTICS.index("max")
VALUES = "statistics"


@dataclass(frozen=True)
class Chunk:
    """Some documents of a root, and where what is read of them goes.

    Attributes:
        root: Where they lie.
        listed: `path` (below the root) and `version` of each.
        folder: Of the chunks' files.
    """

    root: Root
    listed: pd.DataFrame
    folder: Path

    @cached_property
    def fingerprint(self) -> str:
        """A name of the documents' content, without reading it."""
        return fingerprint(self.listed, f"{FORMAT} {self.root.name}")

    @property
    def file(self) -> Path:
        """Where it goes."""
        return self.folder / f"{self.fingerprint}.parquet"

    def __len__(self) -> int:
        """How many documents it has."""
        return len(self.listed)

    def finished(self) -> "Finished":
        """Return what is left of it once it is read; what was listed is let go."""
        return Finished(self.file, len(self))


@dataclass(frozen=True)
class Finished:
    """Some documents that were read.

    Attributes:
        file: What is left of them.
        count: How many they are.
    """

    file: Path
    count: int

    def __len__(self) -> int:
        """How many documents it has."""
        return self.count

    def index(self) -> pa.Table:
        """Return what was found, a row per document, without the statistics."""
        names = [name for name in pq.read_schema(self.file).names if name != VALUES]
        return self._columns(names)

    def copy(self, target: Statistics, rows: np.ndarray[Any, Any]) -> None:
        """Copy statistics into rows of a matrix; those of row -1 are left out."""
        column = self._columns([VALUES]).column(0).combine_chunks()
        values = np.frombuffer(column.buffers()[1], "<f4").reshape(-1, *SHAPE)
        target[rows[rows >= 0]] = values[rows >= 0]

    def _columns(self, names: Sequence[str]) -> pa.Table:
        # Every thread would keep memory of its own, and a file is too small for them.
        return pq.read_table(
            self.file, columns=list(names), use_threads=False, pre_buffer=False
        )


def fingerprint(table: pd.DataFrame, name: str) -> str:
    """Name a table by its content."""
    hashes = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return hashlib.sha256(name.encode() + hashes.tobytes()).hexdigest()[:32]


def read(chunk: Chunk) -> int:
    """Read a chunk's documents and write its file; the only code that runs on a worker.

    Returns:
        How many documents it has.
    """
    paths = chunk.listed["path"].tolist()
    values = np.zeros((len(paths), *SHAPE), "<f4")
    documents = [
        _read(content, values[place])
        for place, content in enumerate(chunk.root.contents(paths))
    ]
    table = pa.Table.from_pandas(_index(chunk, documents, values), preserve_index=False)
    column = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(values[0].nbytes), len(values), [None, pa.py_buffer(values)]
    )
    with atomic(chunk.file) as temporary:
        table = table.append_column(VALUES, column)
        pq.write_table(table, temporary, compression="none", use_dictionary=False)
    return len(paths)


def _read(content: bytes | str, values: Statistics) -> Document:
    """Read one document; its numbers go into `values`, `(40, 9)`."""
    if isinstance(content, str):
        return Document(problem=content)
    document = parsed(content)
    if document.problem:
        return document
    with np.errstate(over="ignore"):  # too large for float32: looked at below
        values[:] = np.array(document.statistics, np.float32).T
    if values.min() < 0 or values.max() == np.inf:
        values[:] = 0
        return Document(problem=problem_of(document.statistics))
    return Document(  # the lists of numbers need not wait for the others
        seconds=document.seconds,
        sample_rate_hz=document.sample_rate_hz,
        artist=document.artist,
        album=document.album,
    )


def _index(
    chunk: Chunk, documents: Sequence[Document], values: Statistics
) -> pd.DataFrame:
    good = np.array([not document.problem for document in documents])
    hashes = [
        hashlib.sha256(array.tobytes()).hexdigest() if fine else ""
        for array, fine in zip(values, good, strict=True)
    ]
    columns = {
        "document": ids_of(chunk.listed["path"]),
        "sha256": hashes,
        "seconds": [document.seconds for document in documents],
        "sample_rate_hz": [document.sample_rate_hz for document in documents],
        "peak": values[:, :, MAX].max(axis=1),
        "artist": [document.artist for document in documents],
        "album": [document.album for document in documents],
        "problem": [document.problem for document in documents],
    }
    return chunk.listed[["path"]].assign(**columns)
