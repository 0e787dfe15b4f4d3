"""What learns in a phase: a whole network, or the part of it behind a frozen trunk."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

import keras
import numpy as np
from numpy.typing import NDArray

from tagsmith.config import Crnn, InverseTime, Phase, TrunkPhase
from tagsmith.features.clips import Frames, spread
from tagsmith.models.crnn import TRUNK, split
from tagsmith.training import device, frozen
from tagsmith.training.batches import Clips, Lessons
from tagsmith.training.knowledge import Knowledge
from tagsmith.training.losses import crossentropy, hinge, masked_crossentropy
from tagsmith.training.pairs import Pairs

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger

MOMENTUM = 0.9  # of `sgd`, as the siamese network's authors had it
TRACKS_AT_ONCE = 8  # whose clips go through the trunk together

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Validation:
    """What decides which epoch is best: features of each track, and truth."""

    tracks: Sequence[Frames]
    truth: NDArray[np.bool_]


@dataclass(frozen=True)
class Learner:
    """A phase's network and what it is taught.

    Attributes:
        network: Compiled; its layers are the tagger's.
        lessons: What that is.
        score: Scores the validation split, `(tracks, tags)`.
    """

    network: keras.Model
    lessons: Lessons
    score: Callable[[], Scores]


def learner(
    tagger: "Tagger",
    training_split: Lessons,
    *,
    validation: Validation,
    phase: Phase,
    folder: Path,
) -> Learner:
    """Prepare a phase, with a new optimizer.

    Args:
        tagger: What learns.
        training_split: From what.
        validation: What is scored after every epoch.
        phase: Whether the trunk is frozen, and the learning rate.
        folder: Where outputs of a frozen trunk are kept; removed where there is none.
    """
    if isinstance(phase, TrunkPhase):
        tagger.network.get_layer(TRUNK).trainable = phase.train_trunk
    if isinstance(phase, TrunkPhase) and not phase.train_trunk:
        assert isinstance(training_split, Clips)
        made = _behind_trunk(
            tagger, training_split, validation, epochs=phase.epochs, folder=folder
        )
    else:
        frozen.forget(folder)
        score = partial(tagger.score_features, validation.tracks)
        made = Learner(tagger.network, training_split, score)
    return replace(made, network=compiled(made.lessons, made.network, phase))


def _behind_trunk(
    tagger: "Tagger",
    clips: Clips,
    validation: Validation,
    *,
    epochs: int,
    folder: Path,
) -> Learner:
    """Have the trunk hear everything once; the rest of the network learns."""
    front, head = split(tagger.network)
    lessons = frozen.draw(front, clips, epochs=epochs, folder=folder)
    assert isinstance(tagger.config, Crnn)
    scoring = tagger.config.scoring
    heard = frozen.kept(
        front,
        _scored_clips(tagger, validation.tracks, scoring.clips),
        len(validation.tracks) * scoring.clips,
        path=folder / frozen.fingerprint(front) / "validation.npy",
    )

    def score() -> Scores:
        scores = [
            head.predict_on_batch(np.float32(heard[start : start + scoring.batch_size]))
            for start in range(0, len(heard), scoring.batch_size)
        ]
        of_clips = np.concatenate(scores).reshape(-1, scoring.clips, len(tagger.tags))
        return np.asarray(of_clips.mean(axis=1), np.float32)

    return Learner(head, lessons, score)


def _scored_clips(
    tagger: "Tagger", tracks: Sequence[Frames], clips: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the clips by which tracks are scored; an only clip is repeated."""
    for start in range(0, len(tracks), TRACKS_AT_ONCE):
        together = [
            spread(track, tagger.clip_frames, clips)
            for track in tracks[start : start + TRACKS_AT_ONCE]
        ]
        shape = (clips, *together[0].shape[1:])
        yield np.concatenate([np.broadcast_to(each, shape) for each in together])


def compiled(lessons: Lessons, network: keras.Model, phase: Phase) -> keras.Model:
    """Give a network a new optimizer, and the loss of its lessons.

    Returns:
        The network; or one of the same layers that learns on several devices.
    """
    training = lessons.training
    steps = -(-lessons.per_epoch // training.batch_size)  # of an epoch
    optimizers = {
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
        "sgd": partial(keras.optimizers.SGD, momentum=MOMENTUM, nesterov=True),
    }
    with device.scope():
        network = device.learning(network)
        network.compile(
            optimizer=optimizers[training.optimizer](learning_rate(phase, steps)),
            loss=_loss(lessons),
        )
        network.optimizer.build(network.trainable_variables)
    return network


def summed(lessons: Lessons) -> bool:
    """Tell whether the loss of lessons is a sum over a batch, not a mean."""
    return isinstance(lessons, Pairs) and lessons.loss.reduction == "sum"


def _loss(lessons: Lessons) -> Any:  # noqa: ANN401 - a function that Keras calls
    if isinstance(lessons, Pairs):
        return hinge(lessons.loss)
    truth, tag_weights = lessons.truth, lessons.training.tag_weights
    if isinstance(truth, Knowledge):
        return masked_crossentropy(truth.frequency, tag_weights)
    return crossentropy(truth, tag_weights)


def learning_rate(phase: Phase, steps: int) -> Any:  # noqa: ANN401 - a number or schedule
    """Return what an optimizer takes: the rate, or the rate by step.

    Args:
        phase: With its `decay`.
        steps: Batches of an epoch.
    """
    schedules = keras.optimizers.schedules
    rate = phase.learning_rate
    match phase.decay:
        case "none":
            return rate
        case "cosine":
            return schedules.CosineDecay(rate, phase.epochs * steps)
        case InverseTime(per_step=per_step):
            return schedules.InverseTimeDecay(rate, 1, per_step)
        case tuple(epochs):
            # A boundary is the last step, counted from 0, of the rate before it.
            last = [epoch * steps - 1 for epoch in epochs]
            tenths = [rate / 10**number for number in range(len(epochs) + 1)]
            return schedules.PiecewiseConstantDecay(last, tenths)
        case _:
            assert_never(phase.decay)
