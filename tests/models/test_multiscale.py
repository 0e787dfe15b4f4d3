"""The multi-scale network: published sizes, three scales, masks of two kinds."""

import numpy as np
import pytest

from tagsmith.config import Multiscale, Params
from tagsmith.errors import ConfigError
from tagsmith.models import build
from tests.conftest import ROOT
from tests.fakes.experiments import tiny_params

pytestmark = pytest.mark.keras

PUBLISHED = Params.load(ROOT / "profiles" / "magnatagatune.yaml")
CONFIG = PUBLISHED.models["multiscale"]
FEATURE = PUBLISHED.features["logmel_11025"]


@pytest.fixture(scope="module")
def published():
    return build(CONFIG, FEATURE, tags=50)


def tiny(**changes):
    import keras

    keras.utils.set_random_seed(7)
    params = tiny_params()
    config = params.models["multiscale"].model_copy(update=changes)
    return build(config, params.features["logmel_11025"], tags=3)


def test_the_published_sizes_give_the_published_parameters(published):
    counted = {"norm": 10_080, "dense": 2_520_500, "tags": 25_050, "scale1_1": 1_100}
    for name, count in counted.items():
        layer = published.get_layer(name)
        assert sum(np.prod(w.shape) for w in layer.trainable_weights) == count
    trainable = sum(np.prod(weight.shape) for weight in published.trainable_weights)
    assert trainable == 2_936_810


def test_beside_them_it_keeps_moving_means_and_the_training_splits_statistics(
    published,
):
    others = {w.path: int(np.prod(w.shape)) for w in published.non_trainable_weights}
    moving = sum(n for path, n in others.items() if "norm/moving" in path)
    statistics = sum(n for path, n in others.items() if "training_statistics" in path)
    assert 2_936_810 + moving == 2_946_890  # all of the original's
    assert statistics == 128 + 128 + 1  # mean, variance, count: it kept none


def test_a_published_clip_has_628_frames_and_all_scales_end_at_one_size(published):
    assert published.input_shape == (None, 628, 128)
    assert published.get_layer("scales").output.shape == (None, 19, 16, 210)
    assert published.get_layer("flat").output.shape == (None, 5040)


def test_a_scale_hears_averages_of_4_frames_and_2_bands(published, rng):
    import keras

    coarse = published.get_layer("coarser1")
    front = keras.Model(coarse.input, coarse.output)
    clip = rng.normal(size=(1, 628, 128, 1))
    expected = clip.reshape(1, 157, 4, 64, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(front(clip), expected, atol=1e-6)


def test_weights_start_normal_with_glorots_deviation_four_times_for_scores(published):
    for name, gain in {"dense": 1, "tags": 4}.items():
        kernel = np.array(published.get_layer(name).kernel)
        expected = gain * np.sqrt(2 / sum(kernel.shape))
        assert kernel.std() == pytest.approx(expected, rel=0.02)
        assert np.abs(kernel).max() > 3 * expected  # not cut off at two deviations


@pytest.mark.parametrize(("mask", "alike"), [("batch", True), ("clip", False)])
def test_clips_share_a_dropout_mask_only_where_it_is_asked_for(mask, alike):
    layer = tiny(dropout=0.5, dropout_mask=mask).get_layer("dropout")
    dropped = np.array(layer(np.ones((8, *layer.input.shape[1:])), training=True)) == 0
    assert dropped.any() and not dropped.all()
    assert (dropped == dropped[0]).all() == alike


def test_a_clip_too_short_to_be_pooled_is_refused():
    training = CONFIG.training.model_copy(update={"clip_seconds": 2.9})
    config = CONFIG.model_copy(update={"training": training})
    with pytest.raises(ConfigError, match=r"at least 64 frames \(2.97 s\).*got 62"):
        build(config, FEATURE, tags=3)


@pytest.mark.parametrize("filters", [[[4, 4, 4], [4, 4]], [[4], [4], [4]]])
def test_scales_that_do_not_meet_are_refused(filters):
    with pytest.raises(ValueError, match="3, 2 and 1 convolutions"):
        Multiscale.model_validate(CONFIG.model_dump() | {"filters": filters})
