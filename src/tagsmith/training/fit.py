"""Training: phases of epochs, the best epoch kept, resumable after any of them.

The best epoch is the one with the highest macro ROC-AUC on validation, as published.
"""

import logging
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tagsmith.config import Phase, Training
from tagsmith.errors import DataError
from tagsmith.training import frozen
from tagsmith.training.batches import Ahead, Lessons
from tagsmith.training.checkpoint import Checkpoint, Progress, assign, values
from tagsmith.training.learner import Learner, Validation, learner
from tagsmith.training.statistics import finalize, set_statistics
from tagsmith.training.warm_start import warm_up

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger
    from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


def fit(
    tagger: "Tagger",
    split: Lessons,
    validation: Validation,
    checkpoint: Checkpoint,
    recorder: "Recorder",
) -> list[dict[str, float]]:
    """Teach a network, or go on where a killed run stopped.

    Args:
        tagger: What learns; at the end it has the weights of the best epoch.
        split: The training split.
        validation: The validation split.
        checkpoint: Where progress is kept after every epoch.
        recorder: Where the figures of each epoch go.

    Returns:
        One row per epoch: `epoch`, `loss`, `validation_roc_auc`. Speeds, which differ
        from run to run, go to the recorder and the log only.
    """
    network, training = tagger.network, split.training
    folder = checkpoint.path.with_suffix(".trunk")
    progress, best = _begin(tagger, split, checkpoint, recorder)
    pupil: Learner | None = None
    while progress.epoch < training.epochs and not _is_patient_no_more(
        progress, training
    ):
        phase, first = _phase(training, progress.epoch)
        if pupil is None or progress.epoch == first:
            if progress.epoch == first and best:
                assign(network.weights, best)
            pupil = learner(
                tagger, split, validation=validation, phase=phase, folder=folder
            )
            if progress.epoch > first:  # a killed run's phase goes on
                assign(
                    pupil.network.optimizer.variables, checkpoint.arrays("optimizer")
                )
        row, speed = _epoch(pupil, validation.truth, progress.epoch)
        progress.epoch += 1
        progress.history.append({"epoch": progress.epoch, **row})
        if row["validation_roc_auc"] > progress.best:
            progress.best, progress.best_epoch = (
                row["validation_roc_auc"],
                progress.epoch,
            )
            best = values(network.weights)
        try:  # before the checkpoint: a kill in between leaves no gap in the curves
            recorder.metrics(row | speed, step=progress.epoch)
        finally:  # a server that is down costs no epoch
            checkpoint.save(
                progress,
                network=values(network.variables),
                optimizer=values(pupil.network.optimizer.variables),
                best=best,
            )
        _log(progress, training, speed)
    assign(network.weights, best)
    frozen.forget(folder)
    return progress.history


def _begin(
    tagger: "Tagger",
    split: Lessons,
    checkpoint: Checkpoint,
    recorder: "Recorder",
) -> tuple[Progress, list[NDArray[Any]]]:
    """Return where training stands and the best weights so far, none at its start."""
    progress = checkpoint.progress()
    if progress is None:
        set_statistics(tagger.network, split)
        warm_up(tagger, split)
        return Progress(recorder.run_id), []
    logger.info("resuming after epoch %d", progress.epoch)
    assign(tagger.network.variables, checkpoint.arrays("network"))
    finalize(tagger.network)
    return progress, checkpoint.arrays("best")


def macro_roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Return the mean ROC-AUC of the tags that the split can tell apart."""
    known = truth.any(axis=0) & ~truth.all(axis=0)
    if not known.any():
        raise DataError(
            "no tag has both positives and negatives in the validation split, so no "
            f"epoch can be called best: {len(truth)} tracks, {truth.shape[1]} tags"
        )
    return float(roc_auc_score(truth[:, known], scores[:, known], average="macro"))


def _phase(training: Training, epoch: int) -> tuple[Phase, int]:
    """Return the phase that an epoch belongs to, and that phase's first epoch."""
    first = 0
    for phase in training.phases:
        if epoch < first + phase.epochs:
            return phase, first
        first += phase.epochs
    raise ValueError(f"{epoch=} lies behind the last phase")


def _epoch(
    pupil: Learner, truth: NDArray[np.bool_], epoch: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Run one epoch and measure what was learned, and how fast."""
    ahead = Ahead(pupil.lessons.epoch(epoch))
    began = time.perf_counter()
    total = 0.0
    for batch, tags in ahead:
        loss = pupil.network.train_on_batch(batch, tags, return_dict=True)["loss"]
        total += float(loss) * len(batch)
    seconds = time.perf_counter() - began
    loss = total / pupil.lessons.per_epoch
    if not np.isfinite(loss):
        raise DataError(
            f"the loss of epoch {epoch + 1} is {loss}: training diverged; lower the "
            "phase's learning_rate"
        )
    learned = {
        "loss": loss,
        "validation_roc_auc": macro_roc_auc(truth, pupil.score()),
    }
    speed = {
        "clips_per_second": pupil.lessons.per_epoch / seconds,
        "share_waiting_for_input": ahead.waited_seconds / seconds,
    }
    return learned, speed


def _is_patient_no_more(progress: Progress, training: Training) -> bool:
    if not training.patience_epochs or not progress.epoch:
        return False
    return progress.epoch - progress.best_epoch >= training.patience_epochs


def _log(progress: Progress, training: Training, speed: dict[str, float]) -> None:
    row = progress.history[-1]
    logger.info(
        "epoch %d of %d: loss %.4f, validation ROC-AUC %.4f (best %.4f), "
        "%.0f clips/s, %.0f %% of the time waiting for input",
        progress.epoch,
        training.epochs,
        row["loss"],
        row["validation_roc_auc"],
        progress.best,
        speed["clips_per_second"],
        100 * speed["share_waiting_for_input"],
    )
