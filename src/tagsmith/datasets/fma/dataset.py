"""Tracks, genres and audio become a listing."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tagsmith import openmic
from tagsmith.config import SPLITS, FmaDataset, SplitShares
from tagsmith.core import splits
from tagsmith.datasets import files
from tagsmith.datasets.fma import genres, tracks
from tagsmith.datasets.fma.tracks import Row
from tagsmith.datasets.listing import Listing
from tagsmith.errors import DataError

logger = logging.getLogger(__name__)

CHECKSUMS = "checksums"  # beside the audio, as the publisher's archives have it


def listing(config: FmaDataset, raw: Path, *, seed: int, workers: int) -> Listing:
    """Return the tracks of a subset and their genres, after bringing their audio.

    Tracks without a genre of the kind that counts are left out, and the log says how
    many. Artist and album are names and the publisher's numbers; the artist is the
    group. Audio is hard-linked into `raw`: do not edit your files in place afterwards.
    A file that is in several splits under different numbers (bit by bit the same, by
    the publisher's checksums) stays in the last of train, validation, test.

    Args:
        config: Which tracks and genres, where everything is, and how it is split.
        raw: Where the audio goes.
        seed: Of splits that are dealt.
        workers: Files brought at a time; -1 lets Python choose.

    Raises:
        DataError: A table is not what it should be (file and line are named), no track
            is left, a link leads out of the folder of audio, or something of the data
            set lies in `raw`.
        MissingError: Tables or audio are not there.
    """
    openmics = {} if config.openmic is None else {"openmic": config.openmic}
    files.refuse_raw(raw, metadata=config.metadata, audio=config.audio, **openmics)
    titles = genres.read(config.metadata)
    rows = tracks.read(
        config.metadata, titles, subset=config.subset, kind=config.genres
    )
    rows = _without_rare(_chosen(rows, config), config.least_artists)
    annotations = _annotations(rows, genres.tag_names(titles))
    table = _table(rows)
    if config.split == "artist":
        table["split"] = _dealt(table, annotations, config.shares, seed=seed)
    table = _without_leaks(table, config.audio)
    _refuse_absent(table["path"].tolist(), config)
    brought = files.link_all(table["path"], config.audio, raw, workers=workers)
    logger.info("fma: %d tracks, %d of them new in %s", len(table), brought, raw)
    kept = annotations["track_id"].isin(table["track_id"])
    return Listing(table, annotations[kept])


# --- which tracks


def _chosen(rows: Sequence[Row], config: FmaDataset) -> list[Row]:
    """Leave out what is in no clip of OpenMIC-2018, if that counts, or has no genre."""
    found = len(rows)
    if config.openmic is not None:
        heard = set(openmic.track_ids(config.openmic))
        rows = [row for row in rows if row.track_id in heard]
        logger.info("fma: %d of %d tracks are in OpenMIC-2018", len(rows), found)
    kept = [row for row in rows if row.genres]
    if not kept:
        raise DataError(
            f"none of the {len(rows)} tracks that dataset.subset ({config.subset}) and "
            f"dataset.openmic ({config.openmic}) leave has a genre (dataset.genres: "
            f"{config.genres}); choose a larger subset or other genres"
        )
    if len(kept) < len(rows):
        logger.info(
            "fma: %d of %d tracks are left out: they have no genre (%s)",
            len(rows) - len(kept),
            len(rows),
            config.genres,
        )
    return kept


def _without_rare(rows: Sequence[Row], least: int) -> list[Row]:
    """Leave out genres of too few artists, and tracks that then have none."""
    artists: dict[int, set[str]] = {}
    for row in rows:
        for genre in row.genres:
            artists.setdefault(genre, set()).add(row.artist_id)
    kept = {genre for genre, those in artists.items() if len(those) >= least}
    if not kept:
        raise DataError(
            f"no genre has dataset.least_artists ({least}) artists or more, the most "
            f"have {max(map(len, artists.values()))}; lower it"
        )
    genres_of = [tuple(g for g in row.genres if g in kept) for row in rows]
    left = [
        replace(row, genres=those)
        for row, those in zip(rows, genres_of, strict=True)
        if those
    ]
    logger.info(
        "fma: %d of %d genres have %d artists or more; %d of %d tracks have one",
        len(kept),
        len(artists),
        least,
        len(left),
        len(rows),
    )
    return left


def _dealt(
    table: pd.DataFrame, annotations: pd.DataFrame, shares: SplitShares, *, seed: int
) -> pd.Series:
    truth = pd.crosstab(annotations["track_id"], annotations["tag"]).astype(bool)
    return splits.by_group(
        table["group"],
        shares,
        seed=seed,
        truth=truth.loc[table["track_id"]].to_numpy(),
    )


def _without_leaks(table: pd.DataFrame, audio: Path) -> pd.DataFrame:
    """Leave out the tracks whose very file is in a later split too."""
    if not (audio / CHECKSUMS).is_file():
        return table  # the stage `validate` will tell, from the files
    lines = (audio / CHECKSUMS).read_text("utf-8", errors="replace").splitlines()
    known = {path: digest for digest, _, path in (x.partition("  ") for x in lines)}
    file = table["path"].map(lambda path: known.get(path, path))
    place = table["split"].map(SPLITS.index)
    earlier = place < place.groupby(file).transform("max")
    if earlier.any():
        logger.warning(
            "fma: %d tracks are left out: their file is in a later split too: %s",
            int(earlier.sum()),
            ", ".join(table["track_id"][earlier]),
        )
    return table[~earlier].reset_index(drop=True)


# --- audio


def _refuse_absent(paths: Sequence[str], config: FmaDataset) -> None:
    files.refuse_missing(
        [path for path in paths if not files.is_file(config.audio / path)],
        len(paths),
        config.audio,
        way_out=f"unpack the publisher's fma_{config.subset}.zip, let dataset.audio be "
        "the folder that holds 000, 001 and so on, or set dataset.subset to what is "
        "there",
    )
    files.refuse_links(paths, config.audio)


# --- what is said of the tracks


def _table(rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "track_id": row.track_id,
            "path": row.path,
            "declared_seconds": row.declared_seconds,
            "artist": _labelled(row.artist, row.artist_id),
            "album": _labelled(row.album, row.album_id),
            "recording": "",  # no two tracks are cut from one
            "group": row.artist_id,
            "licence": row.licence,
            "split": row.split,
        }
        for row in rows
    )


def _labelled(name: str, identifier: str) -> str:
    return f"{name} ({identifier})" if name and identifier else name or identifier


def _annotations(rows: Sequence[Row], names: dict[int, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(row.track_id, names[genre]) for row in rows for genre in row.genres],
        columns=["track_id", "tag"],
    )
