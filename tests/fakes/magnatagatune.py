"""A tiny MagnaTagATune in the publisher's on-disk format.

    folder/                     what `dataset.folder` names
      annotations_final.csv     tabs, quotes, CR LF
      0/the_first-album_00-01-song-0-29.mp3
      b/ c/ d/                  or, once packed:
      mp3.zip.001 .002 .003     a zip of these folders, cut anywhere

`write` makes all of it and returns the override that turns any experiment into one on
it. In each of four folders (two to learn from, one each to choose and to judge by) are
two artists, three albums, four recordings and two clips of each of those. An artist has
albums in several folders, an album is in one. Each recording is a guitar (a low chord),
drums (noise) or a flute (a high chord), and its clips call that by two names that are
synonyms; the last clip of a folder has no tag. One more clip in the first folder is an
empty file, and one is no mp3.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fakes import audio

NAMES = (("guitar", "guitars"), ("drum", "drums"), ("flute", "flutes"))
TAGS = ("no voice", "guitars", "flute", "drums", "guitar", "drum", "sitar", "flutes")
FOLDERS = "0bcd"
ALBUMS = (("first", 0), ("first", 0), ("first", 1), ("second", 0))
RATE_HZ = 16000
PUBLISHED = "md5:f04fa01752a8cc64f6e1ca142a0fef1d"  # of the real annotations
PARTS = ("mp3.zip.001", "mp3.zip.002", "mp3.zip.003")
EMPTY, CORRUPT = "gone", "broken"
Row = dict[str, Any]


def rows(*, seconds: int = 29) -> list[Row]:
    """Describe the clips."""
    described = [
        _row(folder, number, begin, seconds)
        for folder in FOLDERS
        for number in range(len(ALBUMS))
        for begin in (0, seconds)
    ]
    for row in described[7::8]:
        row["tags"] = []
    for title in (EMPTY, CORRUPT):
        path = f"0/the_third-dusk-01-{title}-0-{seconds}.mp3"
        described.append({"path": path, "seconds": seconds, "tags": ["drum"]})
    for number, row in enumerate(described):
        row["clip_id"] = 2 + 5 * number
    return described


def write(folder: Path, described: Sequence[Row] | None = None) -> dict[str, Any]:
    """Write annotations and audio, and return the overrides for it."""
    described = rows() if described is None else described
    for number, row in enumerate(described):
        _write_clip(folder / row["path"], row, number)
    write_annotations(folder, described)
    return {"dataset": section(folder), "zeroshot.withheld": []}


def section(folder: Path, **changes: object) -> dict[str, Any]:
    """Return the section of params.yaml for such a folder."""
    return {
        "kind": "magnatagatune",
        "folder": str(folder),
        "fetch": False,
        "annotations_checksum": "",
        "audio_checksum": "",
        "synonyms": "published",
        "most_frequent_tags": 3,
        "frequent_in": "train",
        "untagged": "keep",
        "split": "folder",
        "shares": {"train": 0.5, "validation": 0.25, "test": 0.25},
        **changes,
    }


def write_annotations(
    folder: Path, described: Sequence[Row], *, tags: Sequence[str] = TAGS
) -> Path:
    """Write the table as the publisher does."""
    table = [["clip_id", *tags, "mp3_path"]]
    for row in described:
        cells = ["1" if tag in row["tags"] else "0" for tag in tags]
        table.append([str(row["clip_id"]), *cells, row["path"]])
    lines = ["\t".join(f'"{cell}"' for cell in cells) for cells in table]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "annotations_final.csv"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\r\n")
    return path


# --- what the publisher serves


def pack(folder: Path) -> bytes:
    """Move the audio into three parts, and return them joined."""
    whole = folder / "mp3.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted([*folder.glob("?"), *folder.glob("?/*")]):
            archive.write(path, path.relative_to(folder).as_posix())
    for path in folder.glob("?"):
        shutil.rmtree(path)
    content = whole.read_bytes()
    whole.unlink()
    cut(folder, content)
    return content


def cut(folder: Path, content: bytes) -> None:
    """Write an archive as three parts."""
    third = len(content) // 3
    ends = (0, third, 2 * third, len(content))
    for name, begin, end in zip(PARTS, ends, ends[1:], strict=False):
        (folder / name).write_bytes(content[begin:end])


def md5(content: bytes) -> str:
    """Return a checksum as params.yaml has it."""
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


# --- parts of a row


def _row(folder: str, number: int, begin: int, seconds: int) -> Row:
    artist, album = ALBUMS[number]
    turn = (number + FOLDERS.index(folder)) % len(NAMES)
    path = (
        f"{folder}/the_{artist}-album_{folder}{album}-{number + 1:02d}-song-"
        f"{begin}-{begin + seconds}.mp3"
    )
    return {"path": path, "seconds": seconds, "tags": [NAMES[turn][begin > 0]]}


def _write_clip(path: Path, row: Row, number: int) -> None:
    """Write what the first tag sounds like; no two numbers sound the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if f"-{EMPTY}-" in path.name:
        audio.zero_byte(path)
    elif f"-{CORRUPT}-" in path.name:
        audio.text(path)
    else:
        audio.write(path, _sound(row, number), rate_hz=RATE_HZ)


def _sound(row: Row, number: int) -> audio.Sound:
    match row["tags"][:1]:
        case ["guitar" | "guitars"]:
            hz = 110.0 + number
            return audio.chord(hz, 1.5 * hz, seconds=row["seconds"], rate_hz=RATE_HZ)
        case ["flute" | "flutes"]:
            hz = 1760.0 + number
            return audio.chord(hz, 1.25 * hz, seconds=row["seconds"], rate_hz=RATE_HZ)
        case _:
            return audio.noise(number, seconds=row["seconds"], rate_hz=RATE_HZ)
