"""Training: phases of epochs, the best epoch kept, resumable after any of them.

The best epoch is the one with the highest macro ROC-AUC on validation, as AugLi had it,
or with the lowest cross-entropy there, as Schreiber.
"""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import Phase, Training
from tagsmith.errors import DataError
from tagsmith.training import device, frozen
from tagsmith.training.batches import Ahead, Lessons
from tagsmith.training.checkpoint import Checkpoint, Progress, assign, values
from tagsmith.training.figures import mean_crossentropy, ranked
from tagsmith.training.learner import Learner, Validation, learner, summed
from tagsmith.training.statistics import finalize, set_statistics
from tagsmith.training.warm_start import warm_up

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger
    from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

Arrays = list[NDArray[Any]]


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
        One row per epoch: `epoch`, `loss`, `validation_roc_auc`, `validation_pr_auc`,
        `validation_loss`. Speeds, which differ from run to run, go to the recorder and
        the log only.

    Raises:
        DataError: Training diverged, or no validation tag has an ROC-AUC.
    """
    network, training = tagger.network, split.training
    progress, best = _begin(tagger, split, checkpoint, recorder)
    pupil: Learner | None = None
    while not _is_over(progress, training):
        begins = _phase(training, progress.epoch)[1] == progress.epoch
        if begins and best:
            assign(network.weights, best)
        if begins or pupil is None:
            pupil = _pupil(tagger, split, validation, checkpoint, progress.epoch)
        row, speed = _epoch(pupil, validation.truth, progress.epoch)
        if progress.add(row, best_by=training.best_by):
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
    frozen.forget(_folder(checkpoint))
    return progress.history


def _begin(
    tagger: "Tagger",
    split: Lessons,
    checkpoint: Checkpoint,
    recorder: "Recorder",
) -> tuple[Progress, Arrays]:
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


def _pupil(
    tagger: "Tagger",
    split: Lessons,
    validation: Validation,
    checkpoint: Checkpoint,
    epoch: int,
) -> Learner:
    """Prepare what an epoch begins with, or a killed run's phase goes on with."""
    phase, first = _phase(split.training, epoch)
    folder = _folder(checkpoint)
    pupil = learner(tagger, split, validation=validation, phase=phase, folder=folder)
    if epoch > first:
        assign(pupil.network.optimizer.variables, checkpoint.arrays("optimizer"))
    return pupil


def _folder(checkpoint: Checkpoint) -> Path:
    """Return where outputs of a frozen trunk are kept."""
    return checkpoint.path.with_suffix(".trunk")


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
        loss = device.learn(pupil.network, batch, tags, summed=summed(pupil.lessons))
        total += loss * len(batch)
    seconds = time.perf_counter() - began
    loss = total / pupil.lessons.per_epoch
    if not np.isfinite(loss):
        raise DataError(
            f"the loss of epoch {epoch + 1} is {loss}: training diverged; lower the "
            "phase's learning_rate"
        )
    scores = pupil.score()
    learned = {
        "loss": loss,
        **ranked(truth, scores),
        "validation_loss": mean_crossentropy(truth, scores),
    }
    speed = {
        "clips_per_second": pupil.lessons.per_epoch / seconds,
        "share_waiting_for_input": ahead.waited_seconds / seconds,
    }
    return learned, speed


def _is_over(progress: Progress, training: Training) -> bool:
    """Tell whether all epochs are done, or too many since the best one."""
    if progress.epoch >= training.epochs:
        return True
    if not training.patience_epochs or not progress.epoch:
        return False
    return progress.epoch - progress.best_epoch >= training.patience_epochs


def _log(progress: Progress, training: Training, speed: dict[str, float]) -> None:
    row = progress.history[-1]
    logger.info(
        "epoch %d of %d: loss %.4f, validation ROC-AUC %.4f, loss %.4f (best epoch: "
        "%d), %.0f clips/s, %.0f %% of the time waiting for input",
        progress.epoch,
        training.epochs,
        row["loss"],
        row["validation_roc_auc"],
        row["validation_loss"],
        progress.best_epoch,
        speed["clips_per_second"],
        100 * speed["share_waiting_for_input"],
    )
