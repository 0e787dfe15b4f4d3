"""Every path and file format below `data/`; a file appears whole or not at all.

Layout (one folder per kind of thing, not per stage):

    raw/                        the audio as it came
    tables/<name>.parquet       tracks, annotations, withheld, genres, quarantine
    wavs/                       mono wavs at the rate that the models hear
    features/<feature>/         memory-mappable shards, index.parquet, meta.json
    vectors/<source>/           what words mean, as numbers
    models/<model>/             weights, history, statistics
    scores/<model>/<split>.parquet  a `track_id` index and one float32 column per tag
    thresholds/<model>.tsv      tag, threshold
    fusion/                     how the ensemble weighs its members
        scores/, thresholds/    of `ensemble` and `groups/<name>`, as the models' are
    genres/<model>/<source>/    what is submitted where several sources have tags
    reports/                    metrics, plots, data docs, the page

A run with overrides writes below its own root and reads what it lacks from `data/`.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import ENSEMBLE, GROUPS, SplitName
from tagsmith.core import truth
from tagsmith.errors import DataError, MissingError

TRACK_COLUMNS = (
    "track_id",  # unique name of the track
    "path",  # POSIX path below raw/
    "sha256",  # of the file's bytes
    "declared_seconds",  # what the header, or the manifest, promises
    "decoded_seconds",  # what decoding yields
    "sample_rate_hz",
    "channels",
    "rms_db",  # level of the decoded audio, dB of full scale
    "artist",
    "album",
    "recording",  # what the track was cut from; artist, album and it may be empty
    "group",  # what may never straddle splits: tune, artist, album, recording or file
    "licence",
    "split",
    "problem",  # why the file could not be read; empty where it could
)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary file to write; it becomes `path` only if nothing was raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, tree: object) -> None:
    """Write indented JSON with sorted keys, so that equal trees are equal bytes."""
    write_text(path, json.dumps(tree, indent=2, sort_keys=True) + "\n")


@dataclass(frozen=True)
class Store:
    """The files of one experiment.

    Attributes:
        root: Where everything is written.
        source: Where it is read from if `root` does not have it; None for nowhere.
        scratch: Where unfinished work lies between a crash and the run that resumes it.
    """

    root: Path
    source: Path | None = None
    scratch: Path = Path(".tagsmith")

    def place(self, *parts: str) -> Path:
        """Return where to write `parts`."""
        return self.root.joinpath(*parts)

    def find(self, *parts: str, made_by: str) -> Path:
        """Return where `parts` lie.

        Raises:
            MissingError: They are nowhere; the message names the stage that makes them.
        """
        for root in (self.root, self.source):
            if root is not None and root.joinpath(*parts).exists():
                return root.joinpath(*parts)
        raise MissingError(
            f"{self.root.joinpath(*parts)} is not there; `dvc repro {made_by}` makes it"
        )

    def empty(self, *parts: str) -> Path:
        """Return a new, empty folder at `parts`; what lay there is gone."""
        folder = self.place(*parts)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    # --- tables

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write `tables/<name>.parquet`."""
        with atomic(self.place("tables", f"{name}.parquet")) as temporary:
            table.to_parquet(temporary, index=False)

    def read_table(self, name: str, *, made_by: str = "ingest") -> pd.DataFrame:
        """Read `tables/<name>.parquet`."""
        return pd.read_parquet(self.find("tables", f"{name}.parquet", made_by=made_by))

    def read_tracks(self, *, elsewhere: bool = False) -> pd.DataFrame:
        """Return the tracks that passed validation, by track id, indexed by it.

        Args:
            elsewhere: With the tracks that have no tag of the data set's, because only
                other sources know them.
        """
        tracks = self.read_table("tracks")
        ids = pd.Index(tracks["track_id"])
        quarantine = self.read_table("quarantine", made_by="validate")
        kept = ~truth.known(ids, quarantine["track_id"])
        others = self.read_table("genres")["track_id"]
        if not elsewhere and len(others):
            own = self.read_known_annotations()["track_id"]
            kept &= truth.known(ids, own) | ~truth.known(ids, others)
        tracks = tracks[kept]
        return tracks.sort_values("track_id").set_index("track_id")

    def read_tags(self) -> list[str]:
        """Return the data set's tags in alphabetical order: the columns of scores."""
        return sorted(self.read_table("annotations")["tag"].unique())

    def read_truth(self, split: SplitName) -> pd.DataFrame:
        """Return which tags the tracks of a split have.

        Returns:
            Booleans `(tracks, tags)`, both in alphabetical order, indexed by track id.
        """
        return self._truth(self.read_table("annotations"), split)

    def read_known(self, split: SplitName | None = None) -> pd.DataFrame:
        """Return which tags tracks have, those among them that no tagger learns.

        Returns:
            As `read_truth`; without a split, of all tracks that passed validation.
        """
        return self._truth(self.read_known_annotations(), split)

    def read_known_annotations(self) -> pd.DataFrame:
        """Return `annotations` and, behind them, `withheld`."""
        tables = [self.read_table(name) for name in ("annotations", "withheld")]
        return pd.concat(tables, ignore_index=True)

    def _truth(self, said: pd.DataFrame, split: SplitName | None) -> pd.DataFrame:
        tracks = self.read_tracks()
        if split is not None:
            tracks = tracks[tracks["split"] == split]
        return truth.table(said, tracks.index, sorted(said["tag"].unique()))

    # --- scores and thresholds

    def write_scores(self, model: str, split: SplitName, scores: pd.DataFrame) -> None:
        """Write a model's `(tracks, tags)` scores of a split, indexed by track id."""
        with atomic(self.place(*scores_parts(model, split))) as temporary:
            scores.astype(np.float32).to_parquet(temporary)

    def read_scores(self, model: str, split: SplitName) -> pd.DataFrame:
        """Read a model's scores of a split in the order of `read_truth`.

        Raises:
            DataError: They cover other tracks or tags than the tables, or hold NaN.
        """
        made_by = "fuse" if _is_fused(model) else "train"
        path = self.find(*scores_parts(model, split), made_by=made_by)
        scores = pd.read_parquet(path)
        tracks = self.read_tracks()
        wanted = tracks.index[tracks["split"] == split]
        same = len(scores) == len(wanted) and set(scores.index) == set(wanted)
        if not same or list(scores.columns) != self.read_tags():
            raise DataError(
                f"{path} has scores of {scores.shape[0]} tracks and {scores.shape[1]} "
                f"tags, the tables have {len(wanted)} and {len(self.read_tags())}; "
                f"run `dvc repro {made_by}` to make them again"
            )
        if scores.isna().to_numpy().any():
            raise DataError(f"{path} holds NaN scores; train {model} again")
        return scores.loc[wanted]

    def scored(self) -> set[str]:
        """Return the systems whose scores `root` itself holds."""
        folders = [self.root / "scores", self.root / "fusion" / "scores"]
        return {
            path.parent.relative_to(folder).as_posix()
            for folder in folders
            for path in folder.rglob("*.parquet")
        }

    def write_thresholds(self, model: str, thresholds: Mapping[str, float]) -> None:
        """Write a model's thresholds by tag."""
        lines = [f"{tag}\t{float(value)!r}\n" for tag, value in thresholds.items()]
        write_text(self.place(*_thresholds(model)), "".join(lines))

    def read_thresholds(self, model: str) -> dict[str, float]:
        """Read a model's thresholds by tag."""
        text = self.find_thresholds(model).read_text("utf-8")
        pairs = (line.split("\t") for line in text.splitlines())
        return {tag: float(value) for tag, value in pairs}

    def find_thresholds(self, model: str) -> Path:
        """Return where a model's thresholds lie."""
        made_by = "fuse" if _is_fused(model) else "calibrate"
        return self.find(*_thresholds(model), made_by=made_by)

    # --- reports

    def write_report(self, name: str, tree: Mapping[str, Any]) -> None:
        """Write `reports/<name>.json`."""
        write_json(self.place("reports", f"{name}.json"), tree)

    def read_report(self, name: str, *, made_by: str) -> dict[str, Any]:
        """Read `reports/<name>.json`."""
        path = self.find("reports", f"{name}.json", made_by=made_by)
        tree: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return tree


def _is_fused(system: str) -> bool:
    return system == ENSEMBLE or system.startswith(f"{GROUPS}/")


def scores_parts(system: str, split: SplitName) -> tuple[str, ...]:
    """Return where a system's scores of a split lie below a store."""
    return (*_folder(system), "scores", system, f"{split}.parquet")


def _thresholds(system: str) -> tuple[str, ...]:
    return (*_folder(system), "thresholds", f"{system}.tsv")


def _folder(system: str) -> tuple[str, ...]:
    # What is fused is one stage's, the models' scores are many stages'.
    return ("fusion",) if _is_fused(system) else ()


Scores = NDArray[np.floating[Any]]
