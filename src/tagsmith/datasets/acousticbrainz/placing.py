"""Which row of the matrix each document gets, and which of several copies counts."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tagsmith.datasets.acousticbrainz.kept import COLUMNS

TWICE = "is there twice, with different statistics"


def placed(table: pa.Table) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Return one row per document, by id, and the row in the matrix of all there are.

    Column by column, so that what came and what is returned are never both in memory.
    """
    bad = pc.not_equal(table["problem"], "").to_numpy()
    order, again = _by_id(table["document"], bad)
    unequal = _unequal(table["sha256"], order, again & ~bad[order])[~again]
    firsts = order[~again]
    release()
    good = ~(bad[firsts] | unequal)
    rows = np.full(len(table), -1)
    rows[firsts] = np.where(good, np.cumsum(good) - 1, -1)
    columns = {"row": pd.Series(rows[firsts])}
    for name in table.column_names:
        columns[name] = table.column(name).take(firsts).to_pandas()
        table = table.drop_columns([name])
        release()
    index = pd.DataFrame(columns)[list(COLUMNS)]
    index["problem"] = index["problem"].mask(unequal, TWICE)
    index["sha256"] = index["sha256"].mask(unequal, "")
    return index, rows


def release() -> None:
    """Give back to the system what Arrow has freed: it keeps some for later."""
    pa.default_memory_pool().release_unused()


def _by_id(
    documents: pa.ChunkedArray, bad: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the order by id, good ones first, and where an id comes again in it."""
    keys = {"document": "ascending", "bad": "ascending"}
    table = pa.table({"document": documents, "bad": pa.array(bad.astype(np.int8))})
    sorted_ = pc.sort_indices(table, sort_keys=list(keys.items()))  # stable
    order: NDArray[np.intp] = sorted_.to_numpy().astype(np.intp)
    release()
    return order, _like_the_last(documents.take(order))


def _unequal(
    hashes: pa.ChunkedArray, order: NDArray[np.intp], again: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say of rows by id whose document is good elsewhere, with other statistics."""
    places = np.flatnonzero(again)
    one, last = (
        hashes.take(order[rows]).combine_chunks() for rows in (places, places - 1)
    )
    differ = pc.not_equal(one, last).to_numpy(zero_copy_only=False)
    document = np.cumsum(~again)
    return np.isin(document, document[places[differ]])


def _like_the_last(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    array = column.combine_chunks()
    same: NDArray[np.bool_] = pc.equal(array[1:], array[:-1]).to_numpy(
        zero_copy_only=False
    )
    return np.concatenate([[False], same])
