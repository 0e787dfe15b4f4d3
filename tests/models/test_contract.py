"""What every architecture promises, for every model of the default experiment."""

import numpy as np
import pytest

from tagsmith.config import Params
from tagsmith.features.clips import spread
from tagsmith.models import Tagger, build, load
from tests.conftest import ROOT
from tests.fakes.experiments import TAGS, tiny_params

PARAMS = tiny_params()
every_model = pytest.mark.parametrize("name", PARAMS.models)
pytestmark = pytest.mark.keras


@pytest.fixture
def tagger(name):
    import keras

    keras.utils.set_random_seed(7)
    config = PARAMS.models[name]
    feature = PARAMS.features[config.feature]
    network = build(config, feature, tags=len(TAGS))
    return Tagger(name, config, feature, tuple(TAGS), network)


@pytest.fixture
def clips(tagger, rng):
    return rng.normal(-40, 10, (6, tagger.clip_frames, 64)).astype(np.float32)


@every_model
def test_scores_are_probabilities_of_each_tag(tagger, clips):
    scores = tagger.score_features(list(clips))
    assert scores.shape == (6, len(TAGS))
    assert ((scores >= 0) & (scores <= 1)).all()


@every_model
def test_a_saved_model_scores_as_before(tagger, clips, tmp_path):
    tagger.save(tmp_path)
    again = load(tmp_path)
    assert again.tags == tagger.tags
    np.testing.assert_array_equal(
        again.score_features(list(clips)), tagger.score_features(list(clips))
    )


@every_model
def test_it_can_learn_six_clips_by_heart(tagger, clips, rng):
    truth = (rng.random((6, len(TAGS))) < 0.5).astype(np.float32)
    tagger.network.compile("adam", "binary_crossentropy")
    tagger.network.optimizer.learning_rate = 0.01
    first = tagger.network.train_on_batch(clips, truth)
    for _ in range(60):
        tagger.network.reset_metrics()
        last = tagger.network.train_on_batch(clips, truth)
    assert last < first / 2


@every_model
def test_a_track_scores_the_mean_of_its_clips(tagger, rng):
    track = rng.normal(-40, 10, (200, 64)).astype(np.float32)
    parts = spread(track, tagger.clip_frames, tagger.config.scoring.clips)
    alone = tagger.network.predict(parts, verbose=0).mean(axis=0)
    np.testing.assert_allclose(tagger.score_features([track])[0], alone, atol=1e-6)


@every_model
@pytest.mark.parametrize("seconds", [0.01, 0.3, 3.0])
def test_it_scores_waveforms_of_any_length(tagger, rng, seconds):
    waveform = rng.normal(0, 0.1, round(seconds * tagger.sample_rate_hz))
    assert tagger.score(waveform.astype(np.float32)).shape == (len(TAGS),)


@every_model
def test_playing_louder_changes_no_score(tagger, rng):
    track = rng.normal(-40, 10, (60, 64)).astype(np.float32)
    np.testing.assert_allclose(
        tagger.score_features([track]), tagger.score_features([track + 6]), atol=1e-4
    )


@pytest.mark.parametrize(
    ("name", "with_trunk", "without_trunk"),
    [
        ("crnn_gru", 5_807_928, 1_308_216),
        ("crnn_lstm", 6_136_120, 1_636_408),
        ("crnn_bilstm", 8_236_344, 3_736_632),
    ],
)
def test_the_published_sizes_give_the_published_parameters(
    name, with_trunk, without_trunk
):
    params = Params.load(ROOT / "profiles" / "mediaeval2019.yaml")
    network = build(params.models[name], params.features["logmel"], tags=56)
    assert _trainable(network) == with_trunk
    network.get_layer("trunk").trainable = False
    assert _trainable(network) == without_trunk


def _trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
