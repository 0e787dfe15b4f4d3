"""A tiny Million Song Dataset with Last.fm's tags, in the publishers' on-disk format.

    folder/
      unique_tracks.txt         what `dataset.songs` names
      lastfm_tags.db            what `dataset.tags` names
      ontology.txt              what `dataset.ontology` names
      audio/A/B/C/TRABC....mp3  what `dataset.audio` names

`write` makes all of it and returns the override that turns any experiment into one on
it. Five tags, each of four artists with two tracks; it sounds its own way. Every second
track has the tag under another name, and every fourth a second tag as well. All tracks
have tags that are in no ontology (`seen live`) or weak. Of four further tracks of the
first tag one has no audio, one an empty file, one a file that is no mp3, and one is not
on the list of songs; of a fifth nobody said anything.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.fakes import audio

TAGS = {  # what a tag is called, and what Last.fm's listeners call it
    "electronic": ("electronic", "Electronica"),
    "folk": ("folk", "Folk Music"),
    "hip hop": ("Hip-Hop", "rap"),
    "jazz": ("jazz", "Smooth Jazz"),
    "rock": ("Rock", "rock music"),
}
ARTISTS, TRACKS = 4, 2  # of a tag; of an artist
ABSENT, EMPTY, CORRUPT, UNLISTED, UNTAGGED = FURTHER = (
    "Absent",
    "Gone",
    "Broken",
    "Unlisted",
    "Mute",
)
LEAST_STRENGTH = 50.0
RATE_HZ = 22050
SCHEMA = """
    CREATE TABLE tids (tid TEXT);
    CREATE TABLE tags (tag TEXT);
    CREATE TABLE tid_tag (tid INT, tag INT, val REAL);
    CREATE INDEX idx_tid_tag_tag ON tid_tag ('tag');
"""
Row = dict[str, Any]


def rows(*, seconds: float = 4.0) -> list[Row]:
    """Describe the tracks."""
    described = []
    for place, names in enumerate(TAGS.values()):
        for number in range(ARTISTS * TRACKS):
            tags = [(names[number % 2], 100.0)]
            if number % 4 == 0:
                tags.append((list(TAGS.values())[place - 1][0], 60.0))
            described.append({"artist": f"The {names[0]} {number // 2}", "tags": tags})
    described += [{"title": t, "tags": [("electronic", 100.0)]} for t in FURTHER]
    for row in described:
        row["tags"] += [("seen live", 80.0), ("folk", 3.0)]
    described[-1]["tags"] = []
    for number, row in enumerate(described):
        row |= {"track_id": _track_id(number), "seconds": seconds}
    return [{"artist": "Nobody", "title": "Song", **row} for row in described]


def write(folder: Path, described: Sequence[Row] | None = None) -> dict[str, Any]:
    """Write songs, tags, ontology and audio, and return the overrides for it."""
    described = rows() if described is None else described
    for number, row in enumerate(described):
        _write_track(folder / "audio" / path_of(row), row, number)
    write_songs(folder, described)
    write_tags(folder, described)
    write_ontology(folder)
    return {"dataset": section(folder), "zeroshot.withheld": []}


def section(folder: Path, **changes: object) -> dict[str, Any]:
    """Return the section of params.yaml for such a folder."""
    return {
        "kind": "msd",
        "songs": str(folder / "unique_tracks.txt"),
        "tags": str(folder / "lastfm_tags.db"),
        "ontology": str(folder / "ontology.txt"),
        "least_strength": LEAST_STRENGTH,
        "audio": str(folder / "audio"),
        "shares": {"train": 0.5, "validation": 0.25, "test": 0.25},
        **changes,
    }


def path_of(row: Row) -> str:
    """Return where a track lies below the folder of audio."""
    track_id = row["track_id"]
    return "/".join([*track_id[2:5], f"{track_id}.mp3"])


def write_songs(folder: Path, described: Sequence[Row]) -> Path:
    """Write the list of songs, titles with what ends a line elsewhere."""
    lines = [
        f"{row['track_id']}<SEP>SOQMMHC12AB0180CB8<SEP>{row['artist']}<SEP>"
        f"{row['title']}\x85#\u2028\n"
        for row in described
        if row["title"] != UNLISTED
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "unique_tracks.txt"
    path.write_text("".join(lines), "utf-8", newline="\n")
    return path


def write_tags(folder: Path, described: Sequence[Row]) -> Path:
    """Write the database."""
    tags = sorted({tag for row in described for tag, _ in row["tags"]})
    tagged = [row for row in described if row["tags"]]
    path = folder / "lastfm_tags.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA)
        database.executemany("INSERT INTO tags VALUES (?)", ([tag] for tag in tags))
        for row in tagged:
            tid = database.execute("INSERT INTO tids VALUES (?)", [row["track_id"]])
            database.executemany(
                "INSERT INTO tid_tag VALUES (?, ?, ?)",
                ((tid.lastrowid, 1 + tags.index(tag), val) for tag, val in row["tags"]),
            )
    return path


def write_ontology(folder: Path) -> Path:
    """Write which tags count, and which are the same."""
    lines = ["# genres", "polka"]
    for name, tags in TAGS.items():
        lines += [name, *(f"{tag.upper()}\t{name}" for tag in tags)]
    path = folder / "ontology.txt"
    path.write_text("\n".join([*lines, ""]), "utf-8")
    return path


# --- parts of a row


def _track_id(number: int) -> str:
    letters = "".join(chr(ord("A") + number // n % 3) for n in (9, 3, 1))
    return f"TR{letters}YQ128F932D{number:03d}"


def _write_track(path: Path, row: Row, number: int) -> None:
    """Write what the first tag sounds like; no two numbers sound the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if row["title"] == EMPTY:
        audio.zero_byte(path)
    elif row["title"] == CORRUPT:
        audio.text(path)
    elif row["title"] != ABSENT:
        audio.write(path, _sound(row, number), rate_hz=RATE_HZ)


def _sound(row: Row, number: int) -> audio.Sound:
    size: dict[str, Any] = {"seconds": row["seconds"], "rate_hz": RATE_HZ}
    match row["tags"][:1]:
        case [("Rock" | "rock music", _)]:
            return audio.noise(number, **size)
        case [("electronic" | "Electronica", _)]:
            return audio.sine(60.0 + number, **size)
        case [("jazz" | "Smooth Jazz", _)]:
            hz = 330.0 + number
            return audio.chord(hz, 1.26 * hz, 1.5 * hz, 1.78 * hz, **size)
        case [("folk" | "Folk Music", _)]:
            return audio.chord(880.0 + number, 1320.0 + number, **size)
        case _:
            low = audio.sine(110.0 + number, **size)
            return low + audio.noise(number, **size)
