"""The publisher's files come into a folder, each whole or not at all.

Before it starts, the log says how much will come and how much room there is. A broken
download goes on where it stopped, in this run or the next.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from tagsmith.datasets import download
from tagsmith.errors import MissingError

logger = logging.getLogger(__name__)

SERVER = "https://mirg.city.ac.uk/datasets/magnatagatune"
GB = 1e9


@dataclass(frozen=True)
class File:
    """One of the publisher's files.

    Attributes:
        path: Where it is when it is whole.
        total_bytes: Its size; 0 if the server does not say.
    """

    path: Path
    total_bytes: int

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"{SERVER}/{self.path.name}"

    @property
    def part(self) -> Path:
        """Where it grows."""
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def begun_bytes(self) -> int:
        """How much of it has come."""
        return download.there(self.part)


def fetch(paths: Sequence[Path], *, unpacked: bool) -> None:
    """Download files that are not there.

    Args:
        paths: Where they go, all into one folder; their names are the publisher's.
        unpacked: Whether they will be, so that their room is needed twice.

    Raises:
        MissingError: The server does not answer or does not have one of them, or the
            disk has too little room.
    """
    missing = [path for path in paths if not path.is_file()]
    if not missing:
        return
    wanted = [File(path, download.size(f"{SERVER}/{path.name}")) for path in missing]
    folder = missing[0].parent
    folder.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for path in paths if path.is_file())
    _announce(wanted, folder, later_bytes=there if unpacked else None)
    # disable=None: no bar where nobody looks, in a log.
    with tqdm(
        total=sum(file.total_bytes for file in wanted),
        initial=sum(file.begun_bytes for file in wanted),
        unit="B",
        unit_scale=True,
        disable=None,
    ) as bar:
        for number, file in enumerate(wanted, start=1):
            _bring(file, tick=bar.update)
            logger.info(
                "magnatagatune: %s is there, %d of %d",
                file.path.name,
                number,
                len(wanted),
            )


def _announce(wanted: Sequence[File], folder: Path, *, later_bytes: int | None) -> None:
    """Say how much will come and how much room there is; refuse if it is too little."""
    left = sum(max(file.total_bytes - file.begun_bytes, 0) for file in wanted)
    needed = left
    if later_bytes is not None:  # mp3s take as much room as an archive of them
        needed += later_bytes + sum(file.total_bytes for file in wanted)
    free = shutil.disk_usage(folder).free
    unsized = sum(not file.total_bytes for file in wanted)
    logger.info(
        "magnatagatune: %d files of %s are still to come, %.1f GB%s; %.1f GB are free "
        "at %s",
        len(wanted),
        SERVER,
        left / GB,
        f" and {unsized} of unknown size" if unsized else "",
        free / GB,
        folder,
    )
    if free < needed:
        raise MissingError(
            f"{folder} has {free / GB:.1f} GB free, but {needed / GB:.1f} GB are "
            "needed to fetch and unpack what is not there; make room, or name a folder "
            "on another disk in dataset.folder"
        )


def _bring(file: File, *, tick: download.Tick) -> None:
    download.fetch(file.address, file.part, total_bytes=file.total_bytes, tick=tick)
    file.part.replace(file.path)
