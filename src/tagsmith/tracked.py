"""Trainings of MLflow: the model that a run left scores what the store holds."""

import tempfile
from pathlib import Path

import pandas as pd

from tagsmith import quiet
from tagsmith.config import Params, SplitName
from tagsmith.errors import DataError
from tagsmith.shards import Features
from tagsmith.store import Store
from tagsmith.tracking import trainings

TABLES = ("tracks", "annotations", "genres", "quarantine")  # as a training names them


def scores(uri: str, params: Params, store: Store, split: SplitName) -> pd.DataFrame:
    """Return the scores of a run's model on the tracks of the store.

    Args:
        uri: `runs:/RUN_ID` of a training.
        params: Which features there are.
        store: Where they lie, with the tables that the run learnt from.
        split: Of which tracks.

    Returns:
        `(tracks, tags)`, as `Store.read_scores` does.

    Raises:
        ConfigError: It names no run, or a feature that `params.yaml` lacks.
        DataError: The run learnt from other tables, other tags or another feature.
        MissingError: There is no such run, it left no model, or features are missing.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    training = trainings.find(uri)
    _check_tables(uri, training, store)
    with quiet.native_libraries:
        from tagsmith.models import load
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        tagger = load(training.fetch(Path(folder)))
    name, truth = tagger.config.feature, store.read_truth(split)
    if params.feature(name) != tagger.feature:
        raise DataError(
            f"{uri} hears {name} with other parameters than features.{name} of "
            "params.yaml has, so what the store holds says nothing to it; put back the "
            "params.yaml that is among the run's artifacts"
        )
    features = Features(store.find("features", name, made_by="extract"))
    found = tagger.score_features(features.tracks(truth.index))
    return pd.DataFrame(found, index=truth.index, columns=list(tagger.tags))


def _check_tables(uri: str, training: trainings.Training, store: Store) -> None:
    """Refuse a run that may have learnt from what is held out here."""
    from tagsmith.tracking.recording import digest

    paths = [
        store.find("tables", f"{name}.parquet", made_by="ingest") for name in TABLES
    ]
    here = digest(paths)
    if training.digest != here:
        raise DataError(
            f"{uri} learnt from tables with the digest {training.digest or 'unknown'}, "
            f"{store.root} has {here}: its splits may be others; check out the commit "
            "that the run names and `dvc checkout`"
        )
