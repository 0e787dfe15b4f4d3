"""What every architecture promises, for every model of the default experiment."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tagsmith.config import (
    Crnn,
    DeepSpectrumRnn,
    MelbandFcn,
    Multiscale,
    Params,
    Siamese,
    Texture,
    WordModel,
)
from tagsmith.errors import ConfigError, DataError
from tagsmith.features.clips import spread
from tagsmith.models import Tagger, build, load, save
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes.experiments import TAGS, VALUES, tiny_params

PARAMS = tiny_params()
every_model = pytest.mark.parametrize("name", PARAMS.models)
CRNNS = [name for name, model in PARAMS.models.items() if isinstance(model, Crnn)]
SOLVED = [name for name, model in PARAMS.models.items() if isinstance(model, Texture)]
every_trained_model = pytest.mark.parametrize(
    "name", [name for name in PARAMS.models if name not in SOLVED]
)
every_crnn = pytest.mark.parametrize("name", CRNNS)
ONE_LENGTH = [
    name for name, model in PARAMS.models.items() if isinstance(model, MelbandFcn)
]
every_model_of_any_length = pytest.mark.parametrize(
    "name", [name for name in PARAMS.models if name not in ONE_LENGTH]
)
every_one_of_clips = pytest.mark.parametrize("name", [*CRNNS, "multiscale"])
# (width, mean, deviation) of what an architecture hears
HEARD = {
    Crnn: (64, -40, 10),
    DeepSpectrumRnn: (VALUES, 0, 1),
    MelbandFcn: (9, 0.5, 0.2),
    Multiscale: (128, -1, 3),
    Siamese: (128, 0.3, 0.25),
    Texture: (64, -40, 10),
}
DIMENSIONS = 6  # of what a word model is told of its tags
pytestmark = pytest.mark.keras


@pytest.fixture
def tagger(name):
    import keras

    keras.utils.set_random_seed(7)
    config = PARAMS.models[name]
    feature = PARAMS.features[config.feature]
    width, *_ = HEARD[type(config)]
    size = {"tags": len(TAGS), "values": width}
    if isinstance(config, WordModel):
        network = knowing(build(config, feature, **size, dimensions=DIMENSIONS))
    else:
        network = build(config, feature, **size)
    return Tagger(name, config, feature, tuple(TAGS), network)


def knowing(network):
    from tagsmith.models.words import know

    know(network, np.random.default_rng(7).normal(size=(len(TAGS), DIMENSIONS)))
    return network


@pytest.fixture
def heard(tagger, rng):
    width, mean, deviation = HEARD[type(tagger.config)]
    return lambda steps: rng.normal(mean, deviation, (steps, width)).astype(np.float32)


@pytest.fixture
def tracks(tagger, heard):
    whole = isinstance(tagger.config, DeepSpectrumRnn)
    steps = 5 if whole else tagger.clip_frames
    return np.stack([heard(steps) for _ in range(6)])


@every_model
def test_scores_are_probabilities_of_each_tag(tagger, tracks):
    scores = tagger.score_features(list(tracks))
    assert scores.shape == (6, len(TAGS)) and scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()


@every_model
def test_a_saved_model_scores_as_before(tagger, tracks, tmp_path):
    save(tagger, tmp_path)
    again = load(tmp_path)
    assert (again.tags, again.values) == (tagger.tags, tagger.values)
    assert again.dimensions == tagger.dimensions
    np.testing.assert_array_equal(
        again.score_features(list(tracks)), tagger.score_features(list(tracks))
    )


@every_model
def test_pytorch_takes_the_names_of_its_weights(tagger):
    assert not [each.path for each in tagger.network.variables if "." in each.path]


@every_trained_model
def test_it_can_learn_six_tracks_by_heart(tagger, tracks, rng):
    truth = some_of_three(rng)
    loss, truth = lesson(tagger.config, truth, rng)
    tagger.network.compile("adam", loss)
    tagger.network.optimizer.learning_rate = 0.01
    first = tagger.network.train_on_batch(tracks, truth)
    for _ in range(60):
        last = tagger.network.train_on_batch(tracks, truth)
    assert last < first / 2


def some_of_three(rng):
    """Return truth of six tracks that have one tag or two."""
    return rng.permuted(np.repeat([[1, 0, 0], [1, 1, 0]], 3, axis=0), axis=1)


def lesson(config, truth, rng):
    """Return the loss that an architecture learns by, and truth as that takes it."""
    from tagsmith.training.losses import hinge
    from tagsmith.training.pairs import drawn

    if isinstance(config, Siamese):
        return hinge(config.loss), drawn(truth > 0, config.loss, rng)
    return "binary_crossentropy", truth.astype(np.float32)


@pytest.mark.parametrize("name", SOLVED)
def test_a_model_that_is_solved_knows_six_tracks_by_heart(tagger, tracks, rng):
    from tagsmith.training.learner import Validation
    from tagsmith.training.ridge import solve

    config = tagger.config.model_copy(update={"ridge": 0.01})
    tagger = replace(tagger, config=config)
    truth = some_of_three(rng) > 0
    solve(tagger, tracks, truth, Validation(tracks, truth), MemoryRecorder())
    scores = tagger.score_features(list(tracks))
    for has, score in zip(truth, scores, strict=True):
        assert score[has].min() > score[~has].max()


@every_model_of_any_length
@pytest.mark.parametrize("steps", [1, 20, 300])
def test_it_scores_tracks_of_any_length(tagger, heard, steps):
    assert np.isfinite(tagger.score_features([heard(steps)])).all()


@every_model
def test_a_score_does_not_depend_on_the_other_tracks(tagger, heard):
    lengths = [40] * 5 if tagger.name in ONE_LENGTH else (3, 40, 9, 1, 7)
    tracks = [heard(steps) for steps in lengths]
    alone = np.concatenate([tagger.score_features([track]) for track in tracks])
    np.testing.assert_allclose(tagger.score_features(tracks), alone, atol=1e-6)


@every_one_of_clips
def test_a_track_scores_the_mean_of_its_clips(tagger, heard):
    track = heard(200)
    parts = spread(track, tagger.clip_frames, tagger.config.scoring.clips)
    alone = tagger.network.predict(parts, verbose=0).mean(axis=0)
    np.testing.assert_allclose(tagger.score_features([track])[0], alone, atol=1e-6)


@every_crnn
def test_playing_louder_changes_no_score(tagger, heard):
    track = heard(60)
    np.testing.assert_allclose(
        tagger.score_features([track]), tagger.score_features([track + 6]), atol=1e-4
    )


@pytest.mark.parametrize("name", ["crnn_gru"])
def test_a_crnn_saved_before_widths_were_written_is_read(tagger, tracks, tmp_path):
    save(tagger, tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    del description["values"]
    path.write_text(json.dumps(description))
    assert load(tmp_path).score_features(list(tracks)).shape == (6, len(TAGS))


@pytest.mark.parametrize("name", ["crnn_gru"])
def test_a_model_of_another_version_is_refused_with_the_way_out(tagger, tmp_path):
    save(tagger, tmp_path)
    path = tmp_path / "model.json"
    description = json.loads(path.read_text())
    del description["feature"]["scale"]
    path.write_text(json.dumps(description))
    with pytest.raises(DataError, match=r"another version.*scale.*train it again"):
        load(tmp_path)


def test_a_feature_of_another_width_is_refused():
    with pytest.raises(
        DataError, match="64 mel_bands of its feature, the store has 96"
    ):
        build(PARAMS.models["crnn_gru"], PARAMS.features["logmel"], tags=3, values=96)


def test_a_feature_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match="a crnn hears logmel, got deep_spectrum"):
        build(PARAMS.models["crnn_gru"], PARAMS.features["deep_spectrum_1s"], tags=3)


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
