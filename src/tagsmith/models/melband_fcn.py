"""Schreiber's network: convolutions over mel bands, of whole tracks at once.

statistics of 40 bands -> four convolutions -> one more that scores tags -> mean.
With the published sizes it is the published network, to the parameter: 522,624 + 517
for each tag, which makes 918,646 for AllMusic's 766, 685,479 for Discogs's 315, 691,683
for Last.fm's 327 and 675,656 for tagtraum's 296.

The moving statistics of batch normalization, by which tracks are scored, forget faster
than the published .99 lets them: see `MOMENTUM`. What is learnt does not depend on it.

References:
    Schreiber, "MediaEval 2018 AcousticBrainz Genre Task: A CNN Baseline Relying on
    Mel-Features", MediaEval 2018.
"""

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from tagsmith.config import MelbandFcn
from tagsmith.models.layers import MOMENTUM

BANDS, STATISTICS = 40, 9  # what there is of a track
RAREST = 1e-4  # no tag is expected less often, nor to be missing
POOLED = 3  # of the four convolutions; the last one's five steps are few enough


def melband_fcn(config: MelbandFcn, *, tags: int) -> keras.Model:
    """Build the network: `(batch, 40 bands, 9 statistics)` to `(batch, tags)`."""
    statistics = layers.Input((BANDS, STATISTICS), name="statistics")
    x = statistics
    for number, filters in enumerate(config.filters, start=1):
        name = f"conv{number}"
        x = layers.Conv1D(filters, 3, padding="same", activation="elu", name=name)(x)
        x = layers.Dropout(config.dropout, name=f"{name}_dropout")(x)
        if number <= POOLED:  # 40 bands become 20, 10 and 5 steps
            x = layers.AveragePooling1D(2, name=f"{name}_mean")(x)
        x = _normalized(x, name)
    x = layers.Conv1D(tags, 1, activation="elu", name="tags")(x)  # (batch, 5, tags)
    x = _normalized(x, "tags")
    # float32 whatever the precision: probabilities near 0 and 1 decide AUCs.
    x = layers.GlobalAveragePooling1D(dtype="float32", name="mean_over_bands")(x)
    scores = layers.Activation("sigmoid", dtype="float32", name="scores")(x)
    return keras.Model(statistics, scores, name="melband_fcn")


def expect(network: keras.Model, frequency: NDArray[np.float64]) -> None:
    """Have an untrained network score each tag by how frequent it is.

    As it is built, it scores all tags one half. Until it has learnt that most are rare,
    it pays to score those tracks lower whose tags are known, whatever is heard there;
    where that is not known of all tracks alike, a network that is not told this first
    learns it instead of the tags.

    Args:
        network: A new one.
        frequency: `(tags,)` in [0, 1], among the tracks of which a tag is known.
    """
    share = np.clip(frequency, RAREST, 1 - RAREST)
    network.get_layer("tags_norm").beta.assign(np.log(share / (1 - share)))


def _normalized(x: Any, name: str) -> Any:  # noqa: ANN401 - symbolic tensors
    return layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
