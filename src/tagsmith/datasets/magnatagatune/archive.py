"""The publisher's three parts, joined as they are read, become files.

What comes out was checked three times: the parts together by their checksum, the list
of files by what a path may be, and every file by the archive's own checksum.
"""

import io
import logging
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from tqdm import tqdm

from tagsmith.datasets import files
from tagsmith.datasets.magnatagatune import culprit
from tagsmith.datasets.magnatagatune.joined import Joined
from tagsmith.errors import DataError
from tagsmith.store import atomic

logger = logging.getLogger(__name__)

PARTS = ("mp3.zip.001", "mp3.zip.002", "mp3.zip.003")
CHUNK_BYTES = 1 << 20
ENCRYPTED = 0x1  # bit of a member's flags


def unpack(folder: Path, listed: Collection[str], *, checksum: str) -> None:
    """Unpack the parts in a folder into it.

    A file that is there with the archive's size and checksum is left; any other
    appears whole or not at all.

    Args:
        folder: It holds all of `PARTS`.
        listed: Paths that are unpacked; others stay in the archive.
        checksum: Of the joined parts, `md5:` or `sha256:` and digits; empty for parts
            that the user vouches for.

    Raises:
        DataError: The archive is not the checksum's, cannot be read, or holds what is
            not to be unpacked; then nothing is.
        MissingError: The disk has too little room.
    """
    joined = Joined([folder / name for name in PARTS])
    with io.BufferedReader(joined, CHUNK_BYTES) as file:
        logger.info(
            "magnatagatune: checking %.1f GB of parts", joined.ends[-1] / files.GB
        )
        found = files.checksum(file, like=checksum)
        if found != checksum:
            expected = f"expected {checksum}, got {found}"
            logger.info(
                "magnatagatune: it is another; looking for the part that is wrong"
            )
            raise DataError(_wrong(folder, expected, culprit.find(file, joined)))
        try:
            with zipfile.ZipFile(file) as archive:
                _unpack(archive, folder, listed)
        except culprit.BROKEN as error:
            wrong = culprit.find(file, joined)
            raise DataError(_wrong(folder, str(error), wrong)) from error


def _wrong(folder: Path, evidence: str, part: str) -> str:
    names = f"{PARTS[0]} to {PARTS[-1].rpartition('.')[2]}"
    told = f"{names} in {folder} are not the published archive ({evidence}): "
    if not part:
        return told + (
            "every file in it is what it says of itself; fetch all parts again, or set "
            "dataset.audio_checksum to '' for an archive of your own"
        )
    return told + f"{part} is wrong; delete it and fetch it again; others may be right"


# --- files of the archive


def _unpack(archive: zipfile.ZipFile, folder: Path, listed: Collection[str]) -> None:
    members = dict(_members(archive))
    wanted = {path: info for path, info in members.items() if path in listed}
    todo = {p: i for p, i in wanted.items() if not _is_there(folder / p, i)}
    logger.info(
        "magnatagatune: unpacking %d files into %s; %d are there, %d are not in the "
        "annotations",
        len(todo),
        folder,
        len(wanted) - len(todo),
        len(members) - len(wanted),
    )
    files.refuse_full(
        folder,
        sum(info.file_size for info in todo.values()),
        purpose="to unpack the audio",
        way_out="make room, or name a folder on another disk in dataset.folder",
    )
    for path, info in tqdm(todo.items(), unit="file", disable=None):
        with (
            atomic(folder / path) as temporary,
            archive.open(info) as source,
            temporary.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, CHUNK_BYTES)


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Yield the archive's files by path, none of which may surprise."""
    seen: set[str] = set()
    for info in archive.infolist():
        path = str(PurePosixPath(info.filename))  # without a leading ./
        fault = _fault(info) or ("is there twice" if path in seen else "")
        if fault:
            raise DataError(
                f"the archive holds {info.orig_filename!r}, which {fault}; nothing is "
                "unpacked: fetch the publisher's parts again"
            )
        if not info.is_dir():
            seen.add(path)
            yield path, info


def _fault(info: zipfile.ZipInfo) -> str:
    """Say why a file must not be unpacked; empty if it may."""
    name = PureWindowsPath(info.orig_filename)  # takes / and \ for separators
    if name.anchor or ".." in name.parts or "\0" in info.orig_filename:
        return "leads outside its folder"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.flag_bits & ENCRYPTED:
        return "is encrypted"
    return ""


def _is_there(path: Path, info: zipfile.ZipInfo) -> bool:
    if not path.is_file() or path.stat().st_size != info.file_size:
        return False
    return zlib.crc32(path.read_bytes()) == info.CRC
