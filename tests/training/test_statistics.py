"""By what a network standardises: the training split's own mean and deviation."""

import numpy as np
import pytest

from tagsmith.models.layers import STATISTICS
from tagsmith.training.batches import Clips, Sequences
from tests.fakes.experiments import TAGS, tiny_params

pytestmark = pytest.mark.keras
PARAMS = tiny_params()


def network(name, values, **changes):
    from tagsmith.models import build

    config = PARAMS.models[name].model_copy(update=changes)
    feature = PARAMS.features[config.feature]
    return build(config, feature, tags=len(TAGS), values=values)


def sequences(tracks):
    truth = np.zeros((len(tracks), len(TAGS)), bool)
    return Sequences(tracks, truth, PARAMS.models["ds_1s_gru"].training, seed=7)


def measured(made, split):
    from tagsmith.training.statistics import set_statistics

    set_statistics(made, split)
    layer = made.get_layer(STATISTICS)
    return np.array(layer.adapt_mean), np.array(layer.adapt_variance)


def test_every_step_of_every_track_counts_once_and_padding_never(rng):
    tracks = [rng.gamma(2, 3, (steps, 5)) for steps in (1, 7, 30, 2, 4, 11)]
    mean, variance = measured(network("ds_1s_gru", 5), sequences(tracks))
    steps = np.concatenate(tracks)
    np.testing.assert_allclose(mean, steps.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(variance, steps.var(axis=0), rtol=1e-5)


def test_clips_come_out_with_mean_0_and_deviation_1(rng):
    import keras

    tracks = [rng.normal(-40, 9, (60, 64)) for _ in range(8)]
    training = PARAMS.models["crnn_gru"].training
    truth = np.zeros((8, len(TAGS)), bool)
    clips = Clips(tracks, truth, training, PARAMS.features["logmel"], seed=7)
    made = network("crnn_gru", 64)
    measured(made, clips)
    standardized = keras.Model(made.input, made.get_layer(STATISTICS).output)
    out = np.concatenate([standardized(heard) for heard, _ in clips.epoch(0)])
    np.testing.assert_allclose(out.mean(axis=(0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=(0, 1)), 1, atol=1e-3)


def test_a_value_that_never_changes_is_only_shifted(rng):
    tracks = [rng.normal(0, 1, (9, 3)) * [1, 0, 0] + [0, 0, 0.1] for _ in range(5)]
    mean, variance = measured(network("ds_1s_gru", 3), sequences(tracks))
    np.testing.assert_allclose(mean[1:], [0, 0.1], rtol=1e-6)
    np.testing.assert_array_equal(variance[1:], 1)


def test_a_network_without_the_layer_is_left_alone(rng):
    from tagsmith.training.statistics import set_statistics

    made = network("ds_1s_gru", 5, standardize=False)
    before = made.get_weights()
    set_statistics(made, sequences([rng.normal(0, 1, (4, 5))]))
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
