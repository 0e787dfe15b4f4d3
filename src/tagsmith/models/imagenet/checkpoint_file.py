"""Read tensors from a PyTorch checkpoint of the old form, without PyTorch.

The old form is a row of pickles (a magic number, a version, the writer's machine, the
checkpoint, the names of its storages) with the storages' bytes behind them. A pickle
can name any code; this reader knows the few names that tensors need and refuses others.
"""

import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}
SPOILED = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    struct.error,
)

Tensors = dict[str, NDArray[Any]]


def read(path: Path) -> Tensors:
    """Return the tensors of a checkpoint by their names.

    Raises:
        DataError: The file is of another form, damaged, or names anything but tensors.
    """
    try:
        with path.open("rb") as file:
            return _tensors(file)
    except SPOILED as error:
        raise DataError(
            f"{path} is not a PyTorch checkpoint of tensors in the form before "
            f"version 1.6: {error}"
        ) from error


@dataclass(frozen=True)
class _Storage:
    """A stretch of numbers that tensors look at."""

    key: str
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class _View:
    """A tensor before its storage has been read."""

    storage: _Storage
    offset: int
    shape: Sequence[int]
    strides: Sequence[int]

    def of(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return the tensor, a copy of its part of the storage."""
        steps = zip(self.shape, self.strides, strict=True)
        last = self.offset + sum((length - 1) * stride for length, stride in steps)
        if min(self.shape, default=1) < 1 or not 0 <= self.offset <= last < len(
            numbers
        ):
            raise ValueError(f"a tensor looks at {last} of {len(numbers)} numbers")
        strides = [stride * numbers.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(
            numbers[self.offset :], self.shape, strides, writeable=False
        )
        return view.copy()


class _Reader(pickle.Unpickler):
    """Builds views of storages and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """Return what stands for a name of the checkpoint's."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no tensor")

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401
        """Return what stands for a storage."""
        kind, dtype, key, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"it refers to a {kind!r}, not to a storage")
        return _Storage(key, dtype)


def _view(
    storage: _Storage,
    offset: int,
    shape: Sequence[int],
    strides: Sequence[int],
    *_: object,
) -> _View:
    return _View(storage, offset, shape, strides)


def _tensors(file: BinaryIO) -> Tensors:
    magic, _version, _machine = (_Reader(file).load() for _ in range(3))
    if magic != MAGIC:
        raise ValueError(f"it begins with {magic!r}")
    views: Mapping[str, _View] = _Reader(file).load()
    keys: Sequence[str] = _Reader(file).load()
    dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
    numbers = {key: _numbers(file, dtypes[key]) for key in keys}
    return {name: view.of(numbers[view.storage.key]) for name, view in views.items()}


def _numbers(file: BinaryIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    (count,) = struct.unpack("<q", file.read(8))
    content = file.read(count * dtype.itemsize)
    numbers: NDArray[Any] = np.frombuffer(content, dtype)
    if len(numbers) != count:
        raise ValueError(f"it ends after {len(numbers)} of {count} numbers")
    return numbers
