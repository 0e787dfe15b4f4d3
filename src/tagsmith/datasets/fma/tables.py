"""The publisher's tables as rows of text."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from tagsmith.errors import DataError, MissingError

REPOSITORY = "https://github.com/mdeff/fma"
AGAIN = "unpack the publisher's fma_metadata.zip again"


def rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of every row that has any, by the line that it ends in.

    Fields are separated by commas; in quotes they may hold ends of lines.

    Raises:
        DataError: The file is not UTF-8, or no such rows.
        MissingError: It is not there.
    """
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; dataset.metadata must be the folder that the "
            f"publisher's fma_metadata.zip unpacks to ({REPOSITORY})"
        )
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"{path}, after line {reader.line_num}: not fields in UTF-8, separated "
                f"by commas ({error}); {AGAIN}"
            ) from error


def refuse_width(place: str, row: Sequence[str], width: int) -> None:
    """Refuse a row that has another number of fields than the first.

    Raises:
        DataError: It has.
    """
    if len(row) != width:
        raise DataError(
            f"{place} has {len(row)} fields, not {width} as line 1: {row[:3]}...; "
            f"{AGAIN}"
        )


def number(place: str, name: str, text: str) -> int:
    """Return what a field counts, from 0.

    Raises:
        DataError: It is no such number.
    """
    if not (text.isascii() and text.isdigit()):
        raise DataError(f"{place} has the {name} {text!r}; expected a number")
    return int(text)
