"""Stage `evaluate_genres`: what a model decides for each source, as the task judges it.

Sources have labels of their own. For each that the model learnt, thresholds are found
on that source's validation tracks, its labels alone are decided of its held-out tracks,
and the decisions are written as the task wants them submitted.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tagsmith import genrefiles
from tagsmith.config import HELD_OUT, Params, SplitName
from tagsmith.core import genre_metrics, thresholds, truth
from tagsmith.core.genre_metrics import MEASURES
from tagsmith.core.genres import with_parents
from tagsmith.errors import DataError
from tagsmith.shards import Features
from tagsmith.store import Store, atomic, write_text
from tagsmith.tracking.recording import Recorder

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Asked:
    """A source's held-out tracks of a split: booleans and scores `(tracks, labels)`."""

    truth: pd.DataFrame
    scores: pd.DataFrame


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Write `genres/<name>/<source>/` for every source that model `name` learnt.

    Each has `thresholds.tsv`, where a label that no validation track has is never
    decided; the runs `validation.tsv` and `test.tsv`; and the official figures of both
    in `figures.csv`.

    Raises:
        DataError: A source has no held-out track, or a track gets no label.
        MissingError: The model has not been trained.
    """
    from tagsmith.models.folder import load

    tagger = load(store.find("models", name, made_by="train"))
    folder = store.find("features", tagger.config.feature, made_by="extract")
    features = Features(folder)
    store.empty("genres", name)
    for source in tagger.space.spellings if tagger.space else (params.target,):
        asked = {
            split: _asked(store, features, tagger, source, split) for split in HELD_OUT
        }
        figures = _judged(params, store, name, source, asked)
        _tell(recorder, name, source, figures)
    recorder.tags({"model": name})
    recorder.artifact(store.place("genres", name))


def _asked(
    store: Store, features: Features, tagger: "Tagger", source: str, split: SplitName
) -> _Asked:
    genres = store.read_table("genres")
    said = genres[genres["source"] == source].rename(columns={"label": "tag"})
    tracks = store.read_tracks(elsewhere=True)
    known = truth.known(tracks.index, said["track_id"]) & (tracks["split"] == split)
    labels = tagger.space.own(source) if tagger.space else tagger.tags
    actual = truth.table(said, tracks.index[known], labels)
    if actual.empty:
        raise DataError(
            f"source {source} has no {split} tracks that passed validation; name its "
            "files in dataset.truth, or deal release groups (dataset.split)"
        )
    heard = features.tracks(actual.index)
    scores = (
        tagger.score_source(heard, source)
        if tagger.space
        else tagger.score_features(heard)
    )
    return _Asked(actual, pd.DataFrame(scores, actual.index, actual.columns))


def _judged(
    params: Params, store: Store, name: str, source: str, asked: dict[SplitName, _Asked]
) -> pd.DataFrame:
    """Decide, write what is submitted, and return the official figures of both."""
    folder = store.place("genres", name, source)
    known = asked["validation"]
    labels = list(known.truth.columns)
    limits = thresholds.fit(known.truth, known.scores, params.calibration)
    lines = (f"{x}\t{float(y)!r}\n" for x, y in zip(labels, limits, strict=True))
    write_text(folder / "thresholds.tsv", "".join(lines))
    tables = {}
    for split, each in asked.items():
        scores = each.scores.to_numpy()
        decisions = thresholds.decide(scores, limits, params.calibration)
        if params.genres.parents:
            decisions = with_parents(decisions, labels)
        decided = pd.DataFrame(decisions, each.truth.index, each.truth.columns)
        _submit(folder / f"{split}.tsv", decided)
        tables[split] = _official(each.truth, decided)
    figures = pd.concat(tables, names=["split"]).reset_index()
    with atomic(folder / "figures.csv") as temporary:
        figures.to_csv(temporary, index=False)
    return figures


def _submit(path: Path, decided: pd.DataFrame) -> None:
    """Write a run; the task wants a label of every track."""
    bare = decided.index[~decided.any(axis=1)]
    if bare.size:
        raise DataError(
            f"{path}: a run needs a label of every track, but none is decided of "
            f"{bare.size} of {len(decided)}, the first is {bare[0]}; set "
            "calibration.fallback_to_top_tag to true"
        )
    labels = decided.columns.to_numpy()
    genrefiles.write_run(
        path, decided.index, (list(labels[x]) for x in decided.to_numpy())
    )


def _official(actual: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    return genre_metrics.evaluate(
        csr_array(actual.to_numpy()),
        csr_array(decided.to_numpy()),
        tracks=list(actual.index),
        labels=list(actual.columns),
    ).summary


def _tell(recorder: Recorder, name: str, source: str, figures: pd.DataFrame) -> None:
    for row in figures.to_dict("records"):
        key = "/".join((row["split"], source, row["per"], row["block"]))
        means = {f"{key}/{measure}": row[f"{measure} mean"] for measure in MEASURES}
        recorder.metrics({k: v for k, v in means.items() if not np.isnan(v)})
        if row["split"] == "test" and row["block"] == "all":
            logger.info(
                "%s on %s, per %s: P %.4f, R %.4f, F %.4f",
                name,
                source,
                row["per"],
                *means.values(),
            )
