"""Stage `calibrate`: validation scores become one threshold per model and tag."""

import logging

import numpy as np

from tagsmith.config import Params
from tagsmith.core import thresholds
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


def run(
    params: Params, store: Store, recorder: Recorder, only: str | None = None
) -> None:
    """Choose the thresholds of every model, or of one, and write them.

    Raises:
        ConfigError: There is no such model.
        MissingError: A model has not been trained.
    """
    if only:
        params.model(only)
    truth = store.read_truth("validation")
    scores = {
        model: store.read_scores(model, "validation").to_numpy()
        for model in ([only] if only else params.models)
    }
    if not only:
        store.empty("thresholds")  # of models that are no more
    for model, matrix in scores.items():
        limits = thresholds.fit(truth.to_numpy(), matrix, params.calibration)
        store.write_thresholds(model, dict(zip(truth.columns, limits, strict=True)))
        never = int(np.isinf(limits).sum())
        recorder.metrics({f"{model}/tags_never_decided": float(never)})
        logger.info("%s: %d thresholds, %d never reached", model, limits.size, never)
