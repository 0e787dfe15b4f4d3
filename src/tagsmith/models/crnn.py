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
from tagsmith.models.layers import RelativeDecibels, block

# (filters of each convolution) per block; every block ends with a 2 x 2 maximum.
VGGISH_BLOCKS = ((64,), (128,), (256, 256), (512, 512))
TRUNK = "trunk"
STATISTICS = "training_statistics"


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
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="steps")(x)
    x = _recurrence(config, x)
    x = layers.Dense(config.dense_units, name="dense")(x)
    x = layers.BatchNormalization(name="dense_normalization")(x)
    x = layers.ReLU(name="dense_relu")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    # float32 whatever the precision: probabilities near 0 and 1 decide AUCs.
    scores = layers.Dense(tags, activation="sigmoid", dtype="float32", name="tags")(x)
    return keras.Model(decibels, scores, name="crnn")


def _trunk(trunk: VggishTrunk | RandomTrunk, image: tuple[int, int]) -> keras.Model:
    """Return the convolutions as one model: image to `(steps, height, filters)`."""
    blocks = VGGISH_BLOCKS if isinstance(trunk, VggishTrunk) else trunk.filters
    normalize = isinstance(trunk, RandomTrunk) and trunk.batch_normalization
    parts: list[Any] = [layers.Input((*image, 1))]
    for number, filters in enumerate(blocks, start=1):
        name = f"conv{number}"
        parts += block(filters, batch_normalization=normalize, name=name)
    return keras.Sequential(parts, name=TRUNK)


def _recurrence(config: Crnn, x: Any) -> Any:  # noqa: ANN401 - a symbolic tensor
    """Stack the recurrent layers and summarise their steps, `(batch, features)`."""
    for depth in range(config.recurrent_layers):
        last = depth == config.recurrent_layers - 1
        keeps_steps = not last or config.step_summary == "mean_max"
        x = _recurrent_layer(config, return_sequences=keeps_steps, depth=depth)(x)
        x = layers.BatchNormalization(name=f"rnn{depth}_normalization")(x)
    if config.step_summary == "mean_max":
        mean = layers.GlobalAveragePooling1D(name="mean_over_steps")(x)
        maximum = layers.GlobalMaxPooling1D(name="maximum_over_steps")(x)
        x = layers.Concatenate(name="summary")([mean, maximum])
    return x


def _recurrent_layer(
    config: Crnn, *, return_sequences: bool, depth: int
) -> layers.Layer:
    options: dict[str, Any] = {
        "units": config.recurrent_units,
        "return_sequences": return_sequences,
        "dropout": config.recurrent_dropout,
        "recurrent_dropout": config.recurrent_dropout,
        "name": f"rnn{depth}",
    }
    match config.recurrence:
        case "gru":
            # One set of biases, as Keras 2.2.4 had it.
            return layers.GRU(**options, reset_after=False)
        case "lstm":
            return layers.LSTM(**options)
        case "bilstm":
            name = options.pop("name")
            return layers.Bidirectional(layers.LSTM(**options), name=name)
