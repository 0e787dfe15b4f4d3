"""Training: phases of epochs, the best epoch kept, resumable after any of them.

The best epoch is the one with the highest macro ROC-AUC on validation, as published.
"""

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from tagsmith.config import Phase, Training
from tagsmith.errors import DataError
from tagsmith.features.clips import Frames
from tagsmith.features.logmel import relative
from tagsmith.models.crnn import STATISTICS, TRUNK
from tagsmith.training.batches import Ahead, Clips
from tagsmith.training.checkpoint import Checkpoint, Progress, assign, values
from tagsmith.training.losses import crossentropy

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger
    from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

STATISTICS_CLIPS = 1000  # enough for means of 64 bands


@dataclass(frozen=True)
class Validation:
    """What decides which epoch is best: `(frames, bands)` of each track, and truth."""

    tracks: list[Frames]
    truth: NDArray[np.bool_]


def fit(
    tagger: "Tagger",
    clips: Clips,
    validation: Validation,
    checkpoint: Checkpoint,
    recorder: "Recorder",
) -> list[dict[str, float]]:
    """Teach a network, or go on where a killed run stopped.

    Args:
        tagger: What learns; at the end it has the weights of the best epoch.
        clips: The training split.
        validation: The validation split.
        checkpoint: Where progress is kept after every epoch.
        recorder: Where the figures of each epoch go.

    Returns:
        One row per epoch: `epoch`, `loss`, `validation_roc_auc`. Speeds, which differ
        from run to run, go to the recorder and the log only.
    """
    network, training = tagger.network, clips.training
    best: list[NDArray[Any]] = []
    progress = checkpoint.progress()
    if progress is None:
        progress = Progress(recorder.run_id)
        set_statistics(network, clips)
    else:
        logger.info("resuming after epoch %d", progress.epoch)
        best = checkpoint.arrays("best")
        _start_phase(network, clips, _phase(training, progress.epoch - 1)[0])
        assign(network.variables, checkpoint.arrays("network"))
        assign(network.optimizer.variables, checkpoint.arrays("optimizer"))
        # The layer computes with tensors that it derives from its variables.
        network.get_layer(STATISTICS).finalize_state()
    while progress.epoch < training.epochs and not _is_patient_no_more(
        progress, training
    ):
        phase, first = _phase(training, progress.epoch)
        if progress.epoch == first:
            if best:
                assign(network.weights, best)
            _start_phase(network, clips, phase)
        row, speed = _epoch(tagger, clips, validation, progress.epoch)
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
                optimizer=values(network.optimizer.variables),
                best=best,
            )
        _log(progress, training, speed)
    assign(network.weights, best)
    return progress.history


def set_statistics(network: keras.Model, clips: Clips) -> None:
    """Measure mean and variance of each band on training clips, once."""
    heard = 0
    sums, squares = np.zeros((2, clips.tracks[0].shape[1]))
    for batch, _ in clips.epoch(0):
        sample = np.stack([relative(clip) for clip in batch])  # (clips, frames, bands)
        heard += len(sample)
        sums += sample.mean(axis=1, dtype=np.float64).sum(axis=0)
        squares += np.square(sample).mean(axis=1, dtype=np.float64).sum(axis=0)
        if heard >= STATISTICS_CLIPS:
            break
    layer = network.get_layer(STATISTICS)
    layer.adapt_mean.assign(sums / heard)
    layer.adapt_variance.assign(squares / heard - np.square(sums / heard))
    layer.finalize_state()


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


def _start_phase(network: keras.Model, clips: Clips, phase: Phase) -> None:
    training = clips.training
    network.get_layer(TRUNK).trainable = phase.train_trunk
    rate: Any = phase.learning_rate
    if phase.decay == "cosine":
        steps = phase.epochs * -(-clips.per_epoch // training.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(phase.learning_rate, steps)
    optimizers = {"rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}
    network.compile(
        optimizer=optimizers[training.optimizer](rate),
        loss=crossentropy(clips.truth, training.tag_weights),
    )
    network.optimizer.build(network.trainable_variables)


def _epoch(
    tagger: "Tagger", clips: Clips, validation: Validation, epoch: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Run one epoch and measure what was learned, and how fast."""
    network = tagger.network
    ahead = Ahead(clips.epoch(epoch))
    began = time.perf_counter()
    total = 0.0
    for batch, truth in ahead:
        loss = network.train_on_batch(batch, truth, return_dict=True)["loss"]
        total += float(loss) * len(batch)
    seconds = time.perf_counter() - began
    loss = total / clips.per_epoch
    if not np.isfinite(loss):
        raise DataError(
            f"the loss of epoch {epoch + 1} is {loss}: training diverged; lower the "
            "phase's learning_rate"
        )
    scores = tagger.score_features(validation.tracks)
    learned = {
        "loss": loss,
        "validation_roc_auc": macro_roc_auc(validation.truth, scores),
    }
    speed = {
        "clips_per_second": clips.per_epoch / seconds,
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
