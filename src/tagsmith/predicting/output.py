"""What batch prediction leaves: scores, decisions if they are asked for, and failures.

    scores.parquet             index `track_id`, a float32 column per tag
    scores_decisions.parquet   the same shape, booleans
    scores_failed.csv          track_id, path, reason; not there if none failed

The schema says which model made them. However many tracks there are, some thousands
are in memory at once.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from tagsmith.predicting import shards
from tagsmith.predicting.shards import Failure, Shard
from tagsmith.store import atomic

GROUP_SHARDS = 1024  # whose rows are a row group of the output


def decisions_path(out: Path) -> Path:
    """Return where decisions go that belong to scores."""
    return out.with_name(f"{out.stem}_decisions.parquet")


def failed_path(out: Path) -> Path:
    """Return where it is said which tracks have no scores."""
    return out.with_name(f"{out.stem}_failed.csv")


def write_scores(plan: Sequence[Shard], path: Path, told: Mapping[str, object]) -> None:
    """Put finished shards together in the manifest's order; the schema says `told`."""
    groups = (plan[at:][:GROUP_SHARDS] for at in range(0, len(plan), GROUP_SHARDS))
    frames = (pd.concat(map(shards.read_scores, group)) for group in groups)
    _write(frames, path, told)


def write_decisions(
    scores: Path, path: Path, decide: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """Decide by scores that are written, some thousand tracks at a time."""
    with pq.ParquetFile(scores) as file:
        groups = map(file.read_row_group, range(file.num_row_groups))
        frames = (decide(group.to_pandas()) for group in groups)
        _write(frames, path, shards.told(scores))


def _write(
    frames: Iterable[pd.DataFrame], path: Path, told: Mapping[str, object]
) -> None:
    with atomic(path) as temporary, ExitStack() as stack:
        writer = None
        for frame in frames:
            table = shards.described(frame, told)
            if writer is None:
                opened = pq.ParquetWriter(temporary, table.schema)
                writer = stack.enter_context(opened)
            writer.write_table(table)


def write_failures(failures: Iterable[Failure], path: Path) -> int:
    """Write which tracks failed, and return how many; without any there is no file."""
    rows = list(failures)
    if not rows:
        path.unlink(missing_ok=True)
        return 0
    with (
        atomic(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as f,
    ):
        writer = csv.writer(f)
        writer.writerow(Failure._fields)
        writer.writerows(rows)
    return len(rows)


def read_failures(path: Path) -> pd.DataFrame:
    """Return the failed tracks: `track_id`, `path`, `reason`."""
    if not path.exists():
        return pd.DataFrame(columns=list(Failure._fields), dtype="str")
    return pd.read_csv(path, dtype="str", keep_default_na=False)
