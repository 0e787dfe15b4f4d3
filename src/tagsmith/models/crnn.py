"""CRNN: convolutions hear timbre, a recurrent network hears how it goes on.

log-mel -> VGGish's convolutions -> mean over bands -> GRU, LSTM or BiLSTM -> tags.
With `trunk: vggish` and the profile `mediaeval2019` it is the published network, to the
trainable parameter: 5,807,928 (GRU), 6,136,120 (LSTM), 8,236,344 (BiLSTM) for 56 tags.

References:
    Amiriparian et al., "Emotion and themes recognition in music utilising convolutional
    and recurrent neural networks", MediaEval 2019.
    Hershey et al., "CNN architectures for large-scale audio classification",
    ICASSP 2017.
"""

from typing import Any

import keras
from keras import layers

from tagsmith.config import Crnn, LogMel, RandomTrunk, VggishTrunk
from tagsmith.models.layers import STATISTICS, RelativeDecibels, block
from tagsmith.models.recurrence import recurrence, tag_scores

# (filters of each convolution) per block; every block ends with a 2 x 2 maximum.
VGGISH_BLOCKS = ((64,), (128,), (256, 256), (512, 512))
TRUNK = "trunk"
STEPS = "steps"


def crnn(config: Crnn, feature: LogMel, *, tags: int) -> keras.Model:
    """Build the network: `(batch, frames, bands)` decibels to `(batch, tags)`."""
    frames = round(config.training.clip_seconds * feature.frames_per_second)
    decibels = layers.Input((frames, feature.mel_bands), name="decibels")
    x = RelativeDecibels(name="relative_decibels")(decibels)
    x = layers.Normalization(axis=-1, name=STATISTICS)(x)
    x = layers.Reshape((frames, feature.mel_bands, 1), name="channel")(x)
    x = _trunk(config.trunk, (frames, feature.mel_bands))(x)
    if config.band_summary == "mean":
        x = layers.AveragePooling2D((1, x.shape[2]), name="mean_over_bands")(x)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name=STEPS)(x)
    x = recurrence(config, x)
    return keras.Model(decibels, tag_scores(config, x, tags), name="crnn")


def split(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Cut a CRNN behind its trunk, where its steps begin.

    Returns:
        Decibels to `(batch, steps, features)`, and these to `(batch, tags)`: two
        networks that share the whole one's layers, weights and random states.
    """
    steps = network.get_layer(STEPS).output
    front = keras.Model(network.input, steps, name="up_to_the_trunk")
    return front, keras.Model(steps, network.output, name="behind_the_trunk")


def _trunk(trunk: VggishTrunk | RandomTrunk, image: tuple[int, int]) -> keras.Model:
    """Return the convolutions as one model: image to `(steps, height, filters)`."""
    blocks = VGGISH_BLOCKS if isinstance(trunk, VggishTrunk) else trunk.filters
    normalize = isinstance(trunk, RandomTrunk) and trunk.batch_normalization
    parts: list[Any] = [layers.Input((*image, 1))]
    for number, filters in enumerate(blocks, start=1):
        name = f"conv{number}"
        parts += block(filters, batch_normalization=normalize, name=name)
    return keras.Sequential(parts, name=TRUNK)
