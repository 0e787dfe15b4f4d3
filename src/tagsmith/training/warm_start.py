"""A warm start: a siamese network's convolutions classify before they compare.

Its authors could start from a classifier of the same tags. Here that is the first thing
a training does, on the very tracks and tags that it goes on with, so that no tag is
learnt which shall be unseen.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tagsmith.config import Phase, Siamese
from tagsmith.models.siamese import classifier
from tagsmith.training import device
from tagsmith.training.batches import Ahead, Lessons
from tagsmith.training.learner import compiled
from tagsmith.training.pairs import Pairs

if TYPE_CHECKING:
    from tagsmith.models.tagger import Tagger

logger = logging.getLogger(__name__)


def warm_up(tagger: "Tagger", lessons: Lessons) -> None:
    """Let a siamese network classify for as many epochs as it says, if any.

    Args:
        tagger: What learns; other networks are left as they are.
        lessons: What it will be taught.
    """
    if not isinstance(tagger.config, Siamese) or not isinstance(lessons, Pairs):
        return
    epochs, clips = tagger.config.warm_start_epochs, lessons.clips
    if not epochs:
        return
    rate = clips.training.phases[0].learning_rate
    network = device.built(partial(classifier, tagger.network, len(tagger.tags)))
    phase = Phase(epochs=epochs, learning_rate=rate, decay="none")
    network = compiled(clips, network, phase)
    for number in range(epochs):  # on clips that no epoch draws
        batches = Ahead(clips.epoch(clips.training.epochs + number))
        losses = [device.learn(network, *batch, summed=False) for batch in batches]
        logger.info(
            "warm start %d of %d: loss %.4f", number + 1, epochs, np.mean(losses)
        )
