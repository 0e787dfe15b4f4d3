"""Recurrent network on Deep Spectrum features: what a CNN sees, window by window.

values of each window -> GRU, LSTM or BiLSTM layers -> dense layer -> tags.
With the profile `mediaeval2019` it is the published network, to the parameter:
23,145,528 (GRU), 30,487,608 (LSTM), 69,301,304 (BiLSTM) for 4,096 values and 56 tags.

Sequences of different lengths go together in a batch: the shorter ones end in steps of
NaN, which are masked, so that a score does not depend on what else is in the batch.

References:
    Amiriparian et al., "Emotion and themes recognition in music utilising convolutional
    and recurrent neural networks", MediaEval 2019.
    Amiriparian et al., "Snore sound classification using image-based deep spectrum
    features", Interspeech 2017.
"""

import keras
from keras import layers

from tagsmith.config import DeepSpectrumRnn
from tagsmith.models.layers import STATISTICS, PresentSteps
from tagsmith.models.recurrence import recurrence, tag_scores


def deep_spectrum_rnn(
    config: DeepSpectrumRnn, *, values: int, tags: int
) -> keras.Model:
    """Build the network: `(batch, steps, values)`, any steps, to `(batch, tags)`."""
    sequences = layers.Input((None, values), name="sequences")
    x = PresentSteps(name="present_steps")(sequences)
    if config.standardize:
        x = layers.Normalization(axis=-1, name=STATISTICS)(x)
    x = recurrence(config, x)
    return keras.Model(sequences, tag_scores(config, x, tags), name="deep_spectrum_rnn")
