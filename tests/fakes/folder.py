"""Writers of somebody's own music: a folder of audio beside a manifest."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tagsmith.config import FolderDataset, Params, SplitShares
from tests.conftest import ROOT
from tests.fakes import audio

SHARES = SplitShares(train=0.5, validation=0.25, test=0.25)
Row = Mapping[str, object]


def rows(tracks: int = 12, *, suffix: str = "wav") -> list[dict[str, object]]:
    """Describe tracks of as many artists, in three folders, with given splits."""
    splits = ("train", "train", "validation", "test")
    return [
        {
            "path": f"album{number % 3}/track{number:02d}.{suffix}",
            "tags": "low|tone" if number // 4 % 2 else "high|tone",
            "artist": f"artist{number:02d}",
            "split": splits[number % 4],
        }
        for number in range(tracks)
    ]


def write(folder: Path, described: Sequence[Row], *, seconds: float = 1) -> Path:
    """Write `music/`, a different sound for each path, and return `manifest.csv`."""
    for number, row in enumerate(described):
        path = folder / "music" / str(row["path"])
        hz = 300 + 5 * number
        audio.write(path, audio.chord(hz, 1.5 * hz, seconds=seconds))
    return manifest(folder, described)


def manifest(folder: Path, described: Sequence[Row]) -> Path:
    """Write `manifest.csv` and return its path."""
    path = folder / "manifest.csv"
    columns = dict.fromkeys(name for row in described for name in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(described)
    return path


def config(folder: Path, path: Path | None = None) -> FolderDataset:
    """Return the section of params.yaml for such a folder."""
    return FolderDataset(
        kind="folder",
        manifest=path or folder / "manifest.csv",
        root=folder / "music",
        shares=SHARES,
    )


def params(folder: Path, overrides: Mapping[str, Any] | None = None) -> Params:
    """Return an experiment on such a folder: the default one, on one core."""
    return Params.load(
        ROOT / "params.yaml",
        {
            "dataset": config(folder).model_dump(mode="json"),
            "engine.workers": 1,
            "zeroshot.withheld": [],
            **(overrides or {}),
        },
    )
