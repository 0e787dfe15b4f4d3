"""The publisher's checksums: of the tars that are served, and of the tracks in them.

`data/download/<set>_<kind>_sha256_tars.txt` and `..._sha256_tracks.txt` have lines of a
SHA-256 and a name. The set is `autotagging_moodtheme`, or `raw_30s` with every track;
the kind is `audio` (mp3 of 320 kbit/s) or `audio-low` (smaller; the file of track 3524
is called `24/3524.low.mp3`). There are a hundred tars, and each holds one folder: the
name of that of `24/` ends in `-24.tar`.
"""

import re
from pathlib import Path

from tagsmith.datasets.jamendo.tables import lines_of
from tagsmith.errors import DataError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TAR = re.compile(r"[\w-]+-\d\d\.tar")
_TRACK = re.compile(r"\d\d/\d+(\.low)?\.mp3")


def set_name(subset: str) -> str:
    """Return the name of the smallest set of audio that covers a subset of tags."""
    return "autotagging_moodtheme" if subset == "moodtheme" else "raw_30s"


def path(metadata: Path, subset: str, kind: str, what: str) -> Path:
    """Return where the checksums of `tars` or `tracks` are."""
    name = f"{set_name(subset)}_{kind}_sha256_{what}.txt"
    return metadata / "data" / "download" / name


def tars(metadata: Path, subset: str, kind: str) -> dict[str, tuple[str, str]]:
    """Read which tars there are.

    Returns:
        Name and SHA-256 of the tar that holds a folder, by the folder's name.

    Raises:
        DataError: A line is not a checksum and the name of a tar.
        MissingError: The file is not there.
    """
    checksums = _read(path(metadata, subset, kind, "tars"), _TAR)
    return {name[-6:-4]: (name, sha256) for name, sha256 in checksums.items()}


def tracks(metadata: Path, subset: str, kind: str) -> dict[str, str]:
    """Read the SHA-256 of every track by its path.

    Raises:
        DataError: A line is not a checksum and the path of a track.
        MissingError: The file is not there.
    """
    return _read(path(metadata, subset, kind, "tracks"), _TRACK)


def _read(manifest: Path, names: re.Pattern[str]) -> dict[str, str]:
    checksums = {}
    for number, line in lines_of(manifest):
        if not line:
            continue
        sha256, _, name = line.partition(" ")
        if not (_SHA256.fullmatch(sha256) and names.fullmatch(name.strip())):
            raise DataError(
                f"{manifest}, line {number} is not a SHA-256 and a name: {line!r}; "
                "check it out again"
            )
        checksums[name.strip()] = sha256
    return checksums
