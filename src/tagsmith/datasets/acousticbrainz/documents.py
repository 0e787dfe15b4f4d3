"""Millions of documents become one memory-mapped matrix and an index.

Documents are read once, on every core, a thousand at a time; what was read outlives a
kill. Nothing but the index is ever wholly in memory: some 300 bytes per document.
"""

import hashlib
import logging
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tagsmith.config import Engine
from tagsmith.datasets import files
from tagsmith.datasets.acousticbrainz import chunks, kept
from tagsmith.datasets.acousticbrainz.chunks import (
    CHUNK_DOCUMENTS,
    SHAPE,
    Chunk,
    Finished,
)
from tagsmith.datasets.acousticbrainz.kept import Kept, statistics
from tagsmith.datasets.acousticbrainz.placing import placed, release
from tagsmith.datasets.acousticbrainz.roots import (
    INDEX_FILE,
    STATISTICS_FILE,
    SUFFIX,
    Root,
    ids_of,
    listed,
    opened,
)
from tagsmith.engine import each
from tagsmith.errors import DataError
from tagsmith.store import atomic

__all__ = ["read", "statistics"]

logger = logging.getLogger(__name__)

UNFINISHED = "unfinished"  # folder of the chunks until the matrix is written
NUMBER = r"\d[\d.e+-]*"  # what may differ between problems of a kind
SHOWN = 3  # bad documents that a message names

Part = Chunk | Kept


def read(
    roots: Sequence[str],
    folder: Path,
    *,
    engine: Engine,
    wanted: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read documents into `statistics.npy` and `documents.parquet`.

    A document that cannot be read, or holds what cannot be, gets a problem instead of a
    row. Of a document that is there several times one is kept, if all say the same.

    Args:
        roots: Folders or addresses of `.json` files, however deep, or of what was read
            before.
        folder: Where the two files go; if they are of these documents, nothing is done.
        engine: Where documents are read.
        wanted: Ids of documents, the names of their files without `.json`; None: all.

    Returns:
        The index, a row per document by id; see `kept.COLUMNS`.

    Raises:
        DataError: No document is there, or wanted, or good; or a root is the folder
            that is written.
        MissingError: A root, or a package to read it, is not there.
    """
    _refuse_same(roots, folder)
    ids = None if wanted is None else pd.Index(list(wanted), dtype="str")
    parts = [part for root in roots for part in _parts(opened(root), folder, ids)]
    if not parts:
        raise _nothing(roots, ids)
    made_of = _made_of(parts)
    release()
    if kept.made_of(folder) == made_of:
        return kept.read_index(folder)
    _refuse_full(parts, folder)
    index = _written(_read(parts, engine), folder, roots)
    release()
    kept.write_index(folder, index, made_of=made_of)
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    _log(index, folder)
    return index


def summary(index: pd.DataFrame) -> str:
    """Say how many documents an index has, and how many are bad for which reason."""
    bad = index[index["problem"] != ""]
    lines = [f"{len(index):,} documents, {len(bad):,} of them bad"]
    kinds = bad["problem"].str.replace(NUMBER, "N", regex=True)
    for _, alike in sorted(bad.groupby(kinds), key=lambda item: -len(item[1])):
        first = alike.iloc[0]
        lines.append(f"  {len(alike):,} as {first['path']}, which {first['problem']}")
    return "\n".join(lines)


def _read(parts: list[Part], engine: Engine) -> list[Finished | Kept]:
    """Read what was not read yet; the parts themselves are let go."""
    todo = [p for p in parts if isinstance(p, Chunk) and not p.file.exists()]
    for _ in each(chunks.read, todo, engine, label="documents"):
        pass
    done = [p.finished() if isinstance(p, Chunk) else p for p in parts]
    parts.clear()
    return done


# --- what there is to read


def _parts(root: Root, folder: Path, wanted: pd.Index | None) -> Iterator[Part]:
    """Yield the documents of a root that are wanted, some at a time."""
    if root.holds(STATISTICS_FILE) and root.holds(INDEX_FILE):
        before = Kept(root, wanted)
        if len(before):
            yield before
        return
    found = listed(root)
    if wanted is not None:
        found = found[ids_of(found["path"]).isin(wanted)]
    found = found.sort_values("path", kind="stable", ignore_index=True)
    for start in range(0, len(found), CHUNK_DOCUMENTS):
        piece = found[start : start + CHUNK_DOCUMENTS]
        yield Chunk(root, piece, folder / UNFINISHED)


def _refuse_same(roots: Sequence[str], folder: Path) -> None:
    for root in roots:
        if "://" not in root and Path(root).resolve() == folder.resolve():
            raise DataError(
                f"documents are to be read from {root} and written there; name another "
                "folder to write to"
            )


def _nothing(roots: Sequence[str], wanted: pd.Index | None) -> DataError:
    where = ", ".join(roots)
    if wanted is None:
        return DataError(
            f"no documents: there is no {SUFFIX} file below {where}; name the folder "
            "or address that they lie below"
        )
    return DataError(
        f"none of the {len(wanted)} documents that are needed, such as "
        f"{', '.join(wanted[:SHOWN])}, lies below {where}; unpack the archives there "
        f"(each document is ID{SUFFIX}), or name where they are"
    )


def _made_of(parts: Sequence[Part]) -> str:
    return hashlib.sha256("".join(p.fingerprint for p in parts).encode()).hexdigest()


def _refuse_full(parts: Sequence[Part], folder: Path) -> None:
    """Refuse a disk that has no room for the matrix and, beside it, what was read."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = sum(map(len, parts))
    files.refuse_full(
        folder,
        2 * documents * 4 * int(np.prod(SHAPE)),
        purpose=f"for the statistics of {documents} documents",
        way_out="make room there, or let --out (or the store) be on another disk",
    )


# --- what was read


def _written(
    parts: Sequence[Finished | Kept], folder: Path, roots: Sequence[str]
) -> pd.DataFrame:
    """Write the matrix and return the index."""
    index, rows = placed(pa.concat_tables([part.index() for part in parts]))
    good = int(rows.max()) + 1
    if not good:
        _refuse_all(index, roots)
    of_parts = np.split(rows, np.cumsum([len(part) for part in parts])[:-1])
    (folder / INDEX_FILE).unlink(missing_ok=True)  # it is of another matrix
    with atomic(folder / STATISTICS_FILE) as temporary:
        matrix = np.lib.format.open_memmap(
            temporary, mode="w+", dtype="<f4", shape=(good, *SHAPE)
        )
        for part, own in zip(parts, of_parts, strict=True):
            part.copy(matrix, own)
        matrix.flush()
    return index


def _refuse_all(index: pd.DataFrame, roots: Sequence[str]) -> None:
    shown = index.head(SHOWN).itertuples(index=False)
    named = "; ".join(f"{row.path} {row.problem}" for row in shown)
    raise DataError(
        f"all {len(index)} documents below {', '.join(roots)} are bad: {named}; "
        "low-level documents of AcousticBrainz are expected"
    )


def _log(index: pd.DataFrame, folder: Path) -> None:
    bad = int((index["row"] < 0).sum())
    logger.info("documents: %d read into %s, %d of them bad", len(index), folder, bad)
