"""Audio files of a publisher, or of your own, and how they come into `raw/`.

Files keep the folders that they came in, so that DVC versions them under their own
names. They are copied, so that nothing that is done to them afterwards changes what was
learnt from; or, where a data set is too large to be kept twice, hard-linked.
"""

import filecmp
import hashlib
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BufferedIOBase
from pathlib import Path, PurePosixPath, PureWindowsPath

from tagsmith.errors import DataError, MissingError
from tagsmith.store import atomic

GB = 1e9
SHOWN = 3  # files that a message names


def leads_outside(path: str, root: Path) -> bool:
    """Say whether a POSIX path, or a link that it names, lies elsewhere than in `root`.

    Args:
        path: As a publisher wrote it; it need not exist.
        root: Folder that it should be below.
    """
    pure = PurePosixPath(path)
    if "\0" in path or pure.is_absolute() or PureWindowsPath(path).drive:
        return True
    try:  # links count too: the file that is read must lie below the root
        inside = (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links that lead in a circle
        return True
    return not inside or ".." in pure.parts


def is_file(path: Path) -> bool:
    """Say whether a file is there; a name that is too long is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def checksum(file: BufferedIOBase, *, like: str) -> str:
    """Return the checksum of what is left of a file, written as another one is.

    Args:
        file: Open for reading.
        like: `md5:` or `sha256:` and digits; or empty, and so is what is returned.
    """
    algorithm = like.partition(":")[0]
    if not algorithm:
        return ""
    return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def refuse_raw(raw: Path, **paths: Path) -> None:
    """Refuse a data set that lies where its copies will.

    Args:
        raw: Folder of the copies.
        paths: What the user named, by its key below `dataset`.

    Raises:
        DataError: One of them is in `raw`.
    """
    for name, path in paths.items():
        if path.resolve().is_relative_to(raw.resolve()):
            raise DataError(
                f"dataset.{name} is {path}, but {raw} is for the copies, and what is "
                "not listed is removed from there; keep your music elsewhere"
            )


def refuse_links(paths: Iterable[str], audio: Path) -> None:
    """Refuse links that lead out of a folder of audio.

    Args:
        paths: POSIX paths below it, as a publisher has them.
        audio: What `dataset.audio` names.

    Raises:
        DataError: One does.
    """
    for path in paths:
        if leads_outside(path, audio):
            raise DataError(
                f"{audio / path} is a link that leads out of {audio}; put the audio "
                "there, or name the folder that holds it in dataset.audio"
            )


def refuse_full(folder: Path, needed_bytes: int, *, purpose: str, way_out: str) -> None:
    """Refuse to begin what the disk has too little room for.

    Args:
        folder: Where it would go.
        needed_bytes: How much room it takes.
        purpose: What the room is needed for: `to unpack the audio`.
        way_out: What to do about it.

    Raises:
        MissingError: There is less room.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise MissingError(
            f"{folder} has {free_bytes / GB:.1f} GB free, but {needed_bytes / GB:.1f} "
            f"GB are needed {purpose}; {way_out}"
        )


def refuse_missing(
    missing: Sequence[str], tracks: int, folder: Path, *, way_out: str
) -> None:
    """Refuse a data set whose audio is not there.

    Args:
        missing: POSIX paths below `folder`; nothing happens if there are none.
        tracks: How many the data set has.
        folder: Where they should be.
        way_out: What to do about it.

    Raises:
        MissingError: Something is missing; the first are named.
    """
    if not missing:
        return
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    raise MissingError(
        f"{len(missing)} of {tracks} audio files are not below {folder}: "
        f"{', '.join(missing[:SHOWN])}{more}; {way_out}"
    )


def copy_all(paths: Iterable[str], root: Path, raw: Path, *, workers: int) -> int:
    """Copy files from below `root` to below `raw`; what is there already is left.

    Args:
        paths: POSIX paths below `root`, and then below `raw`.
        root: Where the files are.
        raw: Where they go.
        workers: Files copied at a time; -1 lets Python choose.

    Returns:
        How many were copied.
    """
    return _bring_all(paths, root, raw, workers=workers, link=False)


def link_all(paths: Iterable[str], root: Path, raw: Path, *, workers: int) -> int:
    """Hard-link files from below `root` to below `raw`, as `copy_all` copies them.

    A hard link is a second name of the same bytes: it takes no room, survives the
    removal of the first, and an edit of the first in place is an edit of both. Where
    the filesystem allows none (another disk, another owner), the file is copied.

    Returns:
        How many were linked or copied.
    """
    return _bring_all(paths, root, raw, workers=workers, link=True)


def _bring_all(
    paths: Iterable[str], root: Path, raw: Path, *, workers: int, link: bool
) -> int:
    pairs = ((root / path, raw / path) for path in paths)
    bring = partial(_bring, link=link)
    with ThreadPoolExecutor(workers if workers > 0 else None) as pool:
        return sum(pool.map(lambda pair: bring(*pair), pairs))


def _bring(source: Path, target: Path, *, link: bool) -> bool:
    """Bring a file, whole or not at all; return False if it is there already."""
    # Equal times and sizes, or equal bytes: `dvc checkout` gives another time.
    if target.is_file() and filecmp.cmp(source, target):
        return False
    if link and _linked(source, target):
        return True
    with atomic(target) as temporary:
        shutil.copy2(source, temporary)
    return True


def _linked(source: Path, target: Path) -> bool:
    """Give a file a second name; return False if the filesystem refuses."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.link")
    temporary.unlink(missing_ok=True)
    try:
        # Of a symbolic link, the file that it leads to.
        temporary.hardlink_to(source.resolve())
    except OSError:
        return False
    temporary.replace(target)
    return True
