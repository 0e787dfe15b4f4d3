"""What a model card says: figures and limits as plain values, from tables and reports.

A card is a tree of plain values, so that it is JSON as it stands; `reporting/card.py`
writes it as Markdown.

References:
    Mitchell et al., Model Cards for Model Reporting, FAT* 2019.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from tagsmith.core import highlights
from tagsmith.core.leaks import KINDS

FEW = 10  # test tracks: below, a tag's own figures say little
NAMED = 8  # tags that a sentence names
UNKNOWN = "unknown"
LATENCY = (
    "Not measured for this version: a card must not depend on how busy the machine "
    "was. `make bench` measures speed on yours; the README has what it said on ours."
)
OF_ENSEMBLES = (
    (
        "Scores rank tracks within a tag. They are no probabilities, and scores of two "
        "tags do not compare."
    ),
    (
        "Epochs, members, weights and thresholds were chosen on validation tracks: "
        "figures there lean high."
    ),
    (
        "Every challenger is judged on the same test tracks: a champion that has "
        "beaten many may owe a part of it to these tracks."
    ),
)
OF_WORD_MODELS = (
    "It has no thresholds, so it decides nothing: its scores only rank.",
    (
        "What words mean it takes from texts. What these do not say of a sound it "
        "cannot know, and a word without a vector is an error."
    ),
)
Tree = dict[str, Any]


def data(
    kind: str,
    tables: Mapping[str, pd.DataFrame],
    leaks: Mapping[str, Any],
) -> Tree:
    """Return what is said of a data set.

    Args:
        kind: Of the data set.
        tables: `tracks` that passed validation, indexed by track id, `annotations` and
            `quarantine`.
        leaks: By split and kind, as `leaks.tree` makes them.
    """
    found = highlights.dataset(
        tables["tracks"], tables["annotations"], tables["quarantine"]
    )
    licences = tables["tracks"]["licence"].fillna("").replace("", UNKNOWN)
    return {
        "kind": kind,
        "splits": found["splits"],
        "tags": len(found["tags"]),
        "licences": {str(n): int(c) for n, c in licences.value_counts().items()},
        "listed": found["listed"],
        "quarantined": len(found["quarantine"]),
        "leaks": leaks,
    }


def figures(
    validation: Mapping[str, float],
    test: Mapping[str, float],
    intervals: Mapping[str, Mapping[str, float]],
) -> list[Tree]:
    """Return a row per official figure; `low` and `high` are None without interval."""
    return [
        {
            "metric": name,
            "validation": validation[name],
            "test": value,
            "low": intervals.get(name, {}).get("low"),
            "high": intervals.get(name, {}).get("high"),
        }
        for name, value in test.items()
    ]


def plain(tree: object) -> Any:  # noqa: ANN401 - JSON
    """Return a tree as JSON takes it: what is not finite is None."""
    if isinstance(tree, Mapping):
        return {str(key): plain(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [plain(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    return tree.item() if hasattr(tree, "item") else tree


def ensemble_limits(card: Tree) -> list[str]:
    """Say what must not be expected of an ensemble, from what else its card says."""
    own = (
        f"It knows {card['data']['tags']} tags and says nothing of others. "
        "Whatever it is given gets scores, speech and noise too."
    )
    return [own, *OF_ENSEMBLES, *_of_data(card["data"]), *_of_tags(card["tags"])]


def word_limits(card: Tree) -> list[str]:
    """Say what must not be expected of a model that scores any words."""
    measured = (
        "How it does on words that nobody trained on was measured for "
        f"{', '.join(card['unseen_tags'])} only, with other models of its kind that "
        "learnt a part of the tags."
    )
    return [measured, *OF_WORD_MODELS, *_of_data(card["data"])]


def _of_data(data: Tree) -> Iterator[str]:
    if data["kind"] == "scores":
        yield (
            "All audio is rendered from scores by one synthesiser: how well it hears "
            "recordings of people playing was not measured."
        )
    if data["licences"].get(UNKNOWN):
        yield f"{data['licences'][UNKNOWN]:,} tracks do not say their licence."
    (test,) = (each for each in data["splits"] if each["split"] == "test")
    if test["groups"] < test["tracks"]:
        yield (
            f"Intervals treat tracks as if each were drawn by itself; the "
            f"{test['tracks']:,} test tracks are of {test['groups']:,} groups, so that "
            "intervals are rather too narrow."
        )
    yield from _of_leaks(data["leaks"]["test"])


def _of_leaks(test: Mapping[str, Any]) -> Iterator[str]:
    for kind in KINDS:
        shared, known = test[kind]["shared"], test[kind]["known"]
        if shared:
            yield (
                f"{shared:,} of {known:,} test tracks share their {kind} with a "
                "training track: figures on these lean high."
            )
    unknown = [kind for kind in KINDS if test[kind]["share"] is None]
    if unknown:
        yield (
            f"Whether test tracks share their {' or '.join(unknown)} with a training "
            "track is unknown."
        )


def _of_tags(tags: Sequence[Tree]) -> Iterator[str]:
    few = [each["tag"] for each in tags if each["positives"] < FEW]
    if few:
        yield (
            f"{len(few)} of {len(tags)} tags have fewer than {FEW} test tracks, and "
            f"figures that say little: {_named(few)}."
        )
    blind = [each["tag"] for each in tags if each["roc_auc"] is None]
    if blind:
        yield f"Not judged, as all test tracks have them or none: {_named(blind)}."
    never = [each["tag"] for each in tags if each["threshold"] is None]
    if never:
        yield f"Never decided for, as validation has no track: {_named(never)}."


def _named(tags: Sequence[str]) -> str:
    """Name a few.

    >>> _named(["a", "b"]), _named(list("abcdefghij"))
    ('a, b', 'a, b, c, d, e, f, g, h and 2 more')
    """
    shown = ", ".join(tags[:NAMED])
    return shown if len(tags) <= NAMED else f"{shown} and {len(tags) - NAMED} more"
