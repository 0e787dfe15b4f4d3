"""Who says what: the ground truths of all sources and splits as one long table."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from tagsmith.config import SPLITS, AcousticBrainzDataset, Engine, SplitName
from tagsmith.engine import gathered
from tagsmith.genrefiles import read_truth

File = tuple[str, SplitName, Path]  # whose it is, which split it describes, where


def read(config: AcousticBrainzDataset, *, engine: Engine) -> pd.DataFrame:
    """Read the ground truths that a data set names.

    Args:
        config: Names them. Where validation is halved, that of the test is not read.
        engine: Where they are read, a file at a time.

    Returns:
        A row per source, split, recording and label: `source`, `split`, `recording`,
        `release_group` and `label`, all categorical. `split` is ordered as `SPLITS`,
        the categories of `recording` and `release_group` are in alphabetical order.

    Raises:
        DataError: A file is not what it should be.
        MissingError: A file is not there.
    """
    named = list(files(config))
    tables = gathered(
        read_truth, [path for _, _, path in named], engine, label="ground truths"
    )
    sizes = [len(table) for table in tables]
    return pd.DataFrame(
        {
            "source": _repeated([s for s, _, _ in named], sizes, list(config.truth)),
            "split": _repeated([s for _, s, _ in named], sizes, SPLITS),
            **{
                name: _united([table[name] for table in tables])
                for name in ("recording", "release_group", "label")
            },
        }
    )


def files(config: AcousticBrainzDataset) -> Iterator[File]:
    """Yield the ground truths that count."""
    for source, truth in config.truth.items():
        for split in SPLITS:
            path: Path | None = getattr(truth, split)
            if path is not None and not (config.split == "halved" and split == "test"):
                yield source, split, path


def _repeated(
    names: Sequence[str], sizes: Sequence[int], categories: Sequence[str]
) -> pd.Series:
    codes = [categories.index(name) for name in names]
    index = pd.Index(list(categories), dtype="str")
    rows = np.repeat(codes, sizes)
    return pd.Series(pd.Categorical.from_codes(rows, index, ordered=True))


def _united(columns: list[pd.Series]) -> pd.Series:
    return pd.Series(union_categoricals(columns, sort_categories=True))
