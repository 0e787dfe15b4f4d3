"""Where documents lie: a folder, or an address that fsspec reads.

Both list the `.json` files below them, however deep, and give their bytes. A root that
`tagsmith read-documents` wrote is told by the two files that it holds.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

import fsspec
import numpy as np
import pandas as pd

from tagsmith.errors import DataError, MissingError

STATISTICS_FILE, INDEX_FILE = "statistics.npy", "documents.parquet"
SUFFIX = ".json"
BLOCK = 1_000  # files that are Python objects at a time
AT_ONCE = 100  # documents that are fetched together, some 8 MB
PACKAGES = {  # what fsspec needs for some addresses
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "az": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
}

Found = tuple[str, str]  # a POSIX path below the root, and what tells its version
VERSION_BYTES = 8


class Root(Protocol):
    """Something that holds documents; `name` is what messages call it."""

    @property
    def name(self) -> str:
        """What the user called it."""

    def walk(self) -> Iterator[Found]:
        """Yield the documents below it, in any order."""

    def contents(self, paths: Sequence[str]) -> Iterator[bytes | str]:
        """Yield the bytes of each document, or why it cannot be read, as text."""

    def holds(self, name: str) -> bool:
        """Say whether a file lies directly in it."""

    def open(self, name: str) -> BinaryIO:
        """Open such a file for reading; it can be sought in."""


def opened(root: str) -> Root:
    """Return what stands for a folder or an address.

    Args:
        root: A folder's path, or an address with `://`.

    Raises:
        DataError: fsspec knows no such addresses.
        MissingError: There is no such folder, or a package is missing for the address.
    """
    if "://" in root:
        return _at(root)
    if not Path(root).is_dir():
        raise MissingError(
            f"{root} is no folder of documents; name the folder or address that the "
            f"{SUFFIX} files lie below"
        )
    return Folder(root)


def listed(root: Root) -> pd.DataFrame:
    """Return the `path` of each document of a root, and a number for its `version`."""
    found = root.walk()
    blocks = iter(lambda: list(islice(found, BLOCK)), [])
    return pd.concat([_block([]), *map(_block, blocks)], ignore_index=True)


def ids_of(paths: pd.Series) -> pd.Series:
    """Return the ids of documents: the names of their files without `.json`."""
    return paths.str.rpartition("/")[2].str.removesuffix(SUFFIX)


def _block(found: Sequence[Found]) -> pd.DataFrame:
    digests = [blake2b(v.encode(), digest_size=VERSION_BYTES) for _, v in found]
    versions = [int.from_bytes(digest.digest()) for digest in digests]
    return pd.DataFrame(
        {
            "path": pd.Series([path for path, _ in found], dtype="str"),
            "version": np.array(versions, np.uint64),
        }
    )


def _is_document(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


@dataclass(frozen=True)
class Folder:
    """A folder of this machine."""

    name: str

    def walk(self) -> Iterator[Found]:
        """Yield the documents below it; links to folders are not followed."""
        for folder, _, names in os.walk(self.name):
            below = os.path.relpath(folder, self.name).replace(os.sep, "/")
            prefix = "" if below == "." else f"{below}/"
            for name in filter(_is_document, names):
                yield prefix + name, _stated(f"{folder}/{name}")

    def contents(self, paths: Sequence[str]) -> Iterator[bytes | str]:
        """Yield the bytes of each document, or why it cannot be read, as text."""
        for path in paths:
            try:
                with open(f"{self.name}/{path}", "rb", buffering=0) as file:  # noqa: PTH123 - millions of them
                    yield file.read()
            except OSError as error:
                yield f"cannot be read: {error.strerror}"

    def holds(self, name: str) -> bool:
        """Say whether a file lies directly in it."""
        return Path(self.name, name).is_file()

    def open(self, name: str) -> BinaryIO:
        """Open such a file for reading."""
        return Path(self.name, name).open("rb")


@dataclass(frozen=True)
class Address:
    """A place that fsspec reads, such as a prefix of a bucket."""

    name: str
    files: fsspec.AbstractFileSystem
    prefix: str

    def walk(self) -> Iterator[Found]:
        """Yield the documents below it."""
        with _reachable(self.name):
            for folder, _, infos in self.files.walk(
                self.prefix, detail=True, on_error="raise"
            ):
                below = folder[len(self.prefix) :].strip("/")
                prefix = f"{below}/" if below else ""
                for name in filter(_is_document, infos):
                    yield prefix + name, _version(infos[name])

    def contents(self, paths: Sequence[str]) -> Iterator[bytes | str]:
        """Yield the bytes of each document, or why it cannot be read, as text."""
        for start in range(0, len(paths), AT_ONCE):
            full = [self._full(path) for path in paths[start : start + AT_ONCE]]
            with _reachable(self.name):
                found = self.files.cat(full, on_error="return")
                for path in full:
                    yield _content(found[path])

    def holds(self, name: str) -> bool:
        """Say whether a file lies directly in it."""
        with _reachable(self.name):
            return bool(self.files.isfile(self._full(name)))

    def open(self, name: str) -> BinaryIO:
        """Open such a file for reading."""
        with _reachable(self.name):
            file: BinaryIO = self.files.open(self._full(name), "rb")
            return file

    def _full(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path


def _at(address: str) -> Address:
    protocol = address.partition("://")[0]
    try:
        with _reachable(address):
            files, prefix = fsspec.url_to_fs(address)
    except ValueError as error:
        raise DataError(
            f"{address} is no address that can be read: {error}; use one such as "
            "s3://BUCKET/PREFIX, or a folder's path"
        ) from error
    except ImportError as error:
        package = PACKAGES.get(protocol, "what the message says")
        raise MissingError(
            f"{address} cannot be read without a package for {protocol}: {error}; "
            f"install it (pip install {package}), or copy the documents to a folder"
        ) from error
    return Address(address, files, prefix.rstrip("/"))


def _stated(path: str) -> str:
    try:
        stat = os.stat(path)  # noqa: PTH116 - millions of them
    except OSError:  # a link to nowhere: reading it will say so
        return "unknown"
    return f"{stat.st_size}|{stat.st_mtime_ns}"


def _version(info: dict[str, object]) -> str:
    keys = ("ETag", "etag", "mtime", "LastModified", "updated", "created", "date_time")
    told = (str(info[key]) for key in keys if info.get(key) is not None)
    return f"{info.get('size')}|{next(told, '')}"


def _content(found: bytes | Exception) -> bytes | str:
    match found:
        case bytes():
            return found
        case FileNotFoundError() | PermissionError() | IsADirectoryError():
            return f"cannot be read: {type(found).__name__}"
    raise found


@contextmanager
def _reachable(address: str) -> Iterator[None]:
    """Tell in a sentence what a server, or the way to it, objects to."""
    try:
        yield
    except (ImportError, ValueError, MissingError):
        raise
    except Exception as error:  # each store has a family of errors of its own
        raise MissingError(
            f"{address} cannot be read: {type(error).__name__}: {error}; see that the "
            "name is right, that it can be reached from here and with which "
            "credentials, or copy the documents to a folder"
        ) from error
