"""OpenMIC-2018: which of 20 instruments are heard in 20,000 clips of FMA's tracks.

The array `sample_key` of `openmic-2018.npz` names clips by track and millisecond:
`000046_3840` is of track 46. In the published file it is an array of objects, which
NumPy reads only if it may run whatever the file says; here nothing of it is run.

References:
    Humphrey, Durand and McFee, OpenMIC-2018: An open data-set for multiple instrument
    recognition, ISMIR 2018; https://zenodo.org/records/1432913
"""

import json
import pickle
import re
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError

CLIPS, CLASSES = "openmic-2018.npz", "class-map.json"
ARCHIVE = "openmic-2018-v1.0.0.tgz"
ADDRESS = "https://zenodo.org/records/1432913"
KEY = re.compile(r"([0-9]{6})_[0-9]+")  # a track of FMA's, and where the clip begins
SHOWN = 3  # names of clips that a message quotes
SPOILED = (  # what readers raise at bytes that mean nothing, or too much
    *(OSError, EOFError, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, MemoryError, RuntimeError, SyntaxError, tokenize.TokenError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class Clips:
    """What listeners said of clips.

    Attributes:
        tracks: The number of each clip's track in FMA, `(clips,)`.
        relevance: How sure they are that an instrument is heard, 0 to 1, `(clips,
            instruments)`.
        asked: Whether they were asked about it, `(clips, instruments)`.
    """

    tracks: NDArray[np.int64]
    relevance: NDArray[np.floating[Any]]
    asked: NDArray[np.bool_]


def read(folder: Path) -> Clips:
    """Read what listeners said.

    Args:
        folder: What the publisher's archive unpacks to.

    Raises:
        MissingError: A file is not there.
        DataError: A file is damaged, or not what the publisher describes.
    """
    _refuse_absent(folder, CLIPS, CLASSES)
    with _as_published(folder):
        columns = json.loads((folder / CLASSES).read_text("utf-8"))
        tracks = [int(track_id) for track_id in _track_ids(folder)]
        with np.load(folder / CLIPS, allow_pickle=False) as arrays:
            relevance, asked = arrays["Y_true"], arrays["Y_mask"]
        _check(columns, len(tracks), relevance, asked)
        return Clips(np.array(tracks), relevance, asked)


def track_ids(folder: Path) -> list[str]:
    """Return the track of every clip, in six digits; needs no file but the clips'.

    Args:
        folder: What the publisher's archive unpacks to.

    Raises:
        MissingError: The file is not there.
        DataError: It is damaged, or not what the publisher describes.
    """
    _refuse_absent(folder, CLIPS)
    with _as_published(folder):
        return _track_ids(folder)


def _refuse_absent(folder: Path, *names: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise MissingError(
                f"{folder / name} is not there; download {ARCHIVE} ({ADDRESS}), unpack "
                "it, and give its folder as `openmic`"
            )


@contextmanager
def _as_published(folder: Path) -> Iterator[None]:
    try:
        yield
    except (DataError, *SPOILED) as error:
        raise DataError(
            f"{folder} is not OpenMIC-2018 as published: {error}; unpack {ARCHIVE} "
            "again"
        ) from error


def _check(
    columns: dict[str, int], clips: int, relevance: NDArray[Any], asked: NDArray[Any]
) -> None:
    shape = (clips, len(columns))
    if relevance.shape != shape or asked.shape != shape or asked.dtype != bool:
        raise DataError(
            f"Y_true and Y_mask (booleans) must be {shape}, clips and instruments, got "
            f"{relevance.shape} and {asked.dtype} {asked.shape}"
        )
    if sorted(columns.values()) != list(range(len(columns))):
        raise DataError(f"{CLASSES} must name a column each, got {columns}")
    known = relevance[asked]
    if not ((known >= 0) & (known <= 1)).all():
        raise DataError("Y_true must be from 0 to 1 wherever Y_mask is true")


# --- the names of the clips


def _track_ids(folder: Path) -> list[str]:
    keys = _keys(folder / CLIPS)
    matches = [KEY.fullmatch(key) if isinstance(key, str) else None for key in keys]
    found = [match[1] for match in matches if match]
    if len(found) < len(keys) or not keys:
        wrong = [k for k, match in zip(keys, matches, strict=True) if not match]
        raise DataError(
            f"{CLIPS} must name clips as 000046_3840, and its sample_key is "
            f"{wrong[:SHOWN] or 'empty'}"
        )
    return found


def _keys(path: Path) -> list[Any]:
    """Read `sample_key`, an array of texts or, as published, of objects."""
    with zipfile.ZipFile(path) as archive, archive.open("sample_key.npy") as file:
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(file)]
        _, _, dtype = header(file)
        if dtype.hasobject:
            return _objects(file)
    with np.load(path, allow_pickle=False) as arrays:
        keys: list[Any] = np.ravel(arrays["sample_key"]).tolist()
        return keys


def _objects(file: IO[bytes]) -> list[Any]:
    """Return the objects of a pickled array without running what a pickle may name."""
    *_, objects = _Passive(file).load().state
    if not isinstance(objects, list):
        raise TypeError(f"sample_key holds {type(objects).__name__}, not texts")
    return objects


class _Part:
    """Stands for an array or its type: keeps what the pickle says of it."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def __repr__(self) -> str:
        return "no text"


class _Passive(pickle.Unpickler):
    """Reads a pickle in which every name stands for nothing but a part."""

    def find_class(self, module: str, name: str) -> type[_Part]:  # noqa: ARG002
        return _Part
