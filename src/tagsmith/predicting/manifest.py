"""Which tracks are scored: a table, a list of paths, or a folder of audio.

    table.csv, .tsv, .parquet   a column `path`, and `track_id` if others are wanted
    list.txt                    a path a line; empty lines and those of `#` are left out
    a folder                    its audio, however deep

Paths are relative to the manifest's folder, or absolute. A track's id is its path
without the suffix, where nobody says another; the manifest that a data set was made
from will do.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import pandas as pd
import soundfile

from tagsmith.errors import DataError, MissingError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
PARQUET, LIST = ".parquet", ".txt"
SHOWN = 3  # mistakes that a message quotes
EXTRA = {"MP3", "OPUS", "AIF", "OGA"}  # suffixes of audio that name no format


@dataclass(frozen=True)
class Track:
    """One track to score.

    Attributes:
        track_id: Unique in the manifest.
        path: As the manifest has it.
        file: Where it is, absolute.
        stamp: Size in bytes and time of change in ns; empty if it is not there.
    """

    track_id: str
    path: str
    file: Path
    stamp: tuple[int, ...]


def read(manifest: Path) -> list[Track]:
    """Read and check a manifest.

    Raises:
        DataError: It cannot be read, lists nothing, or lists a track twice.
        MissingError: It is not there, or none of its files is.
    """
    root = (manifest if manifest.is_dir() else manifest.parent).absolute()
    rows = list(_rows(manifest))
    if not rows:
        raise DataError(f"{manifest} lists no tracks")
    _check(manifest, rows)
    tracks = [
        Track(name, path, root / path, _stamp(root / path)) for name, path in rows
    ]
    if not any(track.stamp for track in tracks):
        raise MissingError(
            f"{manifest}: none of its {len(tracks)} files is there, such as "
            f"{tracks[0].file}; paths are relative to {root}, or absolute"
        )
    return tracks


def _rows(manifest: Path) -> Iterator[tuple[str, str]]:
    """Yield the tracks' ids and paths."""
    if manifest.is_dir():
        paths = _audio(manifest)
    elif not manifest.is_file():
        raise MissingError(
            f"{manifest} is not there; expected a table, a list of paths or a folder"
        )
    elif manifest.suffix == LIST:
        paths = _lines(manifest)
    else:
        yield from _table(manifest)
        return
    yield from ((_named(path), path) for path in paths)


def _named(path: str) -> str:
    return PurePath(path).with_suffix("").as_posix()


def _audio(folder: Path) -> Iterator[str]:
    known = {
        f".{name.lower()}" for name in soundfile.available_formats().keys() | EXTRA
    }
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in known:
                yield Path(here, name).relative_to(folder).as_posix()


def _lines(manifest: Path) -> Iterator[str]:
    try:
        lines = manifest.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{manifest} is not a list of paths in UTF-8: {error}"
        ) from error
    stripped = (line.strip() for line in lines)
    yield from (line for line in stripped if line and not line.startswith("#"))


def _table(manifest: Path) -> Iterator[tuple[str, str]]:
    table = _cells(manifest)
    if "path" not in table:
        raise DataError(
            f"{manifest} has no column 'path'; it needs path, may have track_id, and "
            f"has {list(table)}"
        )
    empty = [number for number, path in enumerate(table["path"], start=1) if not path]
    if empty:
        raise DataError(f"{manifest}: track {empty[0]} has no path")
    names = table["track_id"] if "track_id" in table else table["path"].map(_named)
    yield from zip(names, table["path"], strict=True)


def _cells(manifest: Path) -> pd.DataFrame:
    """Return a table as stripped text."""
    separator = SEPARATORS.get(manifest.suffix)
    if separator is None and manifest.suffix != PARQUET:
        raise DataError(
            f"{manifest} is no manifest: expected a table ({', '.join(SEPARATORS)}, "
            f"{PARQUET}), a list of paths ({LIST}) or a folder"
        )
    try:
        table = _parquet(manifest) if separator is None else _text(manifest, separator)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{manifest} cannot be read as a {manifest.suffix} table in UTF-8: {error}"
        ) from error
    return pd.DataFrame(
        {str(name).strip(): values.str.strip() for name, values in table.items()}
    )


def _text(manifest: Path, separator: str) -> pd.DataFrame:
    return pd.read_csv(
        manifest,
        sep=separator,
        dtype="str",
        keep_default_na=False,
        encoding="utf-8-sig",
        index_col=False,
    )


def _parquet(manifest: Path) -> pd.DataFrame:
    table = pd.read_parquet(manifest)
    if table.index.name is not None:  # as in tables that `predict` writes
        table = table.reset_index()
    return table.astype(object).where(table.notna(), "").astype("str")


def _check(manifest: Path, rows: list[tuple[str, str]]) -> None:
    ids = pd.Series([track_id for track_id, _ in rows], dtype="str")
    if (ids == "").any():
        raise DataError(
            f"{manifest}: {rows[int((ids == '').argmax())][1]} has no track_id"
        )
    repeated = ids[ids.duplicated()].unique()
    if len(repeated):
        more = f" and {len(repeated) - SHOWN} more" if len(repeated) > SHOWN else ""
        raise DataError(
            f"{manifest} lists {', '.join(repeated[:SHOWN])}{more} more than once; "
            "give each track a track_id of its own"
        )


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except (OSError, ValueError):  # not there, or no possible name; said of the track
        return ()
    return found.st_size, found.st_mtime_ns
