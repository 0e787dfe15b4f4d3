"""How each architecture is taught: what it hears of a split, and who teaches it.

It is the one place that knows; stages hand over tracks and truth.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import (
    ClipTraining,
    Crnn,
    DeepSpectrumRnn,
    LogMel,
    MelbandFcn,
    Model,
    Multiscale,
    Siamese,
    Texture,
)
from tagsmith.features.clips import Frames
from tagsmith.models.melband_fcn import expect
from tagsmith.training.batches import Clips, Sequences
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.training.fit import fit
from tagsmith.training.knowledge import Knowledge
from tagsmith.training.learner import Validation
from tagsmith.training.pairs import Pairs, learnable
from tagsmith.training.ridge import solve

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger
    from tagsmith.tracking.recording import Recorder

Truth = NDArray[np.bool_]


def teach(  # noqa: PLR0913 - a split, what judges it, and where progress goes
    tagger: "Tagger",
    tracks: Sequence[Frames],
    truth: Truth,
    *,
    validation: Validation,
    checkpoint: Checkpoint,
    recorder: "Recorder",
    seed: int,
    knowledge: Knowledge | None = None,
) -> list[dict[str, float]]:
    """Teach a model the training split, or go on where a killed run stopped.

    Args:
        tagger: What learns; a word model has been told what its tags mean.
        tracks: Features of each training track, memory-mapped.
        truth: `(tracks, tags)`; of no account where there is more knowledge.
        validation: What says which epoch is best.
        checkpoint: Where progress is kept.
        recorder: Where the figures of each epoch go.
        seed: Of the experiment.
        knowledge: What several sources say of these tracks, in their order, to a
            network that learns the labels of all of them; None where there is one.

    Returns:
        One row per epoch, as `fit` has them.
    """
    assert knowledge is None or isinstance(tagger.config, MelbandFcn)
    match tagger.config:
        case Texture():
            return solve(tagger, tracks, truth, validation, recorder)
        case Crnn(training=training) | Multiscale(training=training):
            clips = _clips(tagger, tracks, truth, training, seed)
            return fit(tagger, clips, validation, checkpoint, recorder)
        case Siamese(training=training, loss=loss):
            kept = np.flatnonzero(learnable(truth))
            heard = [tracks[int(row)] for row in kept]
            clips = _clips(tagger, heard, truth[kept], training, seed)
            return fit(tagger, Pairs(clips, loss), validation, checkpoint, recorder)
        case DeepSpectrumRnn(training=training):
            whole = Sequences(tracks, truth, training, seed)
            return fit(tagger, whole, validation, checkpoint, recorder)
        case MelbandFcn(training=training):
            taught = truth if knowledge is None else knowledge
            assert len(taught) == len(tracks)
            whole = Sequences(tracks, taught, training, seed)
            if knowledge is not None and knowledge.unknown == "masked":
                _expect(tagger, knowledge)
            return fit(tagger, whole, validation, checkpoint, recorder)
        case _:
            assert_never(tagger.config)


def precision(config: Model) -> str:
    """Return Keras's policy for a model: what is solved is no network in training."""
    return "float32" if isinstance(config, Texture) else config.training.precision


def _expect(tagger: "Tagger", knowledge: Knowledge) -> None:
    """Let a new network begin with the tags' frequencies, unless these are balanced."""
    assert isinstance(tagger.config, MelbandFcn)
    if tagger.config.training.tag_weights == "none":
        expect(tagger.network, knowledge.frequency)


def _clips(
    tagger: "Tagger",
    tracks: Sequence[Frames],
    truth: Truth,
    training: ClipTraining,
    seed: int,
) -> Clips:
    assert isinstance(tagger.feature, LogMel)
    return Clips(tracks, truth, training, tagger.feature, seed)
