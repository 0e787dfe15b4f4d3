"""A tiny AcousticBrainz genre task, in the layout of its archives.

    folder/
      acousticbrainz-mediaeval-train/<hex2>/<uuid>.json    `dataset.documents`
      acousticbrainz-mediaeval-<source>-<split>.tsv.bz2    `dataset.truth`

`write` makes all of it and returns the override that turns any experiment into one on
it. Eight subgenres of four genres, each of which lights mel bands of its own. Last.fm
knows all recordings, AllMusic four fifths of them, Discogs half, though no folk, and
tagtraum two thirds, though rock and jazz only; each spells in its own way. Two
recordings make a release group, which all sources have in the same split. Five further
recordings are known to AllMusic and Last.fm: one document is truncated, one has 39
bands, one lacks a statistic, one holds NaN, and one is not there.
"""

import bz2
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagsmith.features.melbands import BANDS, STATISTICS

SOURCES = ("allmusic", "discogs", "lastfm", "tagtraum")
TARGET = "allmusic"
GENRES = {
    "electronic": ("deep house", "techno"),
    "folk": ("ballads", "sea shanties"),
    "jazz": ("be bop", "cool jazz"),
    "rock": ("hard rock", "punk rock"),
}
KNOWN = {
    "allmusic": GENRES,
    "discogs": ("electronic", "jazz", "rock"),
    "lastfm": GENRES,
    "tagtraum": ("jazz", "rock"),
}
SUBGENRES = [(genre, sub) for genre, subs in GENRES.items() for sub in subs]
TRUNCATED, SHORT, LACKING, NAN, MISSING = FURTHER = (
    "truncated",
    "short",
    "lacking",
    "nan",
    "missing",
)
SPLITS = ("train", "validation", "test", "train")  # of a subgenre's release groups
DOCUMENTS = "acousticbrainz-mediaeval-train"
Row = dict[str, Any]


