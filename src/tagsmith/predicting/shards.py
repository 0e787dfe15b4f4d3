"""A shard of scores: a Parquet file that is there whole or not at all.

Its schema says what it was made of, and which tracks failed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import tagsmith
from tagsmith.predicting.manifest import Track
from tagsmith.store import atomic

TRACKS = 32  # of a shard: some seconds of work, and a batch for a network
KEY = b"tagsmith"


class Failure(NamedTuple):
    """A track without scores."""

    track_id: str
    path: str
    reason: str


@dataclass(frozen=True)
class Shard:
    """One unit of work: everything that a worker on any machine needs.

    Attributes:
        number: From 0.
        tracks: In the manifest's order.
        file: Where its scores go, absolute.
        fingerprint: Of the bundle and the tracks.
    """

    number: int
    tracks: tuple[Track, ...]
    file: Path
    fingerprint: str

    @property
    def is_finished(self) -> bool:
        """Whether its file is there, made of the same."""
        if not self.file.is_file():
            return False
        return bool(told(self.file)["fingerprint"] == self.fingerprint)


def plan(tracks: Sequence[Track], folder: Path, bundle_sha256: str) -> Iterator[Shard]:
    """Yield the shards of a manifest; their files go into a folder."""
    for number, start in enumerate(range(0, len(tracks), TRACKS)):
        some = tuple(tracks[start : start + TRACKS])
        made_of = fingerprint(some, bundle_sha256)
        yield Shard(number, some, folder / f"shard-{number:07d}.parquet", made_of)


def fingerprint(tracks: Sequence[Track], bundle_sha256: str) -> str:
    """Return what tells the scores of some tracks from others'."""
    stamps = [[each.track_id, str(each.file), each.stamp] for each in tracks]
    text = json.dumps([tagsmith.__version__, bundle_sha256, stamps])
    return hashlib.sha256(text.encode()).hexdigest()


def write(
    shard: Shard,
    scores: Mapping[str, NDArray[np.float32]],
    failures: Sequence[Failure],
    tags: Sequence[str],
) -> None:
    """Write the scores `(tags,)` of a shard's tracks, and why others have none."""
    rows = np.stack([*scores.values()]) if scores else np.zeros((0, len(tags)))
    index = pd.Index(list(scores), dtype="str", name="track_id")
    frame = pd.DataFrame(rows.astype(np.float32), index, list(tags))
    told = {"fingerprint": shard.fingerprint, "failures": failures}
    with atomic(shard.file) as temporary:
        pq.write_table(described(frame, told), temporary)


def described(frame: pd.DataFrame, told: Mapping[str, object]) -> pa.Table:
    """Return a frame as Arrow's table, with something said in its schema."""
    table = pa.Table.from_pandas(frame)
    said = {**(table.schema.metadata or {}), KEY: json.dumps(told).encode()}
    return table.replace_schema_metadata(said)


def read_scores(shard: Shard) -> pd.DataFrame:
    """Read the scores of a finished shard, `(tracks, tags)` by track id."""
    return pd.read_parquet(shard.file)


def read_failures(shard: Shard) -> list[Failure]:
    """Read which tracks of a finished shard have no scores."""
    return [Failure(*each) for each in told(shard.file)["failures"]]


def told(path: Path) -> dict[str, Any]:
    """Read what `described` said in the schema of a Parquet file; empty if nothing."""
    metadata = pq.read_schema(path).metadata or {}
    said: dict[str, Any] = json.loads(metadata.get(KEY, b"{}"))
    return said
