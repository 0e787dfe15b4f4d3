"""The recurrent network on Deep Spectrum features: published sizes, honest padding."""

import numpy as np
import pytest

from tagsmith.config import Params
from tagsmith.features.clips import padded
from tagsmith.models import build
from tests.conftest import ROOT
from tests.fakes.experiments import VALUES, tiny_params

pytestmark = pytest.mark.keras

NAME = "ds_1s_{}"
every_kind = pytest.mark.parametrize(
    ("recurrence", "step_summary"),
    [
        ("gru", "last"),
        ("lstm", "mean_max"),
        ("bilstm", "last"),
        ("bilstm", "mean_max"),
    ],
)


@pytest.fixture
def tracks(rng):
    return [rng.normal(0, 1, (steps, VALUES)) for steps in (4, 9, 1, 6)]


def network(recurrence, *, values=VALUES, tags=3, **changes):
    import keras

    keras.utils.set_random_seed(7)
    params = tiny_params()
    config = params.models[NAME.format(recurrence)]
    config = config.model_copy(update={"recurrent_layers": 2} | changes)
    feature = params.features[config.feature]
    return build(config, feature, tags=tags, values=values)


def scramble(network, rng):
    """Let every layer do something: biases, moving means and variances are 0 or 1."""
    for weight in network.weights:
        weight.assign(weight + 0.1 * rng.random(weight.shape))


@every_kind
def test_padding_changes_no_score(recurrence, step_summary, tracks, rng):
    made = network(recurrence, step_summary=step_summary)
    scramble(made, rng)
    alone = [made(track[np.newaxis])[0] for track in tracks]
    np.testing.assert_allclose(made(padded(tracks)), alone, atol=1e-6)


@every_kind
def test_padding_teaches_nothing(recurrence, step_summary, tracks):
    """More of it leaves loss, weights and moving statistics as they would be."""
    config = {"step_summary": step_summary, "dropout": 0.0, "standardize": True}
    truth = np.eye(4, 3)
    longer = padded([*tracks, np.zeros((30, VALUES))])[:-1]
    taught = []
    for batch in (padded(tracks), longer):
        made = network(recurrence, **config)
        made.compile("sgd", "binary_crossentropy")
        taught.append([made.train_on_batch(batch, truth), *made.get_weights()])
    for short, long in zip(*taught, strict=True):
        np.testing.assert_allclose(short, long, atol=1e-6)


def test_moving_statistics_count_no_padded_step(tracks):
    """The first batch normalization hears 20 steps, not 4 times the longest's 9."""
    import keras

    made = network("gru", recurrent_layers=2, standardize=False)
    first = keras.Model(made.input, made.get_layer("rnn0").output)
    steps = np.concatenate([first(track[np.newaxis])[0] for track in tracks])
    made(padded(tracks), training=True)
    moved = made.get_layer("rnn0_normalization").moving_mean
    np.testing.assert_allclose(moved, 0.01 * steps.mean(axis=0), atol=1e-6)


def test_every_step_has_a_say_in_mean_and_maximum(tracks):
    made = network("gru", step_summary="mean_max")
    before = made.predict_on_batch(padded(tracks))
    tracks[1][0] += 5
    after = made.predict_on_batch(padded(tracks))
    assert (before != after).any(axis=1).tolist() == [False, True, False, False]


def test_a_maximum_below_zero_is_not_the_paddings(rng):
    from tagsmith.models.layers import MaximumOverSteps

    steps = -1 - rng.random((2, 3, 4)).astype(np.float32)
    mask = np.array([[True, True, False], [True, True, True]])
    maximum = np.array(MaximumOverSteps()(steps, mask=mask))
    np.testing.assert_array_equal(maximum[0], steps[0, :2].max(axis=0))
    np.testing.assert_array_equal(maximum[1], steps[1].max(axis=0))


# --- parameters at the published sizes

VGG16_FC2, TAGS, UNITS = 4096, 56, 1024


@pytest.mark.parametrize(
    ("recurrence", "first", "second", "dense", "total"),
    [
        ("gru", 15_731_712, 6_294_528, 1_049_600, 23_145_528),
        ("lstm", 20_975_616, 8_392_704, 1_049_600, 30_487_608),
        ("bilstm", 41_951_232, 25_174_016, 2_098_176, 69_301_304),
    ],
)
def test_the_published_sizes_give_the_published_parameters(
    recurrence, first, second, dense, total
):
    """Layer by layer, and nothing besides: there is no difference to explain."""
    made = published(recurrence)
    counts = {layer.name: layer.count_params() for layer in made.layers}
    assert [counts[name] for name in ("rnn0", "rnn1", "dense")] == [
        first,
        second,
        dense,
    ]
    assert made.count_params() == total


def test_statistics_add_two_per_value_and_a_count():
    """The one thing that the published network lacks, off in its profile."""
    made = published("gru", standardize=True)
    assert made.count_params() == 23_145_528 + 2 * VGG16_FC2 + 1


def test_two_sets_of_biases_would_not_be_the_published_gru():
    """Keras 3 would have 3 * 1,024 more in each layer without `reset_after=False`."""
    made = published("gru")
    kernels = 3 * UNITS * (VGG16_FC2 + UNITS), 3 * UNITS * 2 * UNITS
    for layer, weights in zip(("rnn0", "rnn1"), kernels, strict=True):
        assert made.get_layer(layer).count_params() - weights == 3 * UNITS


def published(recurrence, **changes):
    params = Params.load(ROOT / "profiles" / "mediaeval2019.yaml")
    config = params.models[NAME.format(recurrence)].model_copy(update=changes)
    feature = params.features[config.feature]
    return build(config, feature, tags=TAGS, values=VGG16_FC2)
