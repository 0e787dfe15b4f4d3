"""Stage `reference`: what the ensemble heard and said of the test tracks.

It travels with the ensemble, so that new audio can be compared with it anywhere. The
test tracks, as no model learnt from them and nothing was chosen by them: the scores of
others are more certain than any new track's will be.
"""

import logging

import numpy as np
import pandas as pd

from tagsmith import sounds
from tagsmith.config import ENSEMBLE, AcousticBrainzDataset, Params, SplitName
from tagsmith.core import reference
from tagsmith.core.thresholds import decide
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

SPLIT: SplitName = "test"


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Write `reports/reference.json`.

    Raises:
        MissingError: A stage before this one has not run.
    """
    scores = store.read_scores(ENSEMBLE, SPLIT)
    thresholds = store.read_thresholds(ENSEMBLE)
    limits = np.array([thresholds[tag] for tag in scores.columns])
    decided = decide(scores.to_numpy(), limits, params.calibration)
    decisions = pd.DataFrame(decided, index=scores.index, columns=scores.columns)
    tracks = reference.Tracks(_sounds(params, store, scores.index), scores, decisions)
    store.write_report("reference", reference.summary(tracks, split=SPLIT))
    recorder.metrics({"tracks": float(len(tracks))})
    logger.info("reference: %d %s tracks", len(tracks), SPLIT)


def _sounds(params: Params, store: Store, tracks: pd.Index) -> pd.DataFrame:
    if isinstance(params.dataset, AcousticBrainzDataset):
        logger.info("reference: the data set is documents; scores only, no sounds")
        return pd.DataFrame(index=tracks)
    raw = store.find("raw", made_by="ingest")
    paths = [raw / path for path in store.read_tracks().loc[tracks, "path"]]
    return sounds.table(paths, list(tracks), params.engine)
