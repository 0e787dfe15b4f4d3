"""Documents that were read before: a matrix of statistics, and an index of it.

    folder/
      statistics.npy      (n, 40, 9) float32, as they are in the documents
      documents.parquet   a row per document; `COLUMNS`

Both may lie where fsspec reads; they are read in blocks then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tagsmith.datasets.acousticbrainz.chunks import SHAPE, fingerprint
from tagsmith.datasets.acousticbrainz.roots import INDEX_FILE, STATISTICS_FILE, Root
from tagsmith.errors import DataError, MissingError
from tagsmith.features.melbands import Statistics
from tagsmith.store import atomic

COLUMNS = (
    "document",  # its id, the file's name without .json
    "path",  # POSIX, below its root
    "row",  # of the matrix; -1 if there is a problem
    "sha256",  # of the statistics as float32: what is heard; empty if there is none
    "seconds",  # length of the recording; NaN where the document does not say
    "sample_rate_hz",  # of the file that was analysed; 0 where it does not say
    "peak",  # the loudest band's power at its loudest; 0 in silence
    "artist",  # first artist and first album of the file's; may be empty
    "album",
    "problem",  # why there are no statistics; empty where there are
)
BLOCK = 4096  # rows that are copied at a time, 6 MB
ROW_GROUP = 5_000  # rows of the index that are encoded at a time
MADE_OF = b"tagsmith.made_of"  # where the index says which documents it was made of


@dataclass(frozen=True)
class Kept:
    """A root with a matrix and its index, of which some documents are wanted."""

    root: Root
    wanted: pd.Index | None

    @cached_property
    def fingerprint(self) -> str:
        """A name of its content."""
        return fingerprint(self._index[["document", "sha256", "problem"]], "kept")

    def __len__(self) -> int:
        """How many of its documents are wanted."""
        return len(self._index)

    def index(self) -> pa.Table:
        """Return the rows of the index that are wanted."""
        table = self._index.drop(columns="row")
        return pa.Table.from_pandas(table, preserve_index=False)

    @cached_property
    def _index(self) -> pd.DataFrame:
        with self.root.open(INDEX_FILE) as file:
            table = pd.read_parquet(file)
        if missing := set(COLUMNS) - set(table.columns):
            raise DataError(
                f"{self.root.name}/{INDEX_FILE} lacks the columns {sorted(missing)}; "
                "write it again with `tagsmith read-documents`"
            )
        if self.wanted is not None:
            table = table[table["document"].isin(self.wanted)]
        return table[list(COLUMNS)].reset_index(drop=True)

    def copy(self, target: Statistics, rows: np.ndarray[Any, Any]) -> None:
        """Copy statistics into rows of a matrix, in blocks; -1 is left out."""
        own = self._index["row"].to_numpy()[rows >= 0]
        rows = rows[rows >= 0]
        order = np.argsort(own)
        own, rows = own[order], rows[order]
        with self.root.open(STATISTICS_FILE) as file:
            total = _rows(file, f"{self.root.name}/{STATISTICS_FILE}")
            for start in range(0, total, BLOCK):
                content = file.read(min(BLOCK, total - start) * 4 * int(np.prod(SHAPE)))
                block = np.frombuffer(content, "<f4").reshape(-1, *SHAPE)
                first, last = np.searchsorted(own, [start, start + BLOCK])
                target[rows[first:last]] = block[own[first:last] - start]


def _rows(file: Any, name: str) -> int:  # noqa: ANN401 - anything NumPy reads from
    """Return how many rows a matrix has; the file then stands at the first."""
    version = np.lib.format.read_magic(file)
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, fortran, dtype = headers[version](file)
    if shape[1:] != SHAPE or fortran or dtype != np.dtype("<f4"):
        raise DataError(
            f"{name} must be (n, {BANDS_BY}) float32, but it is {shape} {dtype}; "
            "write it again with `tagsmith read-documents`"
        )
    return int(shape[0])


BANDS_BY = ", ".join(map(str, SHAPE))


def write_index(folder: Path, index: pd.DataFrame, *, made_of: str) -> None:
    """Write an index, and what it was made of."""
    table = pa.Table.from_pandas(index[list(COLUMNS)], preserve_index=False)
    told = {**(table.schema.metadata or {}), MADE_OF: made_of.encode()}
    with atomic(folder / INDEX_FILE) as temporary:
        table = table.replace_schema_metadata(told)
        pq.write_table(table, temporary, row_group_size=ROW_GROUP)


def read_index(folder: Path) -> pd.DataFrame:
    """Read the index of a folder.

    Raises:
        MissingError: There is none.
    """
    path = folder / INDEX_FILE
    if not path.exists():
        raise MissingError(f"{path} is not there; `dvc repro ingest` makes it")
    return pd.read_parquet(path)


def made_of(folder: Path) -> str:
    """Return what a folder was made of; empty if it is not whole."""
    index = folder / INDEX_FILE
    if not (index.exists() and (folder / STATISTICS_FILE).exists()):
        return ""
    told: bytes = (pq.read_schema(index).metadata or {}).get(MADE_OF, b"")
    return told.decode()


def statistics(folder: Path, documents: Sequence[str]) -> Statistics:
    """Return the statistics of some documents.

    Args:
        folder: Holds a matrix and its index.
        documents: Their ids.

    Returns:
        `(documents, 40, 9)`, in their order.

    Raises:
        DataError: One of them has none.
        MissingError: The folder lacks the index.
    """
    index = read_index(folder)
    places = pd.Index(index["document"]).get_indexer(pd.Index(documents))
    rows = np.where(places >= 0, index["row"].to_numpy()[places], -1)
    if (rows < 0).any():
        raise DataError(
            f"{folder} has no statistics of {int((rows < 0).sum())} of {len(rows)} "
            f"documents, such as {documents[int(rows.argmin())]}; run "
            "`dvc repro ingest validate` to list anew what there is"
        )
    matrix = np.load(folder / STATISTICS_FILE, mmap_mode="r")
    found: Statistics = matrix[rows]
    return found
