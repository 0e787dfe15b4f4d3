"""Tables, names, licences and audio become a listing."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from tagsmith.config import SPLITS, JamendoDataset
from tagsmith.datasets import files
from tagsmith.datasets.jamendo import details, fetch, manifests, tables
from tagsmith.datasets.jamendo.tables import Row
from tagsmith.datasets.listing import Listing
from tagsmith.errors import DataError

logger = logging.getLogger(__name__)


def listing(config: JamendoDataset, raw: Path, *, workers: int) -> Listing:
    """Return the data set of a subset and split, after bringing its audio.

    Artist and album are the published ids, after their names where those are known;
    the artist is the group. Audio is hard-linked into `raw`, as 152 or 508 GB are not
    kept twice: do not edit your files in place afterwards. It is copied where the
    filesystem allows no links.

    The publisher's splits are kept but for one thing: a file that is in several of them
    under different ids (bit by bit the same, by the publisher's checksums) stays in
    the last of train, validation, test, and the log counts what is left out.

    Args:
        config: Which tables, where the audio is, and what to fetch of it.
        raw: Where the audio goes.
        workers: Files brought at a time; -1 lets Python choose.

    Raises:
        DataError: A table is not what it should be (file and line are named), a path
            leads out of the folder of audio, or that lies in `raw`.
        MissingError: Tables or audio are not there, or cannot be fetched.
    """
    files.refuse_raw(raw, metadata=config.metadata, audio=config.audio)
    rows = tables.read(config.metadata, config.subset, config.split)
    _refuse_outside(rows, config.audio)
    kind = _kind(rows, config)
    if kind == "audio-low":
        rows = [replace(row, path=low(row.path)) for row in rows]
    rows = _without_leaks(rows, config, kind)
    if config.fetch != "none":
        fetch.fetch(config, _missing(rows, config.audio))
    files.refuse_missing(
        _missing(rows, config.audio),
        len(rows),
        config.audio,
        way_out="put them there, set dataset.fetch to audio or audio-low (now "
        f"{config.fetch}), or leave their rows out of the tables in {config.metadata}",
    )
    paths = [row.path for row in rows]
    brought = files.link_all(paths, config.audio, raw, workers=workers)
    logger.info("jamendo: %d tracks, %d of them new in %s", len(rows), brought, raw)
    return Listing(_tracks(rows, config.metadata), _annotations(rows))


def low(path: str) -> str:
    """Return the path of a track in audio-low: `24/3524.low.mp3` of `24/3524.mp3`."""
    return str(PurePosixPath(path).with_suffix(".low.mp3"))


# --- audio


def _kind(rows: Sequence[Row], config: JamendoDataset) -> str:
    """Say which audio is meant; where nothing is fetched, that which is there."""
    if config.fetch != "none":
        return config.fetch
    paths = [row.path for row in rows]
    only_low = not _any_there(paths, config.audio) and _any_there(
        map(low, paths), config.audio
    )
    return "audio-low" if only_low else "audio"


def _any_there(paths: Iterable[str], audio: Path) -> bool:
    return any(files.is_file(audio / path) for path in paths)


def _missing(rows: Iterable[Row], audio: Path) -> list[str]:
    return [row.path for row in rows if not files.is_file(audio / row.path)]


def _refuse_outside(rows: Iterable[Row], audio: Path) -> None:
    for row in rows:
        if files.leads_outside(row.path, audio):
            raise DataError(
                f"{row.place} leads outside {audio}: {row.path!r} (a PATH is relative "
                "to dataset.audio)"
            )


# --- the same file twice


def _without_leaks(rows: list[Row], config: JamendoDataset, kind: str) -> list[Row]:
    """Leave out the tracks whose very file is in a later split too."""
    if not manifests.path(config.metadata, config.subset, kind, "tracks").is_file():
        return rows  # the stage `validate` will tell, from the files
    checksums = manifests.tracks(config.metadata, config.subset, kind)
    last: dict[str, int] = {}
    for row in rows:
        file = checksums.get(row.path, row.path)
        last[file] = max(last.get(file, 0), SPLITS.index(row.split))
    kept = [
        row
        for row in rows
        if SPLITS.index(row.split) == last[checksums.get(row.path, row.path)]
    ]
    if len(kept) < len(rows):
        logger.warning(
            "jamendo: %d tracks are left out: their file is in a later split too: %s",
            len(rows) - len(kept),
            ", ".join(sorted({r.track_id for r in rows} - {r.track_id for r in kept})),
        )
    return kept


# --- what is said of the tracks


def _tracks(rows: Sequence[Row], metadata: Path) -> pd.DataFrame:
    names = details.names(metadata)
    licences = {
        PurePosixPath(path).name.split(".")[0]: licence
        for path, licence in details.licences(metadata).items()
    }
    return pd.DataFrame(_track(row, names.get(row.track_id), licences) for row in rows)


def _track(
    row: Row, names: details.Names | None, licences: Mapping[str, str]
) -> dict[str, object]:
    number = PurePosixPath(row.path).name.split(".")[0]
    return {
        "track_id": row.track_id,
        "path": str(PurePosixPath(row.path)),
        "declared_seconds": row.declared_seconds,
        "artist": _labelled(names and names.artist, row.artist_id),
        "album": _labelled(names and names.album, row.album_id),
        "recording": "",  # tracks are whole
        "group": row.artist_id,
        "licence": licences.get(number, ""),
        "split": row.split,
    }


def _labelled(name: str | None, identifier: str) -> str:
    return f"{name} ({identifier})" if name else identifier


def _annotations(rows: Iterable[Row]) -> pd.DataFrame:
    pairs = [(row.track_id, tag) for row in rows for tag in row.tags]
    names = tables.tag_names(tag for _, tag in pairs)
    return pd.DataFrame(
        [(track_id, names[tag]) for track_id, tag in pairs],
        columns=["track_id", "tag"],
    )
