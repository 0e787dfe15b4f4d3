"""Stage `ingest`: a data set becomes audio below `raw/` and four tables.

`tracks` says what every file promises and what decoding it yields; `annotations`, who
has which tag; `withheld`, who has which of the tags that no tagger learns; `genres`,
what each of several sources says. Whether that is good enough is for `validate` to say.
"""

import json
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import assert_never

import pandas as pd

from tagsmith.config import (
    AcousticBrainzDataset,
    FmaDataset,
    FolderDataset,
    JamendoDataset,
    MagnaTagATuneDataset,
    MsdDataset,
    Params,
    ScoresDataset,
    nearest,
)
from tagsmith.datasets.listing import Listing
from tagsmith.engine import each
from tagsmith.errors import ConfigError, DataError
from tagsmith.features.probe import Probe, probe
from tagsmith.store import TRACK_COLUMNS, Store, atomic
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

SHOWN = 30  # tags that a message names


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Bring `raw/`, `tracks`, `annotations`, `withheld` and `genres` up to date.

    Raises:
        ConfigError: A tag that is to be withheld is none of the data set's.
        DataError: The data set lists no tracks, its manifest is wrong, or all its tags
            are to be withheld.
        MissingError: A package or file that it needs is not there.
    """
    raw = store.place("raw")
    raw.mkdir(parents=True, exist_ok=True)
    listing = _listing(params, raw)
    if listing.tracks.empty:
        raise DataError("the data set lists no tracks: there is nothing to learn from")
    annotations, withheld = _parted(listing.annotations, params.zeroshot.withheld)
    probes = listing.probes
    if probes is None:
        _remove_others(raw, set(listing.tracks["path"]))
        probes = _probes(listing.tracks["path"], params, store)
    else:
        _remove_others(raw, listing.files)
    tracks = _joined(listing.tracks, probes)
    store.write_table("tracks", tracks)
    store.write_table("annotations", annotations)
    store.write_table("withheld", withheld)
    store.write_table("genres", listing.genres)
    facts = {
        "tracks": float(len(tracks)),
        "tags": float(annotations["tag"].nunique()),
        "withheld": float(withheld["tag"].nunique()),
        "hours": float(tracks["decoded_seconds"].sum() / 3600),
    }
    logger.info(
        "ingest: %(tracks)d tracks, %(hours).1f h, %(tags)d tags and %(withheld)d "
        "withheld ones",
        facts,
    )
    recorder.metrics(facts)


def _listing(params: Params, raw: Path) -> Listing:
    # One data set needs packages that the other does not.
    config, seed, workers = params.dataset, params.seed, params.engine.workers
    match config:
        case ScoresDataset():
            from tagsmith.datasets import scores

            found = scores.listing(config, raw, seed=seed, workers=workers)
        case FolderDataset():
            from tagsmith.datasets import folder

            found = folder.listing(config, raw, seed=seed, workers=workers)
        case JamendoDataset():
            from tagsmith.datasets import jamendo

            found = jamendo.listing(config, raw, workers=workers)
        case MagnaTagATuneDataset():
            from tagsmith.datasets import magnatagatune

            found = magnatagatune.listing(config, raw, seed=seed, workers=workers)
        case FmaDataset():
            from tagsmith.datasets import fma

            found = fma.listing(config, raw, seed=seed, workers=workers)
        case MsdDataset():
            from tagsmith.datasets import msd

            found = msd.listing(config, raw, seed=seed, workers=workers)
        case AcousticBrainzDataset():
            from tagsmith.datasets import acousticbrainz

            found = acousticbrainz.listing(config, raw, seed=seed, engine=params.engine)
        case _:
            assert_never(config)
    return found


def _parted(
    annotations: pd.DataFrame, withheld: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what taggers learn, and what is withheld from them; both in order."""
    tags = sorted(annotations["tag"].unique())
    _refuse_unknown(withheld, tags)
    if tags and set(tags) == set(withheld):
        raise DataError(
            f"zeroshot.withheld names all {len(tags)} tags of the data set, and leaves "
            "none to be learnt; take some of them out"
        )
    ordered = annotations.sort_values(["track_id", "tag"])
    held = ordered["tag"].isin(withheld)
    return ordered[~held], ordered[held]


def _refuse_unknown(withheld: Sequence[str], tags: Sequence[str]) -> None:
    unknown = [f"{tag!r}{nearest(tag, tags)}" for tag in withheld if tag not in tags]
    if unknown:
        more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
        raise ConfigError(
            f"zeroshot.withheld must name tags that a track has, got "
            f"{', '.join(unknown)}; the data set has {', '.join(tags[:SHOWN])}{more}; "
            "take out of zeroshot.withheld what is not there ([] withholds nothing)"
        )


def _remove_others(raw: Path, wanted: Collection[str]) -> None:
    """Remove what another data set, or a killed run, left behind."""
    for path in raw.rglob("*"):
        if not path.is_dir() and path.relative_to(raw).as_posix() not in wanted:
            path.unlink()


def _joined(tracks: pd.DataFrame, probes: pd.DataFrame) -> pd.DataFrame:
    """Put what was listed and what was found side by side, in the columns' order."""
    found = tracks.drop(columns="declared_seconds").merge(probes, on="path")
    # A publisher's promise comes before the file's own: the file may be a part of it.
    promised = tracks.set_index("path")["declared_seconds"].reindex(found["path"])
    found["declared_seconds"] = promised.fillna(
        found.set_index("path")["declared_seconds"]
    ).to_numpy()
    return found.sort_values("track_id")[list(TRACK_COLUMNS)]


# --- probes: each file is decoded once, and again only if it changed


def _probes(paths: pd.Series, params: Params, store: Store) -> pd.DataFrame:
    """Return a `Probe`'s fields by `path`, one row per file."""
    raw = store.place("raw")
    notes = store.scratch / "probes.jsonl"
    notes.parent.mkdir(parents=True, exist_ok=True)
    known = dict(_noted(notes))
    versions = {path: _version(raw / path) for path in paths}
    todo = [path for path, version in versions.items() if version not in known]
    with notes.open("a", encoding="utf-8") as file:
        found = each(partial(_probe, raw), todo, params.engine, label="ingest")
        for path, result in found:
            known[versions[path]] = asdict(result)
            file.write(json.dumps([versions[path], asdict(result)]) + "\n")
            file.flush()  # whatever happens, this file need not be decoded again
    kept = {version: known[version] for version in versions.values()}
    with atomic(notes) as temporary:
        lines = (json.dumps(item) + "\n" for item in kept.items())
        temporary.write_text("".join(lines), encoding="utf-8")
    return pd.DataFrame(
        {"path": path, **known[version]} for path, version in versions.items()
    )


def _probe(raw: Path, path: str) -> tuple[str, Probe]:
    return path, probe(raw / path)


def _version(path: Path) -> str:
    """Name a file's content without reading it."""
    stat = path.stat()
    return f"{path}|{stat.st_size}|{stat.st_mtime_ns}"


def _noted(notes: Path) -> Iterator[tuple[str, dict[str, object]]]:
    if not notes.exists():
        return
    for line in notes.read_text("utf-8").splitlines():
        try:
            version, fields = json.loads(line)
        except ValueError:  # a kill left half a line
            continue
        yield version, fields
