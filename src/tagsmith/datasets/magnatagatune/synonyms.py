"""Tags that mean the same become one: a clip that has any of them has it.

Lists of synonyms are text, one list per line, commas between names; the first is the
name that stays. What follows `#` is a comment. The published lists are in
`synonyms.txt`, beside this module.

References:
    K. Choi's lists, in https://github.com/keunwoochoi/magnatagatune-list
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from tagsmith.core.metrics import Truth
from tagsmith.errors import DataError, MissingError

logger = logging.getLogger(__name__)

NONE, PUBLISHED = "none", "published"
PACKAGE = "tagsmith.datasets.magnatagatune"
Synonyms = tuple[str, ...]  # the first is the name that stays


def read(source: str, tags: Collection[str]) -> list[Synonyms]:
    """Read lists of synonyms.

    Args:
        source: `published`, `none`, or the path of a file of yours.
        tags: What may be in the lists. A file of yours may name nothing else; what is
            not among them is left out of the published lists, and the log says so.

    Raises:
        DataError: A line is no list, has a name that another has, or one that is no
            tag; the line is named.
        MissingError: There is no such file.
    """
    if source == NONE:
        return []
    if source == PUBLISHED:
        text = (resources.files(PACKAGE) / "synonyms.txt").read_text("utf-8")
        return _known(_parsed(source, text).values(), tags)
    lists = _parsed(source, _text(Path(source)))
    for line, names in lists.items():
        unknown = sorted(set(names) - set(tags))
        if unknown:
            raise DataError(
                f"{source}, line {line} has {unknown[0]!r}, which is no tag of the "
                "annotations; leave it out"
            )
    return list(lists.values())


def merge(
    tags: Sequence[str], truth: Truth, lists: Collection[Synonyms]
) -> tuple[tuple[str, ...], Truth]:
    """Give every list of synonyms one column, where the first of its columns was.

    Args:
        tags: Names of the columns.
        truth: Booleans `(clips, tags)`.
        lists: Of which no name is in two.

    Returns:
        The names that stay, and `(clips, names)` booleans.
    """
    stays = {synonym: names[0] for names in lists for synonym in names}
    renamed = np.array([stays.get(tag, tag) for tag in tags])
    names = tuple(dict.fromkeys(renamed.tolist()))
    columns = [truth[:, renamed == name].any(axis=1) for name in names]
    return names, np.column_stack(columns)


def _known(lists: Collection[Synonyms], tags: Collection[str]) -> list[Synonyms]:
    unknown = sorted({name for names in lists for name in names} - set(tags))
    if unknown:
        logger.info(
            "magnatagatune: %d names of the published synonyms are no tags of these "
            "annotations: %s",
            len(unknown),
            ", ".join(unknown),
        )
    return list(lists)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise MissingError(
            f"{path} is not there; dataset.synonyms must be {PUBLISHED}, {NONE} or the "
            "path of a file with one list per line"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text: {error}") from error


def _parsed(source: str, text: str) -> dict[int, Synonyms]:
    """Return the lists by line, from 1."""
    lists = dict(_lines(text))
    first: dict[str, int] = {}
    for line, names in lists.items():
        if len(names) == 1 or "" in names:
            raise DataError(
                f"{source}, line {line} is {', '.join(names)!r}; expected two or more "
                "tags with commas between them"
            )
        for name in names:
            if name in first:
                raise DataError(
                    f"{source}, line {line} has {name!r}, which line {first[name]} has "
                    "already; a tag is in one list, once"
                )
            first[name] = line
    return lists


def _lines(text: str) -> Iterator[tuple[int, Synonyms]]:
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield number, tuple(name.strip() for name in content.split(","))
