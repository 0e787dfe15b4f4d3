"""A frozen trunk: heard once, kept in half precision, and nobody learns otherwise."""

from types import SimpleNamespace

import numpy as np
import pytest

from tagsmith.config import TrunkPhase
from tagsmith.errors import DataError, MissingError
from tagsmith.training.batches import Clips
from tests.fakes.experiments import TAGS, tiny_params

pytestmark = pytest.mark.keras

FROZEN = TrunkPhase(epochs=9, learning_rate=0.003, decay="none", train_trunk=False)
FREE = FROZEN.model_copy(update={"train_trunk": True})
DRAWS = 3


@pytest.fixture
def params():
    return tiny_params(
        **{
            "architectures.crnn.recurrent_dropout": 0.2,
            "architectures.crnn.training.frozen_clips_per_track": DRAWS,
            "architectures.crnn.training.clips_per_track": 2,
        }
    )


@pytest.fixture
def tracks(rng):
    return [rng.normal(-40, 9, (length, 64)) for length in (90, 20, 200, 33, 70, 99)]


@pytest.fixture
def clips(params, tracks, rng):
    training = params.models["crnn_gru"].training
    truth = rng.random((len(tracks), len(TAGS))) < 0.5
    return Clips(tracks, truth, training, params.features["logmel"], seed=7)


@pytest.fixture
def tagger(params):
    """A network whose batch normalizations differ in training and in inference."""
    import keras

    from tagsmith.models import Tagger, build

    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    config, feature = params.models["crnn_gru"], params.features["logmel"]
    network = build(config, feature, tags=len(TAGS))
    return Tagger("crnn_gru", config, feature, tuple(TAGS), network)


@pytest.fixture
def prepare(tagger, clips, tracks, tmp_path):
    from tagsmith.training.learner import Validation, learner

    def prepared(phase, split=clips):
        validation = Validation(tracks, clips.truth)
        return learner(
            tagger, split, validation=validation, phase=phase, folder=tmp_path / "kept"
        )

    return prepared


def taught(network, lessons):
    """Run the first epoch and return the loss of each batch."""
    return [network.train_on_batch(*batch) for batch in lessons.epoch(0)]


def test_an_epoch_from_what_was_kept_is_one_through_the_frozen_trunk(
    prepare, tagger, clips
):
    from tagsmith.training.checkpoint import assign, values
    from tagsmith.training.frozen import FrozenClips

    pupil = prepare(FROZEN)
    before = values(tagger.network.variables)
    kept = taught(pupil.network, pupil.lessons), values(tagger.network.weights)
    assign(tagger.network.variables, before)
    heard = [[x for x, _ in clips.drawn(number)] for number in range(DRAWS)]
    raw = [np.concatenate(parts) for parts in heard]
    lessons = FrozenClips(raw, clips.truth, clips.training, clips.seed)
    tagger.network.compile(type(pupil.network.optimizer)(0.003), pupil.network.loss)
    through = taught(tagger.network, lessons), values(tagger.network.weights)
    np.testing.assert_allclose(kept[0], through[0], rtol=1e-3)
    for a, b in zip(kept[1], through[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_a_frozen_phase_leaves_the_trunk_and_its_statistics_alone(prepare, tagger):
    before = tagger.network.get_layer("trunk").get_weights()
    pupil = prepare(FROZEN)
    losses = taught(pupil.network, pupil.lessons)
    after = tagger.network.get_layer("trunk").get_weights()
    assert losses[-1] != losses[0]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_validation_scores_as_through_the_whole_network(prepare, tagger, tracks):
    pupil = prepare(FROZEN)
    taught(pupil.network, pupil.lessons)
    whole = tagger.score_features(tracks)
    np.testing.assert_allclose(pupil.score(), whole, atol=1e-3)


def test_epochs_take_the_draws_in_turn(clips):
    from tagsmith.training.frozen import FrozenClips

    draws = [np.full((6, 1, 1), number) for number in range(DRAWS)]
    lessons = FrozenClips(draws, clips.truth, clips.training, seed=7)
    taken = [
        {int(value) for x, _ in lessons.epoch(epoch) for value in x.ravel()}
        for epoch in range(3)
    ]
    assert taken == [{0, 1}, {0, 2}, {1, 2}]


def test_a_kept_clip_keeps_its_tags(clips):
    from tagsmith.training.frozen import FrozenClips

    draws = [np.arange(6.0).reshape(6, 1, 1)] * DRAWS
    for heard, truth in FrozenClips(draws, clips.truth, clips.training, 7).epoch(1):
        np.testing.assert_array_equal(truth, clips.truth[heard.ravel().astype(int)])


def test_what_was_heard_is_not_heard_again(prepare, tmp_path):
    prepare(FROZEN)
    made = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.npy")
    }
    assert len(made) == DRAWS + 1
    prepare(FROZEN.model_copy(update={"learning_rate": 0.001}))
    assert made == {path: path.stat().st_mtime_ns for path in made}


def test_no_more_is_drawn_than_the_phase_takes(prepare, tmp_path):
    prepare(FROZEN.model_copy(update={"epochs": 1}))
    assert len(list((tmp_path / "kept").rglob("draw-*.npy"))) == 2


def test_another_trunk_hears_for_itself(prepare, tagger, tmp_path):
    prepare(FROZEN)
    tagger.network.get_layer("trunk").weights[0].assign_add([[[[1.0] * 4]] * 3] * 3)
    prepare(FROZEN)
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_nothing_is_kept_of_a_trunk_that_learns(prepare, tagger, tmp_path):
    prepare(FROZEN)
    assert prepare(FREE).network is tagger.network
    assert not (tmp_path / "kept").exists()


def test_outputs_beyond_half_precision_are_refused(prepare, tagger):
    for weight in tagger.network.get_layer("trunk").trainable_weights:
        weight.assign(weight * 1e6)
    with pytest.raises(DataError, match="no finite float16 numbers"):
        prepare(FROZEN)


def test_a_full_disk_is_said_before_anything_is_heard(prepare, monkeypatch):
    from tagsmith.training import frozen

    full = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(frozen, "shutil", full)
    with pytest.raises(MissingError, match="lower training"):
        prepare(FROZEN)
