"""Reading anybody's matrices: every objection names the file it is about.

A matrix is a `.npy` file of `(tracks, tags)`. Pickles are not opened: they run code.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.core import carry, metrics
from tagsmith.errors import DataError, MissingError

Matrix = NDArray[Any]
UNREADABLE = (ValueError, OSError, OverflowError, SyntaxError, TokenError)


def truth(path: Path) -> metrics.Truth:
    """Read which tags each track has.

    Raises:
        MissingError: The file is not there.
        DataError: It is not a matrix of zeros and ones.
    """
    with _about(path):
        return metrics.binary(_matrix(path), "truth")


def scores(path: Path, truth: metrics.Truth) -> Matrix:
    """Read scores of the tracks and tags of `truth`, in their own precision.

    Raises:
        MissingError: The file is not there.
        DataError: It is not a matrix of finite numbers, or has another shape.
    """
    with _about(path):
        matrix = _matrix(path)
        metrics.checked(truth, matrix)
        return matrix


def decisions(path: Path, truth: metrics.Truth) -> metrics.Decisions:
    """Read decisions about the tracks and tags of `truth`.

    Raises:
        MissingError: The file is not there.
        DataError: It is not a matrix of zeros and ones, or has another shape.
    """
    with _about(path):
        matrix = _matrix(path)
        metrics.confusion(truth, matrix)
        return metrics.binary(matrix, "decisions")


def names(path: Path, truth: metrics.Truth) -> list[str]:
    """Read the names of the tags of `truth`, one a line.

    Raises:
        MissingError: The file is not there.
        DataError: It names more or fewer tags, or one twice.
    """
    with _about(path):
        tags = _lines(path)
        if len(tags) != truth.shape[1]:
            raise DataError(
                f"one tag a line is expected; it names {len(tags)} tags, truth has "
                f"{truth.shape[1]}"
            )
        twice = sorted({tag for tag in tags if tags.count(tag) > 1})
        if twice:
            raise DataError(f"tags must differ, but it names {twice} more than once")
        return tags


def free_scores(path: Path) -> metrics.Values:
    """Read scores `(items, tags)` that no truth goes with.

    Raises:
        MissingError: The file is not there.
        DataError: It is not a matrix of finite numbers.
    """
    with _about(path):
        return carry.finite(_matrix(path, "(items, tags)"), "scores", "(items, tags)")


def free_names(path: Path, what: str) -> list[str]:
    """Read names that no truth goes with, one a line.

    Args:
        path: A text file.
        what: What is named there, such as `class`.

    Raises:
        MissingError: The file is not there.
        DataError: It names nothing, or one thing twice.
    """
    with _about(path):
        found = _lines(path, what)
        if not found:
            raise DataError(f"one {what} a line is expected; it is empty")
        twice = sorted(name for name, times in Counter(found).items() if times > 1)
        if twice:
            raise DataError(f"it names a {what} more than once: {twice}")
        return found


def class_indices(path: Path, *, items: int, classes: int) -> NDArray[np.intp]:
    """Read which class each item is of.

    Args:
        path: A `.npy` file of integers `(items,)`, counted from 0.
        items: How many there must be.
        classes: How many there are to choose from.

    Raises:
        MissingError: The file is not there.
        DataError: It holds more or fewer, what is no integer, or no class's index.
    """
    with _about(path):
        indices = _matrix(path, "(items,)")
        if indices.shape != (items,):
            raise DataError(
                f"truth must be one class index per item, ({items},), got "
                f"{indices.shape}"
            )
        if indices.dtype.kind not in "iu":
            raise DataError(
                f"truth must be class indices, which are integers, got {indices.dtype}"
            )
        strange = indices[(indices < 0) | (indices >= classes)]
        if strange.size:
            raise DataError(
                f"class indices go from 0 to {classes - 1}, got {strange[0]} "
                f"({strange.size} such values of {items}); is the first class 0?"
            )
        return indices.astype(np.intp)


def _matrix(path: Path, shape: str = "(tracks, tags)") -> Matrix:
    if not path.exists():
        raise MissingError(f"{path} is not there; expected a .npy file {shape}")
    try:
        # Mapped: a header that promises more than the file holds is refused at once.
        return np.array(np.lib.format.open_memmap(path, mode="r"))
    except UNREADABLE as error:
        raise DataError(
            f"not a .npy file of numbers ({error}); write it with numpy.save"
        ) from error


def _lines(path: Path, what: str = "tag") -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError as error:
        raise MissingError(
            f"{path} is not there; expected one {what} a line"
        ) from error
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"not a text file in UTF-8 ({error})") from error
    return [line for line in lines if line]


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Say which file an objection is about."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
