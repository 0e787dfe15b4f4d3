"""Which tracks OpenMIC-2018 took its 20,000 clips from.

The array `sample_key` of `openmic-2018.npz` names clips by track and millisecond:
`000046_3840` is of track 46. In the published file it is an array of objects, which
NumPy reads only if it may run whatever the file says; here it may not.

References:
    Humphrey, Durand and McFee, OpenMIC-2018: An open data-set for multiple instrument
    recognition, ISMIR 2018; https://zenodo.org/records/1432913
"""

import _codecs
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from tagsmith.errors import DataError, MissingError

NAME = "openmic-2018.npz"
KEYS = "sample_key"
ADDRESS = "https://zenodo.org/records/1432913"
_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]  # makes an empty array of a type
_KEY = re.compile(r"\d{6}_\d+")


def track_ids(folder: Path) -> set[str]:
    """Return the tracks that clips are of, in six digits; see `sample_keys`."""
    return {key.partition("_")[0] for key in sample_keys(folder)}


def sample_keys(folder: Path) -> list[str]:
    """Return the names of the clips in their order.

    Args:
        folder: What the publisher's archive unpacks to.

    Raises:
        DataError: The file is not what it should be.
        MissingError: It is not there.
    """
    path = folder / NAME
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; the publisher's openmic-2018-v1.0.0.tgz unpacks to "
            f"its folder ({ADDRESS})"
        )
    keys = _keys(path)
    wrong = [key for key in keys if not _KEY.fullmatch(str(key))]
    if wrong or not keys:
        raise DataError(
            f"{path} must name clips as 000046_3840, and its {KEYS} is "
            f"{wrong[:3] or 'empty'}; unpack it again"
        )
    return [str(key) for key in keys]


def _keys(path: Path) -> list[Any]:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{KEYS}.npy") as file:
            keys: list[Any] = np.ravel(_array(file)).tolist()
            return keys
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError),
        *(pickle.UnpicklingError, LookupError, ValueError, TypeError, AttributeError),
    ) as error:
        raise DataError(
            f"{path} has no array of texts {KEYS} ({error}); unpack it again"
        ) from error


def _array(file: IO[bytes]) -> Any:  # noqa: ANN401 - what is in it is to be seen
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(file)]
    _, _, dtype = read_header(file)
    if dtype.hasobject:
        return _Texts(file).load()
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


class _Texts(pickle.Unpickler):
    """Unpickles arrays of texts, and calls nothing but what makes those."""

    makers: Mapping[str, Callable[..., Any]] = {
        "_reconstruct": _RECONSTRUCT,
        "ndarray": np.ndarray,
        "dtype": np.dtype,
        "encode": _codecs.encode,
    }

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """Return a maker by its name, whatever NumPy calls its modules today."""
        package = module.partition(".")[0]
        if name in self.makers and package in ("numpy", "_codecs"):
            return self.makers[name]
        raise pickle.UnpicklingError(f"it wants {module}.{name}")
