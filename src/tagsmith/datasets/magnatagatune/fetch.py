"""The publisher's files come into a folder, each whole or not at all.

Before it starts, the log says how much will come and how much room there is. A broken
download goes on where it stopped, in this run or the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagsmith.datasets import download, files

SERVER = "https://mirg.city.ac.uk/datasets/magnatagatune"
LABEL = "magnatagatune"


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
    def name(self) -> str:
        """The publisher's name of it."""
        return self.path.name

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"{SERVER}/{self.name}"

    @property
    def part(self) -> Path:
        """Where it grows."""
        return self.path.with_name(f".{self.path.name}.part")


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
    download.announce(wanted, folder, label=LABEL, kind="files", server=SERVER)
    files.refuse_full(
        folder,
        download.left(wanted) + (_unpacked_bytes(paths, wanted) if unpacked else 0),
        purpose="to fetch and unpack what is not there",
        way_out="make room, or name a folder on another disk in dataset.folder",
    )
    for file, tick in download.counted(wanted, label=LABEL):
        download.fetch(file.address, file.part, total_bytes=file.total_bytes, tick=tick)
        file.part.replace(file.path)


def _unpacked_bytes(paths: Sequence[Path], wanted: Sequence[File]) -> int:
    """Return the room of what is unpacked: mp3s take as much as an archive of them."""
    there = sum(path.stat().st_size for path in paths if path.is_file())
    return there + sum(file.total_bytes for file in wanted)
