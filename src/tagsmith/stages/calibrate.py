"""Stage `calibrate`: a model's validation scores become one threshold per tag."""

import logging

import numpy as np

from tagsmith.config import Params
from tagsmith.core import thresholds
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


def run(params: Params, store: Store, recorder: Recorder, model: str) -> None:
    """Choose the thresholds of `model` and write them.

    Raises:
        ConfigError: There is no such model.
        MissingError: It has not been trained.
    """
    params.model(model)
    truth = store.read_truth("validation")
    scores = store.read_scores(model, "validation").to_numpy()
    limits = thresholds.fit(truth.to_numpy(), scores, params.calibration)
    store.write_thresholds(model, dict(zip(truth.columns, limits, strict=True)))
    never = int(np.isinf(limits).sum())
    recorder.metrics({"tags_never_decided": float(never)})
    logger.info("%s: %d thresholds, %d never reached", model, limits.size, never)
