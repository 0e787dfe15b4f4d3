"""The network over mel bands: published sizes, several sources in one space."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tagsmith.core.genres import label_space
from tagsmith.errors import DataError
from tagsmith.models import Tagger, build, load, save
from tests.fakes.experiments import tiny_params

pytestmark = pytest.mark.keras

PUBLISHED = {"filters": (64, 128, 256, 512), "dropout": 0.2}
SPACE = label_space(
    {"allmusic": ["Pop/Rock", "Jazz"], "lastfm": ["soul", "pop rock", "air"]}
)


def network(tags, **changes):
    params = tiny_params()
    config = params.models["melband_fcn"].model_copy(update=changes)
    return build(config, params.features["melbands"], tags=tags, values=9)


@pytest.mark.parametrize(
    ("tags", "parameters"),
    [
        pytest.param(766, 918_646, id="AllMusic"),
        pytest.param(315, 685_479, id="Discogs"),
        pytest.param(327, 691_683, id="Last.fm"),
        pytest.param(296, 675_656, id="tagtraum"),
        pytest.param(1_424, 1_258_832, id="all four"),
    ],
)
def test_the_published_sizes_give_the_published_parameters(tags, parameters):
    assert network(tags, **PUBLISHED).count_params() == parameters


def test_it_is_the_published_table_layer_by_layer():
    made = network(766, **PUBLISHED)
    table = {
        layer.name: (layer.output.shape[1:], layer.count_params())
        for layer in made.layers
        if layer.name.endswith("norm")
    }
    assert table == {
        "conv1_norm": ((20, 64), 256),
        "conv2_norm": ((10, 128), 512),
        "conv3_norm": ((5, 256), 1024),
        "conv4_norm": ((5, 512), 2048),
        "tags_norm": ((5, 766), 4 * 766),
    }
    assert [
        made.get_layer(f"conv{number}").count_params() for number in (1, 2, 3, 4)
    ] == [1_792, 24_704, 98_560, 393_728]


def test_scores_are_the_sigmoid_of_the_mean_over_steps(rng):
    import keras

    made = network(3)
    steps = keras.Model(made.input, made.get_layer("tags_norm").output)
    tracks = rng.random((4, 40, 9), np.float32)
    mean = np.asarray(steps(tracks)).mean(axis=1)
    np.testing.assert_allclose(made(tracks), 1 / (1 + np.exp(-mean)), atol=1e-6)


def test_a_new_network_can_expect_every_tag_as_often_as_it_is_there(rng):
    """In training, normalization leaves of the mean over a batch what is expected."""
    import keras

    from tagsmith.models.melband_fcn import expect

    made, frequency = network(4), np.array([0.01, 0.3, 0.5, 0.0])
    expect(made, frequency)
    log_odds = keras.Model(made.input, made.get_layer("mean_over_bands").output)
    heard = log_odds(rng.random((16, 40, 9), np.float32), training=True)
    expected = 1 / (1 + np.exp(-np.asarray(heard).mean(axis=0)))
    np.testing.assert_allclose(expected, [0.01, 0.3, 0.5, 1e-4], rtol=1e-3)


def test_scores_stay_float32_in_half_precision():
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made = network(3)
    finally:
        keras.config.set_dtype_policy(policy)
    assert made.get_layer("tags").compute_dtype == "bfloat16"
    assert made.output.dtype == "float32"


def test_a_feature_of_another_width_is_refused():
    params = tiny_params()
    config, feature = params.models["melband_fcn"], params.features["melbands"]
    with pytest.raises(DataError, match=r"hears 9 statistics .* the store has 8"):
        build(config, feature, tags=3, values=8)


# --- the labels of several sources


@pytest.fixture
def tagger():
    params, own = tiny_params(), SPACE.own("allmusic")
    config, feature = params.models["melband_fcn"], params.features["melbands"]
    made = build(config, feature, tags=len(SPACE.labels))
    return Tagger("fcn", config, feature, own, made, SPACE, "allmusic")


@pytest.fixture
def tracks(rng):
    return list(rng.random((6, 40, 9)).astype(np.float16))  # more than go together


def test_it_scores_the_tags_of_its_target_out_of_all_labels(tagger, tracks):
    scores = np.asarray(tagger.network(np.float32(tracks)))
    columns = [SPACE.labels.index(label) for label in ("jazz", "poprock")]
    assert tagger.tags == ("Jazz", "Pop/Rock")
    found = tagger.score_features(tracks)
    np.testing.assert_allclose(found, scores[:, columns], atol=1e-6)
    np.testing.assert_array_equal(tagger.score_source(tracks, "allmusic"), found)


def test_sources_share_the_scores_of_labels_that_they_spell_in_their_own_ways(
    tagger, tracks
):
    scores = tagger.score_source(tracks, "lastfm")
    assert SPACE.own("lastfm") == ("air", "pop rock", "soul")
    np.testing.assert_array_equal(scores[:, 1], tagger.score_features(tracks)[:, 1])


def test_a_source_that_it_did_not_learn_from_is_refused(tagger, tracks):
    with pytest.raises(DataError, match="no labels are known of 'tagtraum'"):
        tagger.score_source(tracks, "tagtraum")


def test_a_saved_model_still_knows_its_sources(tagger, tracks, tmp_path):
    save(tagger, tmp_path)
    again = load(tmp_path)
    assert (again.space, again.target, again.tags) == (SPACE, "allmusic", tagger.tags)
    for source in SPACE.spellings:
        expected = tagger.score_source(tracks, source)
        np.testing.assert_array_equal(again.score_source(tracks, source), expected)


def test_a_model_saved_before_there_were_sources_is_read(tagger, tracks, tmp_path):
    save(replace(tagger, network=network(2), space=None, target=""), tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    assert description.pop("space") is None and description.pop("target") == ""
    path.write_text(json.dumps(description))
    again = load(tmp_path)
    assert (again.space, again.target) == (None, "")
    assert again.score_features(tracks).shape == (6, 2)
