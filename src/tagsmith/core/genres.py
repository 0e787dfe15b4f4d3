"""Genre labels of several sources: their normal form, and one space for all of them.

A label is a genre, `rock`, or one of its subgenres, `rock---indie`, in the spelling of
the source that gave it. Sources spell alike what they mean alike only in part; what is
left of their labels in normal form is compared instead. Within one source, labels with
the same normal form still mean different things: the one that is written in normal form
keeps it, the others keep the characters of the part by which they differ.

References:
    Schreiber, MediaEval 2018 AcousticBrainz genre task: the normal form. His one
    exception, `euro-pop` beside `europop`, follows from the rule above.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError

SEPARATOR = "---"  # between a genre and its subgenre

Decisions = NDArray[np.bool_]


def normalized(label: str) -> str:
    """Return the normal form: of each part, the letters, in lower case.

    >>> normalized("Pop/Rock---C-86")
    'poprock---c'
    """
    return SEPARATOR.join(map(_letters, label.split(SEPARATOR)))


def is_genre(label: str) -> bool:
    """Tell a genre from a subgenre."""
    return SEPARATOR not in label


def parent(label: str) -> str | None:
    """Return the genre of a subgenre; a genre has none.

    >>> parent("rock---indie")
    'rock'
    """
    return None if is_genre(label) else label.partition(SEPARATOR)[0]


def collisions(labels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Name the labels of one source, two or more together, that normalise alike."""
    alike = defaultdict(list)
    for label in sorted(set(labels)):
        alike[normalized(label)].append(label)
    return tuple(tuple(each) for _, each in sorted(alike.items()) if len(each) > 1)


def normal_names(labels: Iterable[str]) -> dict[str, str]:
    """Name each label of one source by its normal form, so that all names differ.

    A subgenre's name begins with the name of its genre.

    Args:
        labels: In the source's own spelling; what comes twice counts once.

    Returns:
        Each label's name, in the order of the labels' spelling.

    Raises:
        DataError: A part of a label has no letters, or labels differ in case only.
    """
    paths = {label: tuple(label.split(SEPARATOR)) for label in sorted(set(labels))}
    siblings: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in paths.values():
        for above in _prefixes(path):
            siblings[above[:-1]].add(above[-1])
    named = {
        (*above, part): name
        for above, parts in siblings.items()
        for part, name in _told_apart(parts, above)
    }
    return {
        label: SEPARATOR.join(named[prefix] for prefix in _prefixes(path))
        for label, path in paths.items()
    }


def with_parents(decisions: Decisions, labels: Sequence[str]) -> Decisions:
    """Give whoever has a subgenre its genre too, if that is among the labels.

    Args:
        decisions: `(tracks, labels)` booleans; they are left as they are.
        labels: The columns' labels.

    Returns:
        `(tracks, labels)` booleans.

    Raises:
        DataError: The columns are not as many as the labels.
    """
    if decisions.ndim != 2 or decisions.shape[1] != len(labels):  # noqa: PLR2004 - tracks by labels
        raise DataError(
            f"decisions must be (tracks, {len(labels)}), a column per label, got "
            f"{decisions.shape}"
        )
    children = defaultdict(list)
    for column, label in enumerate(labels):
        children[parent(label)].append(column)
    complete = decisions.copy()
    for column, label in enumerate(labels):
        if label in children:
            complete[:, column] |= decisions[:, children[label]].any(axis=1)
    return complete


@dataclass(frozen=True)
class LabelSpace:
    """What a network says of a track, and how each source spells it.

    Attributes:
        labels: The network's outputs, sorted.
        spellings: For each source, its own spelling of those labels that it knows.
    """

    labels: tuple[str, ...]
    spellings: Mapping[str, Mapping[str, str]]

    def own(self, source: str) -> tuple[str, ...]:
        """Return all labels of a source in its own spelling, sorted.

        Raises:
            DataError: There is no such source.
        """
        return tuple(sorted(self._of(source).values()))

    def columns(self, source: str) -> NDArray[np.intp]:
        """Return where the labels of `own` are among `labels`: `(own labels,)`.

        Raises:
            DataError: There is no such source.
        """
        place = {label: column for column, label in enumerate(self.labels)}
        spelt = {own: label for label, own in self._of(source).items()}
        places = [place[spelt[own]] for own in self.own(source)]
        return np.array(places, dtype=np.intp)

    def spelling(self, label: str, source: str) -> str | None:
        """Return a source's own spelling of one of `labels`; None if it has no such.

        Raises:
            DataError: There is no such source.
        """
        return self._of(source).get(label)

    def tree(self) -> dict[str, Any]:
        """Return this as JSON's lists and objects."""
        spellings = {source: dict(own) for source, own in self.spellings.items()}
        return {"labels": list(self.labels), "spellings": spellings}

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Self:
        """Read what `tree` returned.

        Raises:
            DataError: A key is missing, or a source spells what is no label.
        """
        missing = {"labels", "spellings"} - set(tree)
        if missing:
            raise DataError(
                f"a label space needs {sorted(missing)}, got {sorted(tree)}"
            )
        for source, own in tree["spellings"].items():
            strange = sorted(set(own) - set(tree["labels"]))
            if strange:
                raise DataError(f"{source} spells what is no label: {strange}")
        return cls(tuple(tree["labels"]), dict(tree["spellings"]))

    def _of(self, source: str) -> Mapping[str, str]:
        if source not in self.spellings:
            raise DataError(
                f"no labels are known of {source!r}; the sources are "
                f"{sorted(self.spellings)}"
            )
        return self.spellings[source]


def label_space(vocabularies: Mapping[str, Iterable[str]]) -> LabelSpace:
    """Unite the labels of one or more sources.

    Args:
        vocabularies: The labels of each source in its own spelling.

    Returns:
        Of one source, its labels as they are; of several, their normal names.

    Raises:
        DataError: There is no source, one has no labels or an empty one, or labels of
            a source cannot be told apart once they are normalised.
    """
    if not vocabularies:
        raise DataError("a label space needs at least one source of labels, got none")
    own = {source: sorted(set(labels)) for source, labels in vocabularies.items()}
    for source, labels in own.items():
        if not all(labels) or not labels:
            raise DataError(f"{source} must have labels, none of them empty: {labels}")
    if len(own) == 1:
        spellings = {source: {each: each for each in own[source]} for source in own}
    else:
        spellings = {source: _spelt(source, own[source]) for source in own}
    union = {label for known in spellings.values() for label in known}
    return LabelSpace(tuple(sorted(union)), spellings)


def _spelt(source: str, labels: Iterable[str]) -> dict[str, str]:
    try:
        return {name: own for own, name in normal_names(labels).items()}
    except DataError as error:
        raise DataError(f"{source}: {error}") from error


def _letters(part: str) -> str:
    return "".join(filter(str.isalpha, part.lower()))


def _prefixes(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (path[:depth] for depth in range(1, len(path) + 1))


def _told_apart(
    parts: Iterable[str], above: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Pair each of one genre's parts with a name that no other of them has."""
    alike = defaultdict(list)
    for part in sorted(parts):
        alike[_letters(part)].append(part)
    for letters, group in alike.items():
        whole = [SEPARATOR.join((*above, part)) for part in group]
        if not letters:
            raise DataError(f"labels need letters in every part, got {whole}; rename")
        if len({part.lower() for part in group}) < len(group):
            raise DataError(f"labels differ in case only: {whole}; rename all but one")
        for part in group:
            yield part, letters if len(group) == 1 else part.lower()
