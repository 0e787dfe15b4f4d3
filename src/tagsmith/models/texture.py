"""Texture: how the level of each band is spread over a clip, set against words.

log-mel -> statistics of each band over the clip -> one layer -> an embedding
words: tag vectors, centred -> an embedding of each tag

Their cosine is the score. There is one layer to learn, and it is solved by ridge
regression instead of descended to, in a second: of few tags and tracks, what a deep
network learns beyond that tells seen tags apart and says little of others.

References:
    Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning",
    ICML 2015.
    Tzanetakis and Cook, "Musical genre classification of audio signals", IEEE
    Transactions on Speech and Audio Processing, 2002: means and deviations over a
    texture window.
"""

from typing import Any

import keras
from keras import layers, ops

from tagsmith.config import LogMel, Texture
from tagsmith.models.layers import STATISTICS, RelativeDecibels
from tagsmith.models.words import EMBEDDING, WORDS, TagCosines


def texture(
    config: Texture, feature: LogMel, *, tags: int, dimensions: int
) -> keras.Model:
    """Build the network: clips `(batch, frames, bands)` to cosines `(batch, tags)`.

    Args:
        config: The model's section.
        feature: The feature that it hears, in decibels.
        tags: How many tags it learns.
        dimensions: Of their vectors; `words.know` tells it what these are.
    """
    frames = round(config.clip_seconds * feature.frames_per_second)
    clips = layers.Input((frames, feature.mel_bands), name="clips")
    x = RelativeDecibels(name="relative_decibels")(clips)
    x = BandTexture(name="texture")(x)
    x = layers.Normalization(axis=-1, name=STATISTICS)(x)
    x = layers.Dense(dimensions, use_bias=False, name=EMBEDDING)(x)
    x = TagCosines(tags, dimensions, None, centred=True, name=WORDS)(x)
    return keras.Model(clips, x, name="texture")


@keras.saving.register_keras_serializable(package="tagsmith")
class BandTexture(keras.layers.Layer):  # type: ignore[misc]
    """Describe how each band's level is spread, and how it changes, over a clip.

    Input shape: `(batch, frames, bands)`, decibels. Output shape: `(batch, 5 * bands)`:
    mean, deviation, maximum, mean rise and mean change from frame to frame.
    """

    def call(self, decibels: Any) -> Any:  # noqa: ANN401 - any backend's tensor
        """Return the statistics."""
        change = decibels[:, 1:] - decibels[:, :-1]
        statistics = [
            ops.mean(decibels, axis=1),
            ops.std(decibels, axis=1),
            ops.max(decibels, axis=1),
            ops.mean(ops.relu(change), axis=1),
            ops.mean(ops.abs(change), axis=1),
        ]
        return ops.concatenate(statistics, axis=-1)
