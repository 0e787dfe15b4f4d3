"""Ridge regression: a texture model's only layer is solved, not descended to.

The statistics of a track are regressed on its tags, and the tags on their vectors, both
with a penalty; multiplied, they are the layer that puts a track where its tags are.

References:
    Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning",
    ICML 2015.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from tagsmith.config import Texture
from tagsmith.errors import DataError
from tagsmith.features.clips import Frames
from tagsmith.models.layers import STATISTICS
from tagsmith.models.words import EMBEDDING, WORDS, from_tags
from tagsmith.training.figures import ranked
from tagsmith.training.learner import Validation
from tagsmith.training.pairs import learnable

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger
    from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

Matrix = NDArray[np.floating[Any]]


def solve(
    tagger: "Tagger",
    tracks: Sequence[Frames],
    truth: NDArray[np.bool_],
    validation: Validation,
    recorder: "Recorder",
) -> list[dict[str, float]]:
    """Set the layer of a texture model that knows its tags' vectors.

    Args:
        tagger: What learns.
        tracks: `(frames, bands)` of each training track.
        truth: `(tracks, tags)`.
        validation: What is scored afterwards; it chooses nothing.
        recorder: Where the figures go.

    Returns:
        One row, as `fit` has them: `epoch`, `loss` (the mean square of what is left of
        the tags), `validation_roc_auc` and `validation_pr_auc`.

    Raises:
        DataError: No track has some of the tags, and not all.
    """
    assert isinstance(tagger.config, Texture)
    kept = np.flatnonzero(learnable(truth))
    if not kept.size:
        raise DataError(
            f"none of {len(truth)} tracks has some of the {truth.shape[1]} tags and "
            "not all; use a data set with more tags"
        )
    network = tagger.network
    values = _textures(tagger, [tracks[int(row)] for row in kept])  # (tracks, values)
    mean, variance = values.mean(axis=0), values.var(axis=0)
    _standardize(network, mean, variance)
    values = (values - mean) / np.sqrt(np.where(variance > 0, variance, 1))
    wanted = truth[kept] - truth[kept].mean(axis=0)
    weights = regressed(values, wanted, tagger.config.ridge)  # (values, tags)
    left = wanted - values @ weights
    # A rare tag is predicted with small numbers; it shall have as much say as others.
    said = (values @ weights).std(axis=0)
    weights /= np.where(said > 0, said, 1)
    places = from_tags(np.asarray(network.get_layer(WORDS).vectors))
    network.get_layer(EMBEDDING).kernel.assign(weights @ places)
    scores = tagger.score_features(validation.tracks)
    row = {
        "loss": float(np.square(left).mean()),
        **ranked(validation.truth, scores),
    }
    recorder.metrics(row, step=1)
    logger.info("solved: validation ROC-AUC %.4f", row["validation_roc_auc"])
    return [{"epoch": 1, **row}]


def regressed(values: Matrix, wanted: Matrix, ridge: float) -> Matrix:
    """Return weights `(values, outputs)` that predict what is wanted, with a penalty.

    Args:
        values: `(tracks, values)`, each of mean 0 and deviation 1.
        wanted: `(tracks, outputs)`, each of mean 0.
        ridge: Added to the variance of every value.
    """
    tracks, count = values.shape
    penalty = ridge * tracks * np.eye(count)
    weights: Matrix = np.linalg.solve(values.T @ values + penalty, values.T @ wanted)
    return weights


def _textures(tagger: "Tagger", tracks: Sequence[Frames]) -> Matrix:
    before = tagger.network.get_layer(STATISTICS).input
    front = keras.Model(tagger.network.input, before)
    return tagger.over_clips(front, tracks).astype(np.float64)


def _standardize(network: keras.Model, mean: Matrix, variance: Matrix) -> None:
    layer = network.get_layer(STATISTICS)
    layer.adapt_mean.assign(mean)
    # A value that never changes is only shifted, as in `statistics.py`.
    layer.adapt_variance.assign(np.where(variance > 0, variance, 1))
    layer.finalize_state()
