"""The publisher's tars become audio: only those that are needed, one after the other.

Before it starts, the log says how much will come and how much room there is. A tar is
checked against the publisher's checksum, so is every track in it, and a track appears
whole or not at all; then the tar is removed. What is there is not fetched again.
"""

import hashlib
import tarfile
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tagsmith.config import JamendoDataset
from tagsmith.datasets import download, files
from tagsmith.datasets.jamendo import manifests
from tagsmith.errors import DataError
from tagsmith.store import atomic

SERVER = "https://cdn.freesound.org/mtg-jamendo"
LABEL = "jamendo"
ASKED_AT_ONCE = 8  # tars whose size is asked for
WAY_OUT = (
    "fetch it again; if that does not help, update the checkout of the publisher's "
    "repository"
)


@dataclass(frozen=True)
class Tar:
    """One of the publisher's archives.

    Attributes:
        name: File name, at the server and here.
        sha256: What the publisher says.
        address: Where it is served.
        part: Where it goes until it is unpacked.
        total_bytes: Its size; 0 if the server does not say.
    """

    name: str
    sha256: str
    address: str
    part: Path
    total_bytes: int


def fetch(config: JamendoDataset, missing: Collection[str]) -> None:
    """Download and unpack the tars that hold missing tracks.

    Every track of such a tar is unpacked, also those of no table.

    Args:
        config: Which audio is fetched, and where to.
        missing: Paths below `config.audio` that are not there.

    Raises:
        DataError: A tar or track is not what the publisher's checksums say, or a tar
            holds what they do not list.
        MissingError: The server does not answer, the disk has too little room, or the
            checksums are not in the checkout.
    """
    if not missing:
        return
    checksums = manifests.tracks(config.metadata, config.subset, config.fetch)
    tars = _tars(config, {path.split("/")[0] for path in missing})
    config.audio.mkdir(parents=True, exist_ok=True)
    download.announce(tars, config.audio, label=LABEL, kind="tars", server=SERVER)
    # Tracks take the room of their tar, and while one is unpacked it is there twice.
    files.refuse_full(
        config.audio,
        download.left(tars) + max(tar.total_bytes for tar in tars),
        purpose="to fetch and unpack the audio",
        way_out="make room, name a folder on another disk in dataset.audio, or set "
        "dataset.fetch to audio-low",
    )
    for tar, tick in download.counted(tars, label=LABEL):
        _bring(tar, config.audio, checksums, tick=tick)


def _tars(config: JamendoDataset, folders: Collection[str]) -> list[Tar]:
    known = manifests.tars(config.metadata, config.subset, config.fetch)
    unknown = sorted(set(folders) - set(known))
    if unknown:
        where = manifests.path(config.metadata, config.subset, config.fetch, "tars")
        raise DataError(
            f"{where} names no tar for the folders {', '.join(unknown)} of the tables; "
            "check both out again"
        )
    name = manifests.set_name(config.subset)
    wanted = [known[folder] for folder in sorted(folders)]
    addresses = [f"{SERVER}/{name}/{config.fetch}/{tar}" for tar, _ in wanted]
    # The first alone: where there is no network, one question is enough.
    sizes = [download.size(addresses[0])]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        sizes += pool.map(download.size, addresses[1:])
    return [
        Tar(tar, sha256, address, config.audio / f".{tar}.part", size)
        for (tar, sha256), address, size in zip(wanted, addresses, sizes, strict=True)
    ]


def _bring(
    tar: Tar, audio: Path, checksums: Mapping[str, str], *, tick: download.Tick
) -> None:
    download.fetch(tar.address, tar.part, total_bytes=tar.total_bytes, tick=tick)
    with tar.part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != tar.sha256:
        tar.part.unlink()
        raise DataError(
            f"{tar.address} is not the published file: expected sha256 {tar.sha256}, "
            f"got {found}; it is deleted: {WAY_OUT}"
        )
    _unpack(tar, audio, checksums)
    tar.part.unlink()


def _unpack(tar: Tar, audio: Path, checksums: Mapping[str, str]) -> None:
    """Write the tracks of a tar; nothing of one that holds anything else."""
    try:
        with tarfile.open(tar.part, "r:") as archive:
            members = [member for member in archive if not member.isdir()]
            for member in members:
                if not (member.isreg() and _path(member) in checksums):
                    raise DataError(
                        f"{tar.name} holds {member.name!r}, which is no track of the "
                        f"publisher's list; nothing is unpacked: {WAY_OUT}"
                    )
            for member in members:
                _write(archive, member, audio, checksums[_path(member)])
    except tarfile.TarError as error:
        raise DataError(f"{tar.name} is no tar ({error}); {WAY_OUT}") from error


def _path(member: tarfile.TarInfo) -> str:
    return str(PurePosixPath(member.name))  # without a leading ./


def _write(
    archive: tarfile.TarFile, member: tarfile.TarInfo, audio: Path, sha256: str
) -> None:
    target = audio / _path(member)
    source = archive.extractfile(member)
    if source is None or target.exists():
        return
    digest = hashlib.sha256()
    with source, atomic(target) as temporary:
        with temporary.open("wb") as file:
            while chunk := source.read(download.CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise DataError(
                f"{_path(member)} is not the published track: expected sha256 "
                f"{sha256}, got {digest.hexdigest()}; {WAY_OUT}"
            )