def rows(recordings: int = 96, *, bad: bool = True) -> list[Row]:
    """Describe the recordings; a multiple of 64 has all subgenres in all splits."""
    described = []
    for number in range(recordings):
        turn, place = divmod(number, len(SUBGENRES))
        described.append(
            {
                "subgenre": SUBGENRES[place],
                "release_group": f"group {place} {turn // 2}",
                "split": SPLITS[turn // 2 % len(SPLITS)],
                "sources": _knowing(turn, SUBGENRES[place][0]),
                "fault": "",
            }
        )
    for fault in FURTHER if bad else ():
        first = {**described[0], "release_group": f"group {fault}", "fault": fault}
        described.append({**first, "sources": ("allmusic", "lastfm")})
    for number, row in enumerate(described):
        row["recording"] = identifier(f"recording {number}")
        row["release_group"] = identifier(row["release_group"])
    return described


def write(folder: Path, described: Sequence[Row] | None = None) -> dict[str, Any]:
    """Write documents and ground truths, and return the overrides for them."""
    described = rows() if described is None else described
    for number, row in enumerate(described):
        write_document(folder / DOCUMENTS, row, number)
    write_truths(folder, described)
    return {"dataset": section(folder), "zeroshot.withheld": []}


def section(folder: Path, **changes: object) -> dict[str, Any]:
    """Return the section of params.yaml for such a folder."""
    return {
        "kind": "acousticbrainz",
        "documents": [str(folder / DOCUMENTS)],
        "truth": {
            source: {
                split: str(truth_path(folder, source, split))
                for split in ("train", "validation", "test")
            }
            for source in SOURCES
        },
        "target": TARGET,
        "split": "published",
        "shares": {"train": 0.5, "validation": 0.25, "test": 0.25},
        **changes,
    }


def truth_path(folder: Path, source: str, split: str) -> Path:
    """Return where a ground truth lies."""
    return folder / f"acousticbrainz-mediaeval-{source}-{split}.tsv.bz2"


def document_path(row: Row) -> str:
    """Return where a document lies below the folder of documents."""
    return f"{row['recording'][:2]}/{row['recording']}.json"


def write_truths(folder: Path, described: Sequence[Row]) -> None:
    """Write the ground truths, rows padded to the width of the header."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        for split in ("train", "validation", "test"):
            lines = ["recordingmbid\treleasegroupmbid\tgenre1\tgenre2\tgenre3\n"]
            for row in described:
                if source in row["sources"] and row["split"] == split:
                    fields = [row["recording"], row["release_group"]]
                    fields += labels(row, source)
                    lines.append("\t".join(fields) + "\t\n")
            content = bz2.compress("".join(lines).encode())
            truth_path(folder, source, split).write_bytes(content)


def labels(row: Row, source: str) -> list[str]:
    """Return what a source says of a recording: a genre and a subgenre of it."""
    genre, sub = (spelt(part, source) for part in row["subgenre"])
    return [genre, f"{genre}---{sub}"]


def spelt(words: str, source: str) -> str:
    """Spell a name as a source does."""
    match source:
        case "discogs":
            return words.title()
        case "lastfm":
            return words.replace(" ", "-")
        case "tagtraum":
            return words.title().replace(" ", "")
        case _:
            return words


def write_document(folder: Path, row: Row, number: int) -> None:
    """Write a recording's document, good or bad; no two numbers sound the same."""
    if row["fault"] == MISSING:
        return
    tree = document(row, number)
    melbands = tree["lowlevel"]["melbands"]
    if row["fault"] == SHORT:
        melbands["mean"].pop()
    elif row["fault"] == LACKING:
        del melbands["dvar2"]
    elif row["fault"] == NAN:
        melbands["var"][7] = float("nan")
    text = json.dumps(tree)
    path = folder / document_path(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text[:-100] if row["fault"] == TRUNCATED else text, "utf-8")


def document(row: Row, number: int) -> dict[str, Any]:
    """Return a low-level document; its genre and subgenre show in the mel bands."""
    rng = np.random.default_rng(number)
    return {
        "lowlevel": {
            "average_loudness": float(rng.uniform(0.5, 1)),
            "barkbands": {"mean": rng.uniform(0, 1e-3, 27).tolist()},
            "melbands": melbands(row, rng),
            "mfcc": {"mean": rng.normal(0, 20, 13).tolist()},
        },
        "metadata": {
            "audio_properties": {
                "analysis_sample_rate": 44100,
                "codec": "mp3",
                "length": 200.0 + number,
                "sample_rate": 44100,
            },
            "tags": {
                "album": [f"Album {row['release_group'][:8]}"],
                "artist": [f"Artist {number // 4}", "Somebody Else"],
                "file_name": f"{number:02d}.mp3",
            },
        },
        "rhythm": {"bpm": float(rng.uniform(60, 180)), "onset_rate": 3.1},
        "tonal": {"key_key": "C", "key_scale": "minor"},
    }


def melbands(row: Row, rng: np.random.Generator) -> dict[str, list[float]]:
    """Return the nine statistics: a slope, a genre's peak and a subgenre's."""
    genre, sub = row["subgenre"]
    band = np.arange(BANDS)
    centre = 3 + 10 * list(GENRES).index(genre)
    beside = centre + (6 if GENRES[genre].index(sub) else 3)
    shape = np.exp(-band / 10) / 10 + np.exp(-((band - centre) ** 2) / 2)
    shape += np.exp(-((band - beside) ** 2) / 2) / 2
    levels = {"min": 1e-9, "max": 2e-2, "var": 1e-6, "dvar": 1e-7, "dvar2": 1e-7}
    return {
        name: (levels.get(name, 1e-3) * shape * rng.uniform(0.8, 1.25, BANDS)).tolist()
        for name in STATISTICS
    }


def identifier(name: str) -> str:
    """Return the same made-up MusicBrainz id for a name each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _knowing(turn: int, genre: str) -> tuple[str, ...]:
    """Return the sources that know the recording of a turn."""
    shares = {
        "allmusic": turn % 5 != 4,
        "discogs": turn % 2 == 0,
        "lastfm": True,
        "tagtraum": turn % 3 != 1,
    }
    return tuple(
        name for name, known in shares.items() if known and genre in KNOWN[name]
    )
