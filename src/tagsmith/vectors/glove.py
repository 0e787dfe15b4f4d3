"""Read GloVe's text files: a word and its numbers a line, of any dimension.

The largest have two million words of 300 numbers, so the file is parsed a block of
lines at a time, and only float32 and the words are kept.

References:
    Pennington, Socher and Manning, GloVe: global vectors for word representation,
    EMNLP 2014; https://nlp.stanford.edu/projects/glove
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from tagsmith.errors import DataError, MissingError
from tagsmith.vectors.table import Found, Values, named

BLOCK_LINES = 4096  # 12 MB of text at 300 numbers a line
AGAIN = "download it again"


def read(path: Path) -> Found:
    """Read a file, plain or compressed (`.gz`); a word's first line counts.

    Words may have spaces in them, as some of the 840B file do: the numbers are counted
    from the right, and the first line says how many they are.

    Raises:
        MissingError: The file is not there.
        DataError: It is empty, cut short or damaged, or something that should be a
            finite number is none; the message names the line.
    """
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; download and unpack a file of GloVe's (a word and "
            "its numbers a line), or use `kind: glove_package`"
        )
    known: dict[str, None] = {}
    numbers = bytearray()  # grows in place; nobody knows how many words there are
    dimensions = 0
    with _about(path), _opened(path) as file:
        for begin, lines in _blocks(file):
            dimensions = dimensions or _dimensions(lines[0])
            words, values = _parsed(lines, begin, dimensions)
            numbers += values[_new(words, known)].tobytes()
        if not known:
            raise DataError(
                f"a word and its numbers a line are expected, got 0 lines; {AGAIN}"
            )
    values = np.frombuffer(numbers, np.float32).reshape(-1, dimensions)
    return Found(list(known), values, named(path))


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Say which file an objection is about."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read to its end ({error}); {AGAIN}"
        ) from error


def _blocks(lines: Iterable[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield blocks of lines, each with the number of its first, from 1."""
    lines, begin = iter(lines), 1
    while block := list(islice(lines, BLOCK_LINES)):
        yield begin, block
        begin += len(block)


def _dimensions(line: bytes) -> int:
    dimensions = line.rstrip().count(b" ")
    if dimensions == 0:
        raise DataError(
            "line 1: expected a word and its numbers, parted by spaces, got "
            f"{line!r:.60}; {AGAIN}"
        )
    return dimensions


def _parsed(
    lines: Sequence[bytes], begin: int, dimensions: int
) -> tuple[list[str], Values]:
    """Return the words of a block and their `(lines, dimensions)` numbers."""
    parts = [
        _parted(line, number, dimensions) for number, line in enumerate(lines, begin)
    ]
    try:
        values = _numbers([numbers for _, numbers in parts])
    except ValueError:
        _refuse_words_for_numbers(parts, begin)
        raise
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise DataError(
            f"line {begin + row}: expected finite numbers, got NaN or infinity for "
            f"{parts[row][0]!r}; {AGAIN}"
        )
    return [word for word, _ in parts], values


def _parted(line: bytes, number: int, dimensions: int) -> tuple[str, str]:
    """Return a line's word, and its numbers as text."""
    try:
        text = line.rstrip().decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"line {number} is not text in UTF-8 ({error.reason}); unpack the file, or "
            f"{AGAIN}"
        ) from error
    spaces = text.count(" ")
    if spaces == dimensions:
        word, _, numbers = text.partition(" ")
        return word, numbers
    word, *rest = text.rsplit(" ", dimensions)
    surplus = [part for part in word.split(" ")[1:] if _is_number(part)]
    if spaces < dimensions or surplus:
        raise DataError(
            f"line {number}: expected a word and {dimensions} numbers, as line 1 has, "
            f"got {spaces}; {AGAIN}"
        )
    return word, " ".join(rest)


def _numbers(texts: Sequence[str]) -> Values:
    # In C, and strict: what is no number raises ValueError.
    return np.loadtxt(texts, np.float32, comments=None, delimiter=" ", ndmin=2)


def _refuse_words_for_numbers(parts: Sequence[tuple[str, str]], begin: int) -> None:
    for number, (word, text) in enumerate(parts, begin):
        try:
            _numbers([text])
        except ValueError as error:
            reason = str(error).partition(" at row ")[0]
            raise DataError(
                f"line {number}: expected numbers behind {word!r}, but {reason}; "
                f"{AGAIN}"
            ) from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _new(words: Sequence[str], known: dict[str, None]) -> list[int]:
    """Return the rows of words that are not known yet; now they are."""
    rows = []
    for row, word in enumerate(words):
        if word not in known:
            known[word] = None
            rows.append(row)
    return rows
