"""What every source of tag vectors becomes: a table with a row of numbers per word.

An open table is a vocabulary: any text may be asked of whose words it knows all. A
closed one knows the tags that it was made for, and no others.

A table as a folder: `words.txt` (one a line), `vectors.npy` (float32, a row per word)
and `vectors.json` (what they are). Equal tables are equal bytes.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError, MissingError
from tagsmith.store import atomic, write_json, write_text

WORDS, VALUES, META = "words.txt", "vectors.npy", "vectors.json"
BETWEEN_WORDS = re.compile(r"[\s\-_/&',]+")
SPOILED = (OSError, ValueError)  # JSON, UTF-8 and .npy files have subclasses of these

Values = NDArray[np.float32]


class Meta(TypedDict):
    """What the numbers of a table are.

    Attributes:
        kind: That of the section of `params.yaml`.
        origin: The source and its version, for people.
        open: Whether any text may be asked whose words are known.
        spellings: What is looked up instead of a tag.
    """

    kind: str
    origin: str
    open: bool
    spellings: dict[str, str]


class Found(NamedTuple):
    """What a source gives: words, their `(words, dimensions)` numbers, its name."""

    words: list[str]
    values: Values
    origin: str


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words, or tags, and their vectors.

    Attributes:
        words: All different.
        values: Their vectors `(words, dimensions)`, float32; may be mapped into memory.
        meta: What they are.

    Raises:
        DataError: There is not one row of float32 per word.
    """

    words: Sequence[str]
    values: Values
    meta: Meta

    def __post_init__(self) -> None:
        shape, dtype = self.values.shape, self.values.dtype
        if len(shape) != 2 or shape[0] != len(self.words) or dtype != np.float32:  # noqa: PLR2004 - rows and columns
            raise DataError(
                f"vectors must be a row of float32 for each of {len(self.words)} "
                f"words, got {dtype} of shape {shape}"
            )

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return int(self.values.shape[1])

    def of(self, tags: Sequence[str]) -> Values:
        """Return the vectors of tags.

        A closed table looks for the tag, however it is capitalised. An open one looks
        for the tag's spelling, or for the tag in lower case: first for the whole text,
        then for its words, whose vectors it averages if it has them all. Words are
        parted by white space, commas and `-`, `_`, `/`, `&`, `'`.

        Args:
            tags: May repeat.

        Returns:
            `(tags, dimensions)`, none of them all zeros.

        Raises:
            DataError: A tag, or a word of it, is not in the table, or the vector is all
                zeros. The message names all such tags.
        """
        words = {tag: self._words_of(tag) for tag in dict.fromkeys(tags)}
        self._refuse_unknown(words)
        vectors = np.empty((len(tags), self.dimensions), np.float32)
        for number, tag in enumerate(tags):
            rows = [self._rows[word] for word in words[tag]]
            vectors[number] = self.values[rows].mean(axis=0)
        self._refuse_undirected(tags, vectors)
        return vectors

    def save(self, folder: Path) -> None:
        """Write the table into a folder, each file whole or not at all.

        Raises:
            DataError: A word has a line break in it.
        """
        lines = "".join(f"{word}\n" for word in self.words)
        if lines.count("\n") != len(self.words):
            broken = [word for word in self.words if "\n" in word]
            raise DataError(f"words must fit a line, got {broken}; rename these tags")
        write_text(folder / WORDS, lines)
        with atomic(folder / VALUES) as temporary:
            np.save(temporary, np.ascontiguousarray(self.values))
        write_json(folder / META, self.meta)

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Each word's row; made once, as a vocabulary is large."""
        rows = {word: row for row, word in enumerate(self.words)}
        if self.meta["open"]:
            return rows
        return {word.lower(): row for word, row in rows.items()} | rows

    @cached_property
    def _spellings(self) -> dict[str, str]:
        spellings = self.meta["spellings"]
        return {tag.lower(): text for tag, text in spellings.items()}

    def _words_of(self, tag: str) -> list[str]:
        """Return the entries whose vectors make a tag's, known or not; at least one."""
        if not self.meta["open"]:
            return [tag if tag in self._rows else tag.lower()]
        text = self._spellings.get(tag.lower(), tag.lower())
        if text in self._rows:
            return [text]
        return [word for word in BETWEEN_WORDS.split(text) if word] or [text]

    def _refuse_unknown(self, words: Mapping[str, Sequence[str]]) -> None:
        unknown = {
            tag: [word for word in dict.fromkeys(entries) if word not in self._rows]
            for tag, entries in words.items()
        }
        lacking = {tag: entries for tag, entries in unknown.items() if entries}
        if not lacking:
            return
        if not self.meta["open"]:
            raise DataError(
                f"vectors of kind {self.meta['kind']} know only the {len(self.words)} "
                f"tags that they were made for, not {', '.join(map(repr, lacking))}; "
                "glove_file and glove_package know any word of theirs"
            )
        said = ", ".join(f"{tag!r} ({', '.join(lacking[tag])})" for tag in lacking)
        raise DataError(
            f"every word of a tag needs a vector; of {len(words)} tags, {len(lacking)} "
            f"have words that {self.meta['origin']} lacks: {said}; give other words "
            "for them in `spellings` in params.yaml, or use another source"
        )

    def _refuse_undirected(self, tags: Sequence[str], vectors: Values) -> None:
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        # NaN is above nothing.
        bad = [tag for tag, length in zip(tags, lengths, strict=True) if not length > 0]
        if bad:
            raise DataError(
                "a vector needs a direction to be compared with others, but that of "
                f"{', '.join(map(repr, dict.fromkeys(bad)))} is all zeros (or NaN) in "
                f"{self.meta['origin']}; use another source, or leave the tag out"
            )


def load(folder: Path) -> WordVectors:
    """Read what `WordVectors.save` wrote; the numbers stay on disk, mapped into memory.

    Raises:
        MissingError: A file is not there.
        DataError: A file is damaged, or they are not of one table.
    """
    for name in (WORDS, VALUES, META):
        if not (folder / name).is_file():
            raise MissingError(
                f"{folder / name} is not there; `dvc repro vectors` makes it"
            )
    try:
        # Only "\n" ends a line: vocabularies have words of other line breaks.
        words = (folder / WORDS).read_bytes().decode("utf-8").split("\n")[:-1]
        values = np.lib.format.open_memmap(folder / VALUES, mode="r")
        meta = json.loads((folder / META).read_text("utf-8"))
        return WordVectors(words, values, _checked(meta))
    except (DataError, *SPOILED) as error:
        raise DataError(
            f"{folder} does not hold one whole table of tag vectors ({error}); make "
            "them again"
        ) from error


def named(path: Path) -> str:
    """Say what a file is, wherever it lies: its name and checksum."""
    with path.open("rb") as file:
        return f"{path.name} sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _checked(meta: Any) -> Meta:  # noqa: ANN401 - JSON
    expected = sorted(Meta.__annotations__)
    if not isinstance(meta, dict) or sorted(meta) != expected:
        raise DataError(f"{META} must have the keys {expected}")
    return cast("Meta", meta)
