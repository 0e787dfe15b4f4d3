"""A feature store: memory-mappable shards, an index, and the parameters that made them.

    meta.json              the feature's section of params.yaml
    index.parquet          track_id, shard, start, frames, lowest, highest; by track id
    shard-00000.npy        (frames of its tracks one after another, bands), float16 | 32
    shard-00000.json       a fingerprint of parameters and sources, and its index rows

A shard is written whole or not at all and depends on no other; one whose fingerprint is
right is not made again. Readers map shards into memory and never load the whole.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError
from tagsmith.store import atomic, write_json

Frames = NDArray[np.floating[Any]]

INDEX_COLUMNS = ("track_id", "shard", "start", "frames", "lowest", "highest")


@dataclass(frozen=True)
class Features:
    """The features of a data set, read a track at a time."""

    folder: Path

    @cached_property
    def index(self) -> pd.DataFrame:
        """Where each track lies: `shard`, `start`, `frames`, by track id."""
        path = self.folder / "index.parquet"
        if not path.exists():
            raise MissingError(f"{path} is not there; `dvc repro extract` makes it")
        return pd.read_parquet(path).set_index("track_id")

    def track(self, track_id: str) -> Frames:
        """Map one track's `(frames, bands)` into memory.

        Raises:
            DataError: The store does not know the track.
        """
        return self.tracks([track_id])[0]

    def tracks(self, track_ids: Sequence[str] | pd.Index) -> "Tracks":
        """Return the features of tracks, in their order; each is read when it is used.

        Raises:
            DataError: The store does not know a track.
        """
        places = self.index.index.get_indexer(pd.Index(track_ids))
        if (places < 0).any():
            first = track_ids[int((places < 0).argmax())]
            raise DataError(
                f"{self.folder} has no features of track {first!r}; "
                "`dvc repro extract` brings it up to date"
            )
        columns = self.index[["shard", "start", "frames"]].to_numpy()[places]
        return Tracks(self._shard, columns)

    @cached_property
    def _shards(self) -> dict[int, Frames]:
        return {}

    def _shard(self, shard: int) -> Frames:
        if shard not in self._shards:
            path = shard_path(self.folder, shard)
            self._shards[shard] = np.load(path, mmap_mode="r", allow_pickle=False)
        return self._shards[shard]


@dataclass(frozen=True)
class Tracks(Sequence[Frames]):
    """The features of some tracks, mapped into memory one by one."""

    shard: Callable[[int], Frames]
    places: NDArray[np.int_]  # (tracks, 3): shard, start, frames

    def __len__(self) -> int:
        """Return how many tracks there are."""
        return len(self.places)

    @overload
    def __getitem__(self, which: int) -> Frames: ...
    @overload
    def __getitem__(self, which: slice) -> "Tracks": ...
    def __getitem__(self, which: int | slice) -> "Frames | Tracks":
        """Return a track's `(frames, bands)`, or some of the tracks."""
        if isinstance(which, slice):
            return Tracks(self.shard, self.places[which])
        shard, start, frames = self.places[which]
        return self.shard(int(shard))[start : start + frames]


def shard_path(folder: Path, shard: int) -> Path:
    """Return where a shard lies."""
    return folder / f"shard-{shard:05d}.npy"


def fingerprint(feature: dict[str, Any], sources: Sequence[str]) -> str:
    """Return what tells one shard's content from another's.

    Args:
        feature: The feature's parameters.
        sources: What identifies each source in the shard, in its order.
    """
    text = json.dumps([feature, list(sources)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_finished(folder: Path, shard: int, print_: str) -> bool:
    """Whether a shard with this fingerprint is there."""
    sidecar = shard_path(folder, shard).with_suffix(".json")
    if not sidecar.exists() or not shard_path(folder, shard).exists():
        return False
    return bool(json.loads(sidecar.read_text("utf-8"))["fingerprint"] == print_)


def write_shard(
    folder: Path,
    shard: int,
    print_: str,
    tracks: Mapping[str, Frames],
    *,
    precision: str = "float16",
) -> None:
    """Write the features of some tracks, `(frames, bands)` each, as one shard."""
    path = shard_path(folder, shard)
    path.with_suffix(".json").unlink(missing_ok=True)  # it vouches for the old content
    with atomic(path) as temporary:
        np.save(temporary, np.concatenate(list(tracks.values())).astype(precision))
    starts = np.cumsum([0, *(len(values) for values in tracks.values())])
    rows = [
        [track_id, shard, int(start), len(values), *_extremes(values)]
        for (track_id, values), start in zip(tracks.items(), starts, strict=False)
    ]
    write_json(path.with_suffix(".json"), {"fingerprint": print_, "rows": rows})


def write_index(folder: Path, feature: dict[str, Any], *, shards: int) -> pd.DataFrame:
    """Gather the shards' rows into the index; shards beyond the last are removed.

    Returns:
        The index, one row per track, by track id.
    """
    rows: list[list[Any]] = []
    for shard in range(shards):
        sidecar = shard_path(folder, shard).with_suffix(".json")
        rows += json.loads(sidecar.read_text("utf-8"))["rows"]
    index = pd.DataFrame(rows, columns=list(INDEX_COLUMNS)).sort_values("track_id")
    with atomic(folder / "index.parquet") as temporary:
        index.to_parquet(temporary, index=False)
    write_json(folder / "meta.json", feature)
    for path in folder.glob("shard-*.*"):
        if int(path.stem.removeprefix("shard-")) >= shards:
            path.unlink()
    return index


def _extremes(values: Frames) -> tuple[float, float]:
    return round(float(values.min()), 3), round(float(values.max()), 3)
