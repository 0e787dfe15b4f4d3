"""Mean and variance of the training split, by which a network standardises its input.

A network without such a layer hears values as they are; nothing is measured then.
"""

import keras
import numpy as np

from tagsmith.models.layers import STATISTICS
from tagsmith.training.batches import Lessons

ENOUGH = 1000  # clips or tracks: for means of 64 bands, or of 1,280 values
CONSTANT = 1e-10  # of the mean square; a variance below it is rounding


def set_statistics(network: keras.Model, split: Lessons) -> None:
    """Measure mean and variance of each band or value on training clips, once.

    A value that never changes there is only shifted: dividing by its deviation, zero,
    would blow up whatever else it may be in another recording.
    """
    if (layer := _layer(network)) is None:
        return
    before = keras.Model(network.input, layer.input)
    heard, frames = 0, 0
    sums, squares = np.zeros((2, network.input_shape[2]))
    for batch, _ in split.epoch(0):
        present = ~np.isnan(batch[..., 0])  # without steps that only fill a batch
        sample = np.asarray(before.predict_on_batch(batch), np.float64)[present]
        sums += sample.sum(axis=0)
        squares += np.square(sample).sum(axis=0)
        frames += len(sample)
        heard += len(batch)
        if heard >= ENOUGH:
            break
    mean, mean_square = sums / frames, squares / frames
    variance = mean_square - np.square(mean)
    changes = variance > CONSTANT * mean_square
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(np.where(changes, variance, 1.0))
    layer.finalize_state()


def finalize(network: keras.Model) -> None:
    """Use statistics that were assigned: the layer computes with what it derives."""
    if (layer := _layer(network)) is not None:
        layer.finalize_state()


def _layer(network: keras.Model) -> keras.layers.Normalization | None:
    found = [layer for layer in network.layers if layer.name == STATISTICS]
    return found[0] if found else None
