"""What of an experiment is worth showing: tables in, rows out."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tagsmith.config import ENSEMBLE, GROUPS, SPLITS

HEADLINE = "ROC-AUC-macro"  # the figure by which models are ranked
WORST = 6  # tags and pairs shown of what goes wrong
WEIGHT = "weight_"  # begins the columns of candidates that hold a model's weight

Figures = Mapping[str, Mapping[str, Any]]  # of a split: by system, then official name
Rows = list[dict[str, Any]]


def ranked(figures: Figures) -> list[str]:
    """Return the systems, the best headline figure first."""
    return sorted(figures, key=lambda system: (-figures[system][HEADLINE], system))


def by_kind(figures: Figures) -> dict[str, list[str]]:
    """Return the systems by what they are, the best headline figure of each kind first.

    Returns:
        Those of `ensemble`, `groups` and `models`, in this order.
    """
    kinds: dict[str, list[str]] = {"ensemble": [], "groups": [], "models": []}
    for system in ranked(figures):
        kinds[_kind(system)].append(system)
    return kinds


def pictured(figures: Figures) -> dict[str, Mapping[str, Any]]:
    """Return the figures of what has a place in pictures: the models and the ensemble.

    A group is a mean of models that are there already.
    """
    return {name: each for name, each in figures.items() if _kind(name) != "groups"}


def best_member(figures: Figures) -> str:
    """Return the single model with the best headline figure."""
    return by_kind(figures)["models"][0]


def tag_rows(per_tag: pd.DataFrame, thresholds: Mapping[str, float]) -> Rows:
    """Return the ensemble's figures on test, a row per tag, the best ranked first.

    Args:
        per_tag: A row per model, split and tag, as stage `evaluate` writes them.
        thresholds: The ensemble's, by tag.

    Returns:
        Each tag's figures, and `threshold`; `found`, `missed` and `false_alarms` as
        numbers of tracks; `members`, the ROC-AUC of each single model.
    """
    test = per_tag[per_tag["split"] == "test"]
    single = test[test["model"] != ENSEMBLE].dropna(subset="roc_auc")
    members: dict[str, dict[str, float]] = {}
    for row in _rows(single.sort_values("model")):
        members.setdefault(row["tag"], {})[row["model"]] = row["roc_auc"]
    rows = [
        row
        | _counts(row)
        | {"threshold": thresholds[row["tag"]], "members": members.get(row["tag"], {})}
        for row in _rows(test[test["model"] == ENSEMBLE])
    ]
    return sorted(rows, key=_best_first)


def worst(rows: Rows) -> Rows:
    """Return the tags that are ranked worst, the worst first.

    Args:
        rows: Those of `tag_rows`.
    """
    return [row for row in reversed(rows) if not math.isnan(row["roc_auc"])][:WORST]


def surpassed(rows: Rows) -> list[tuple[str, str, float]]:
    """Return tag, model and gain where a single model ranks better than the ensemble.

    Args:
        rows: Those of `tag_rows`.

    Returns:
        The best single model of each such tag, the largest gain first.
    """
    gains = [
        (row["tag"], model, row["members"][model] - row["roc_auc"])
        for row in rows
        if row["members"]
        for model in [max(row["members"], key=row["members"].__getitem__)]
    ]
    return sorted((each for each in gains if each[2] > 0), key=lambda each: -each[2])


def candidates(table: pd.DataFrame, metric: str) -> Rows:
    """Return the ways to fuse, the best on validation first.

    Args:
        table: A row per candidate, as stage `fuse` writes them.
        metric: The column by which they were compared.

    Returns:
        Each candidate's `name`, `value`, `chosen`, and `weights` above 0 by model.
    """
    rows = [
        {
            "name": row["candidate"],
            "value": row[metric],
            "chosen": row["chosen"],
            "weights": {
                name.removeprefix(WEIGHT): value
                for name, value in row.items()
                if name.startswith(WEIGHT) and value > 0
            },
        }
        for row in _rows(table)
    ]
    return sorted(rows, key=lambda row: (-row["value"], not row["chosen"]))


def pairs(cooccurrence: pd.DataFrame) -> Rows:
    """Return the pairs of tags that are decided together too often, or too seldom.

    Args:
        cooccurrence: A row per kind (`truth`, `decisions`) and ordered pair of tags,
            with the `count` of tracks that have both.

    Returns:
        Each pair's `tag`, `other`, `truth`, `decisions` and their difference `excess`:
        what is too often first, the largest first; then what is too seldom.
    """
    once = cooccurrence[cooccurrence["tag"] < cooccurrence["other"]]
    counts = once.set_index(["tag", "other", "kind"])["count"].unstack("kind")  # noqa: PD010 - `count` is unique
    counts["excess"] = counts["decisions"] - counts["truth"]
    excess = counts.reset_index().sort_values("excess", kind="stable")
    often = excess[excess["excess"] > 0].iloc[::-1].head(WORST)
    seldom = excess[excess["excess"] < 0].head(WORST)
    return _rows(pd.concat([often, seldom]))


def dataset(
    tracks: pd.DataFrame, annotations: pd.DataFrame, quarantine: pd.DataFrame
) -> dict[str, Any]:
    """Return what the models were given.

    Args:
        tracks: Those that passed validation, indexed by track id.
        annotations: A row per track and tag.
        quarantine: Those that did not pass, with the `reason`.

    Returns:
        `splits` and `tags`, each a row per split or tag; `licences`; `quarantine`; and
        how many tracks were `listed` at all.
    """
    kept = annotations.merge(tracks["split"], left_on="track_id", right_index=True)
    tags = pd.crosstab(kept["tag"], kept["split"]).reset_index()
    licences = tracks["licence"].fillna("").astype(str)
    return {
        "splits": [_split(split, tracks, kept) for split in SPLITS],
        "tags": _rows(tags),
        "licences": sorted(set(licences) - {""}),
        "quarantine": _rows(quarantine.sort_values("track_id")),
        "listed": len(tracks) + len(quarantine),
    }


def zeroshot(
    tags: pd.DataFrame, intervals: Mapping[str, Any], figures: pd.DataFrame
) -> dict[str, Any]:
    """Return what a reader wants to know of how unseen tags are named.

    Args:
        tags: A row per `tag_split` and `tag` with its `side`.
        intervals: As `unseen.summary` makes them.
        figures: A row per `tag_split`, `vectors` and setup, as `unseen.figures`.

    Returns:
        `splits`, each with its `family`, `unseen` tags and intervals by direction;
        `mean` intervals by family; and `setups`: the figures' means over the splits of
        a family, a row each.
    """
    held = tags[tags["side"] == "unseen"].groupby("tag_split")
    splits = zip(held, intervals["splits"], strict=True)
    setup = ["family", "vectors", "direction", "tracks", "tags"]
    means = figures.drop(columns="tag_split").groupby(setup, sort=False).mean()
    return {
        "splits": [
            {"family": own["family"].iloc[0], "unseen": list(own["tag"]), **found}
            for (_, own), found in splits
        ],
        "mean": intervals["mean"],
        "setups": _rows(means.reset_index()),
    }


def _kind(system: str) -> str:
    if system == ENSEMBLE:
        return "ensemble"
    return "groups" if system.startswith(f"{GROUPS}/") else "models"


def _rows(table: pd.DataFrame) -> Rows:
    return [
        {str(name): value for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _counts(row: Mapping[str, Any]) -> dict[str, int]:
    """Turn a tag's rates back into tracks."""
    found = round(row["recall"] * row["positives"])
    decided = round(found / row["precision"]) if found else 0
    return {
        "found": found,
        "missed": row["positives"] - found,
        "false_alarms": decided - found,
    }


def _best_first(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    unknown = math.isnan(row["roc_auc"])
    return unknown, 0 if unknown else -row["roc_auc"], row["tag"]


def _split(split: str, tracks: pd.DataFrame, kept: pd.DataFrame) -> dict[str, Any]:
    mine = tracks[tracks["split"] == split]
    return {
        "split": split,
        "tracks": len(mine),
        "groups": mine["group"].nunique(),
        "hours": float(mine["decoded_seconds"].sum() / 3600),
        "tags_per_track": int((kept["split"] == split).sum()) / max(len(mine), 1),
    }
