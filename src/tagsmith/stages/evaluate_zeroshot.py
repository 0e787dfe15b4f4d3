"""Stage `evaluate_zeroshot`: how well a word model names tags nobody trained on.

The tags are split into seen and unseen ones several times. For each split, one network
learns the seen tags with the model's tag vectors, and one with vectors that mean
nothing: what the first can do better, it does by meaning. Then all tested tracks are
scored on all tags, and the two are compared.
"""

import logging
import shutil
from typing import Any

import pandas as pd

from tagsmith import trials
from tagsmith.config import Params
from tagsmith.core import unseen
from tagsmith.core.unseen import Trial
from tagsmith.store import Store, atomic, write_json
from tagsmith.tracking.recording import Recorder
from tagsmith.trials import Holdout

logger = logging.getLogger(__name__)

Trials = dict[str, list[Trial]]  # by vectors, in the order of the splits


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Train and judge model `name` on every split of the tags.

    A run that was killed goes on after its last epoch. Splits, scores, figures and
    intervals are in `zeroshot/<name>/`.

    Raises:
        ConfigError: The model scores no words but those it learnt, or is its own
            control; or a family has no tags.
        DataError: A tag has no vector, or a split leaves nothing to learn or to test.
        MissingError: Features or vectors have not been made.
    """
    material = trials.gather(params, store, name)
    recorder.dataset(params.dataset.kind, trials.tables(store))
    recorder.tags({"model": name, "architecture": material.config.kind})
    splits = trials.holdouts(params, material)
    found: Trials = {source: [] for source in material.vectors}
    for split in splits:
        for source, some in found.items():
            scores = trials.scored(params, material, recorder, split, source)
            some.append(trials.trial(split, scores))
    told = _intervals(params, splits, found)
    _write(params, store, name, splits, found)
    write_json(store.place("zeroshot", name, "intervals.json"), told)
    _tell(recorder, name, told["mean"])
    recorder.artifact(store.place("zeroshot", name))
    shutil.rmtree(material.scratch, ignore_errors=True)


def _write(
    params: Params,
    store: Store,
    name: str,
    splits: list[Holdout],
    found: Trials,
) -> None:
    folder = store.empty("zeroshot", name)
    tables = {
        "tags": [split.tags for split in splits],
        "tracks": [split.tracks.reset_index() for split in splits],
    }
    for title, of_splits in tables.items():
        with atomic(folder / f"{title}.parquet") as temporary:
            _numbered(of_splits, splits).to_parquet(temporary, index=False)
    best = params.zeroshot.best
    figures = [
        _numbered([unseen.figures(each, best=best) for each in some], splits).assign(
            vectors=source
        )
        for source, some in found.items()
    ]
    with atomic(folder / "figures.csv") as temporary:
        pd.concat(figures).to_csv(temporary, index=False)


def _intervals(params: Params, splits: list[Holdout], found: Trials) -> dict[str, Any]:
    """Return the intervals of all splits, and of the mean over those of a family."""
    told: dict[str, Any] = {"splits": [], "mean": {}}
    for family in params.zeroshot.tags:
        own = [place for place, split in enumerate(splits) if split.family == family]
        summary = unseen.summary(
            {source: [some[place] for place in own] for source, some in found.items()},
            params.evaluation,
            control=params.zeroshot.control,
            seed=params.seed,
        )
        told["splits"] += summary["splits"]
        told["mean"][family] = summary["mean"]
    return told


def _numbered(tables: list[pd.DataFrame], splits: list[Holdout]) -> pd.DataFrame:
    """Put the tables of all splits below one another, and say of which they are."""
    return pd.concat(
        table.assign(tag_split=split.number, family=split.family)
        for table, split in zip(tables, splits, strict=True)
    )


def _tell(recorder: Recorder, name: str, means: dict[str, Any]) -> None:
    for family, ways in means.items():
        for way, found in ways.items():
            recorder.metrics(
                {f"{family}/{way}/{key}": each["value"] for key, each in found.items()}
            )
            for key, each in found.items():
                logger.info(
                    "%s, %s, ROC-AUC of %s over unseen tags, %s: %.3f (%.3f to %.3f)",
                    name,
                    family,
                    way,
                    key,
                    each["value"],
                    each["low"],
                    each["high"],
                )
