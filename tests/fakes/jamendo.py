"""A tiny MTG-Jamendo in the publisher's on-disk format.

    folder/
      mtg-jamendo-dataset/            a checkout: what `dataset.metadata` names
        audio_licenses.txt
        data/raw.meta.tsv
        data/splits/split-0/autotagging[_<subset>]-{train,validation,test}.tsv
        data/download/<set>_<kind>_sha256_{tars,tracks}.txt
      audio/24/1024.mp3               what `dataset.audio` names

`write` makes all of it and returns the override that turns any experiment into one on
it: `Params.load(profile, fake.write(tmp_path))`. Twelve tracks of twelve
artists, six to learn from and three each to choose and to judge by; in every split each
of three tags has a third of the tracks, and each tag sounds its own way: calm is a low
chord, dark is noise, happy is a high chord. Rows may be changed before they are
written.
"""

import hashlib
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tagsmith.config import SPLITS
from tests.fakes import audio

TAGS = ("calm", "dark", "happy")
HEADER = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
LICENCE = "http://creativecommons.org/licenses/by-nc-sa/3.0/"
RATE_HZ = 44100
Row = dict[str, Any]


def rows(
    *, train: int = 6, validation: int = 3, test: int = 3, seconds: float = 30.0
) -> list[Row]:
    """Describe tracks; each of three tags takes its turn in every split."""
    splits = [
        name
        for name, count in zip(SPLITS, (train, validation, test), strict=True)
        for _ in range(count)
    ]
    return [
        {
            "split": split,
            "track_id": f"track_{1000 + 7 * place:07d}",
            "artist_id": f"artist_{place:06d}",
            "album_id": f"album_{place:06d}",
            "path": f"{(1000 + 7 * place) % 100:02d}/{1000 + 7 * place}.mp3",
            "seconds": seconds,
            "tags": [f"mood/theme---{TAGS[place % 3]}"],
        }
        for place, split in enumerate(splits)
    ]


def write(
    folder: Path, described: Sequence[Row] | None = None, *, subset: str = "moodtheme"
) -> dict[str, Any]:
    """Write a checkout and its audio, and return the overrides for it."""
    described = rows() if described is None else described
    for number, row in enumerate(described):
        path = folder / "audio" / row["path"]
        sound = _sound(row["tags"], number, float(row["seconds"]))
        audio.write(path, sound, rate_hz=RATE_HZ)
    write_tables(folder, described, subset=subset)
    write_details(folder, described)
    return {"dataset": section(folder, subset=subset), "zeroshot.withheld": []}


def section(folder: Path, **changes: object) -> dict[str, Any]:
    """Return the section of params.yaml for such a folder."""
    return {
        "kind": "jamendo",
        "metadata": str(folder / "mtg-jamendo-dataset"),
        "audio": str(folder / "audio"),
        "subset": "moodtheme",
        "split": 0,
        "fetch": "none",
        **changes,
    }


def write_tables(
    folder: Path, described: Sequence[Row], *, subset: str = "moodtheme"
) -> None:
    """Write the three tables of split 0, with the publisher's ends of lines."""
    for split in SPLITS:
        path = table(folder, split, subset=subset)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ["\t".join(HEADER)]
        lines += [_line(row) for row in described if row["split"] == split]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\r\n")


def table(folder: Path, split: str, *, subset: str = "moodtheme") -> Path:
    """Return where a table is."""
    suffix = "" if subset == "all" else f"_{subset}"
    splits = folder / "mtg-jamendo-dataset" / "data" / "splits"
    return splits / "split-0" / f"autotagging{suffix}-{split}.tsv"


def write_details(folder: Path, described: Sequence[Row]) -> None:
    """Write names and licences."""
    metadata = folder / "mtg-jamendo-dataset"
    names = ["TRACK_ID\tARTIST_ID\tALBUM_ID\tTRACK_NAME\tARTIST_NAME\tALBUM_NAME"]
    names[0] += "\tRELEASEDATE\tURL"
    licences = []
    for row in described:
        ids = [row["track_id"], row["artist_id"], row["album_id"]]
        number = Path(row["path"]).stem
        page = f"http://www.jamendo.com/track/{number}"
        told = ['A "Song', f"The {row['artist_id']}s", "Demo", "2019-05-01", page]
        names.append("\t".join([*ids, *told]))
        licences += [row["path"], f"A Song by Somebody from Jamendo: {page}"]
        licences += [f"Available under a Creative Commons license: {LICENCE}", ""]
    (metadata / "data" / "raw.meta.tsv").write_text("\n".join(names) + "\n", "utf-8")
    (metadata / "audio_licenses.txt").write_text("\n".join(licences), "utf-8")


# --- what the publisher serves


def pack(
    folder: Path, *, kind: str = "audio", name: str = "autotagging_moodtheme"
) -> Path:
    """Move the audio into tars below `served/<set>/<kind>/`, and list checksums.

    Returns:
        `served/`, what stands at the server's address.
    """
    served = folder / "served" / name / kind
    served.mkdir(parents=True)
    if kind == "audio-low":
        for path in sorted((folder / "audio").rglob("*.mp3")):
            path.rename(path.with_suffix(".low.mp3"))
    write_checksums(folder, kind=kind, name=name)
    for numbered in sorted((folder / "audio").iterdir()):
        tar = served / f"{name}_{kind}-{numbered.name}.tar"
        with tarfile.open(tar, "w") as archive:
            archive.add(numbered, numbered.name)
    list_tars(folder, kind=kind, name=name)
    shutil.rmtree(folder / "audio")
    return folder / "served"


def write_checksums(
    folder: Path, *, kind: str = "audio", name: str = "autotagging_moodtheme"
) -> None:
    """List the checksums of the tracks that lie below `audio/`."""
    tracks = {
        path.relative_to(folder / "audio").as_posix(): path
        for path in sorted((folder / "audio").rglob("*.mp3"))
    }
    _list(folder, f"{name}_{kind}_sha256_tracks.txt", tracks)


def list_tars(
    folder: Path, *, kind: str = "audio", name: str = "autotagging_moodtheme"
) -> None:
    """List the checksums of the tars that are served."""
    tars = sorted((folder / "served" / name / kind).glob("*.tar"))
    _list(folder, f"{name}_{kind}_sha256_tars.txt", {tar.name: tar for tar in tars})


def _list(folder: Path, name: str, files: Mapping[str, Path]) -> None:
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()} {known_as}\n"
        for known_as, path in files.items()
    )
    path = folder / "mtg-jamendo-dataset" / "data" / "download" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), "utf-8")


# --- parts of a row


def _line(row: Row) -> str:
    fields = [row["track_id"], row["artist_id"], row["album_id"], row["path"]]
    return "\t".join([*fields, str(row["seconds"]), *row["tags"]])


def _sound(tags: Sequence[str], number: int, seconds: float) -> audio.Sound:
    """Return what the first tag sounds like; no two numbers sound the same."""
    match tags[0].rpartition("---")[2]:
        case "calm":
            hz = 110.0 + number
            return audio.chord(hz, 1.5 * hz, seconds=seconds, rate_hz=RATE_HZ)
        case "happy":
            hz = 1760.0 + number
            return audio.chord(hz, 1.25 * hz, seconds=seconds, rate_hz=RATE_HZ)
        case _:
            return audio.noise(number, seconds=seconds, rate_hz=RATE_HZ)
