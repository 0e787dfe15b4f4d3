"""Read OpenMIC-2018: which of 20 instruments are heard in 20,000 clips of FMA's tracks.

References:
    Humphrey, Durand and McFee, OpenMIC-2018: an open data set for multiple instrument
    recognition, ISMIR 2018; https://doi.org/10.5281/zenodo.1432913
"""

import json
import pickle
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError

CLIPS, CLASSES = "openmic-2018.npz", "class-map.json"
KEY = re.compile(r"(\d+)_\d+")  # a track of FMA's, and where in it the clip begins
SPOILED = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
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
    """Read the publisher's folder.

    Raises:
        MissingError: A file is not there.
        DataError: A file is damaged, or not what the publisher describes.
    """
    for name in (CLIPS, CLASSES):
        if not (folder / name).is_file():
            raise MissingError(
                f"{folder / name} is not there; download OpenMIC-2018 (Zenodo record "
                "1432913), unpack it, and give its folder as `openmic`"
            )
    try:
        columns = json.loads((folder / CLASSES).read_text("utf-8"))
        keys = _keys(folder / CLIPS)
        with np.load(folder / CLIPS, allow_pickle=False) as arrays:
            relevance, asked = arrays["Y_true"], arrays["Y_mask"]
        _check(columns, keys, relevance, asked)
        return Clips(np.array([_track(key) for key in keys]), relevance, asked)
    except (DataError, *SPOILED) as error:
        raise DataError(
            f"{folder} is not OpenMIC-2018 as published: {error}; download it again"
        ) from error


def _check(
    columns: dict[str, int],
    keys: list[Any],
    relevance: NDArray[Any],
    asked: NDArray[Any],
) -> None:
    shape = (len(keys), len(columns))
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


def _track(key: Any) -> int:  # noqa: ANN401 - what the file has
    match = KEY.fullmatch(key)
    if match is None:
        raise DataError(f"sample_key must be like 000046_3840, got {key!r}")
    return int(match[1])


def _keys(path: Path) -> list[Any]:
    """Read `sample_key`, an array of strings or, as published, of objects."""
    with zipfile.ZipFile(path) as archive, archive.open("sample_key.npy") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"sample_key is in version {version} of NumPy's format")
        _, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject:
            return _objects(file)
    with np.load(path, allow_pickle=False) as arrays:
        keys: list[Any] = arrays["sample_key"].tolist()
        return keys


def _objects(file: IO[bytes]) -> list[Any]:
    """Return the objects of a pickled array without running what a pickle may name."""
    *_, objects = _Passive(file).load().state
    if not isinstance(objects, list):
        raise TypeError(f"sample_key holds {type(objects).__name__}, not strings")
    return objects


class _Part:
    """Stands for an array or its type: keeps what the pickle says of it."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


class _Passive(pickle.Unpickler):
    """Reads a pickle in which every name stands for nothing but a part."""

    def find_class(self, module: str, name: str) -> type[_Part]:  # noqa: ARG002
        return _Part
