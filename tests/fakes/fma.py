"""A tiny Free Music Archive in the publisher's on-disk format.

    folder/
      fma_metadata/              what `dataset.metadata` names
        genres.csv
        tracks.csv               two rows of names above each other, a third, tracks
      fma_large/                 what `dataset.audio` names
        checksums
        000/000002.mp3

`write` makes all of it and returns the override that turns any experiment into one on
it. Seven genres, of which Punk is a kind of Rock, and Techno of Electronic. Of the five
that tracks are given, each split has two tracks to learn from, or one to choose or to
judge by; a further track of each split has two of them, and no root of its own. Each
track has an artist of its own and sounds its first genre's way. Three more are to be
learnt from: one without a genre, one that is an empty file and one that is no mp3.
"""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fakes import audio

GENRES = {  # number: parent, title
    4: (0, "Jazz"),
    12: (0, "Rock"),
    15: (0, "Electronic"),
    17: (0, "Folk"),
    21: (0, "Hip-Hop"),
    25: (12, "Punk"),
    181: (15, "Techno"),
}
GIVEN = (25, 181, 4, 17, 21)
PAIRS = {"training": (25, 4), "validation": (181, 17), "test": (4, 21)}
TURNS = {"training": 2, "validation": 1, "test": 1}  # each has all that are given
EMPTY, CORRUPT = "Gone", "Broken"
RATE_HZ = 44100
COLUMNS = (
    ("album", "comments"),
    ("album", "id"),
    ("album", "information"),
    ("album", "title"),
    ("artist", "bio"),
    ("artist", "id"),
    ("artist", "name"),
    ("set", "split"),
    ("set", "subset"),
    ("track", "duration"),
    ("track", "genre_top"),
    ("track", "genres"),
    ("track", "genres_all"),
    ("track", "license"),
    ("track", "title"),
)
Row = dict[str, Any]


def rows(*, seconds: float = 4.0) -> list[Row]:
    """Describe the tracks; subsets take turns among those of one genre."""
    described = [
        _row(split, (genre,), seconds)
        for split, turns in TURNS.items()
        for genre in GIVEN * turns
    ]
    described += [_row(split, genres, seconds) for split, genres in PAIRS.items()]
    described.append(_row("training", (), seconds))
    described += [
        {**_row("training", (25,), seconds), "title": title}
        for title in (EMPTY, CORRUPT)
    ]
    for place, row in enumerate(described):
        row["track_id"] = 2 + 143 * place
        row["artist_id"] = 30 + place
        if len(row["genres"]) == 1:
            row["subset"] = ("small", "medium", "large")[place % 3]
    return described


def write(folder: Path, described: Sequence[Row] | None = None) -> dict[str, Any]:
    """Write metadata and audio, and return the overrides for it."""
    described = rows() if described is None else described
    for number, row in enumerate(described):
        _write_track(folder / "fma_large" / path_of(row), row, number)
    write_checksums(folder)
    write_genres(folder)
    write_tracks(folder, described)
    return {"dataset": section(folder), "zeroshot.withheld": []}


def section(folder: Path, **changes: object) -> dict[str, Any]:
    """Return the section of params.yaml for such a folder."""
    return {
        "kind": "fma",
        "metadata": str(folder / "fma_metadata"),
        "audio": str(folder / "fma_large"),
        "subset": "large",
        "genres": "own",
        "least_artists": 1,
        "openmic": None,
        "split": "published",
        "shares": {"train": 0.5, "validation": 0.25, "test": 0.25},
        **changes,
    }


def path_of(row: Row) -> str:
    """Return where a track lies below the folder of audio."""
    number = f"{row['track_id']:06d}"
    return f"{number[:3]}/{number}.mp3"


def write_tracks(folder: Path, described: Sequence[Row]) -> Path:
    """Write the table of tracks as the publisher's library does."""
    table = [["", *names] for names in zip(*COLUMNS, strict=True)]
    table.append(["track_id", *[""] * len(COLUMNS)])
    table += [[str(row["track_id"]), *_cells(row)] for row in described]
    return _write(folder / "fma_metadata" / "tracks.csv", table)


def write_genres(folder: Path) -> Path:
    """Write the table of genres."""
    table = [["genre_id", "#tracks", "parent", "title", "top_level"]]
    for number, (parent, title) in GENRES.items():
        table.append([str(n) for n in (number, 9, parent, title, parent or number)])
    return _write(folder / "fma_metadata" / "genres.csv", table)


def write_checksums(folder: Path) -> Path:
    """List the checksums of the audio, as the publisher's archives do."""
    lines = [
        f"{hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(folder / 'fma_large').as_posix()}\n"
        for path in sorted((folder / "fma_large").rglob("*.mp3"))
    ]
    path = folder / "fma_large" / "checksums"
    path.write_text("".join(lines), "utf-8")
    return path


def _write(path: Path, table: Sequence[Sequence[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    return path


# --- parts of a row


def _row(split: str, genres: Sequence[int], seconds: float) -> Row:
    return {
        "split": split,
        "subset": "large",
        "genres": list(genres),
        "seconds": seconds,
        "title": "Song",
        "license": "Attribution",
    }


def _cells(row: Row) -> list[str]:
    own = row["genres"]
    with_parents = sorted({*own, *(GENRES[n][0] for n in own if GENRES[n][0])})
    roots = [GENRES[n][1] for n in with_parents if not GENRES[n][0]]
    return [
        *["0", str(row["artist_id"] + 1000), 'Said to be "new",\n\nand is', "Demo"],
        *["From\nhere, 1999", str(row["artist_id"]), f"Artist {row['artist_id']}"],
        *[row["split"], row["subset"], "168", roots[0] if len(roots) == 1 else ""],
        *[str(own), str(with_parents), row["license"], row["title"]],
    ]


def _write_track(path: Path, row: Row, number: int) -> None:
    """Write what the first genre sounds like; no two numbers sound the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if row["title"] == EMPTY:
        audio.zero_byte(path)
    elif row["title"] == CORRUPT:
        audio.text(path)
    else:
        audio.write(path, _sound(row, number), rate_hz=RATE_HZ)


def _sound(row: Row, number: int) -> audio.Sound:
    size: dict[str, Any] = {"seconds": row["seconds"], "rate_hz": RATE_HZ}
    match row["genres"][:1]:
        case [25]:
            return audio.noise(number, **size)
        case [181]:
            return audio.sine(60.0 + number, **size)
        case [4]:
            hz = 330.0 + number
            return audio.chord(hz, 1.26 * hz, 1.5 * hz, 1.78 * hz, **size)
        case [17]:
            return audio.chord(880.0 + number, 1320.0 + number, **size)
        case _:
            low = audio.sine(110.0 + number, **size)
            return low + audio.noise(number, **size)
