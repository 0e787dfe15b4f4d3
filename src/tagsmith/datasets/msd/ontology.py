"""Which of Last.fm's tags count, and what they are called here.

The file is UTF-8, a tag a line. A second column, after a tab, is what the tag is called
here, so that several become one; without it a tag is called as it stands. Lines that
are empty or begin with `#` are left out:

    # genres
    hip hop
    hip-hop<TAB>hip hop
    rap<TAB>hip hop
"""

from collections.abc import Iterator
from pathlib import Path

from tagsmith.errors import DataError, MissingError

COMMENT = "#"
MOST_COLUMNS = 2


def read(path: Path) -> dict[str, str]:
    """Read what Last.fm's tags are called here, by the tag in lower case.

    Raises:
        DataError: A line is not what it should be, or calls a tag otherwise than an
            earlier one; it is named.
        MissingError: There is no file.
    """
    found: dict[str, str] = {}
    first: dict[str, int] = {}
    for number, line in _lines(path):
        tag, name = _pair(f"{path}, line {number}", line)
        first.setdefault(tag, number)
        if found.setdefault(tag, name) != name:
            raise DataError(
                f"{path}, line {number} calls the tag {tag!r} {name!r}, and line "
                f"{first[tag]} calls it {found[tag]!r}; leave one of them out"
            )
    if not found:
        raise DataError(f"{path} names no tags; list those that count, one a line")
    return found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, by number from 1."""
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; dataset.ontology must be a text file of the tags "
            "that count, one a line"
        )
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith(COMMENT):
            yield number, line


def _pair(place: str, line: str) -> tuple[str, str]:
    """Return a tag in lower case, and what it is called."""
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) > MOST_COLUMNS:
        raise DataError(
            f"{place} has {len(columns)} columns; expected a tag, or a tag, a tab and "
            "what it is called here"
        )
    for column in columns:
        if not (column and column.isprintable()):
            raise DataError(f"{place} has the column {column!r}; expected a tag")
    return columns[0].lower(), columns[-1]
