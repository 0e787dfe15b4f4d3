"""The warm start: convolutions classify first, and nothing else has learnt by it."""

import numpy as np
import pytest

from tagsmith.models import Tagger, build
from tagsmith.training.batches import Clips
from tagsmith.training.pairs import Pairs
from tests.fakes.experiments import TAGS, tiny_params

pytestmark = pytest.mark.keras

PARAMS = tiny_params()


@pytest.fixture
def truth(rng):
    return rng.permuted(np.tile([True, True, False], (10, 1)), axis=1)


def taught(name, rng, truth, **changes):
    """Return an untrained tagger, and clips of tracks whose tags are easy to hear."""
    import keras

    keras.utils.set_random_seed(7)
    config = PARAMS.models[name].model_copy(update=changes)
    feature = PARAMS.features[config.feature]
    size = {"dimensions": 6} if config.kind == "siamese" else {}
    network = build(config, feature, tags=len(TAGS), **size)
    tracks = rng.normal(0.2, 0.2, (len(truth), 140, feature.mel_bands))
    tracks[:, :, : len(TAGS)] += 2 * truth[:, np.newaxis]
    clips = Clips(list(tracks), truth, config.training, feature, seed=7)
    return Tagger(name, config, feature, tuple(TAGS), network), clips


def siamese(rng, truth, *, epochs):
    from tagsmith.models.words import know

    tagger, clips = taught(
        "siamese", rng, truth, warm_start_epochs=epochs, standardization="published"
    )
    know(tagger.network, rng.normal(size=(len(TAGS), 6)))
    return tagger, Pairs(clips, tagger.config.loss)


def changed(tagger, lessons):
    """Return which weights a warm start changes, by the layer that they are of."""
    from tagsmith.training.warm_start import warm_up

    before = [np.array(weight) for weight in tagger.network.weights]
    warm_up(tagger, lessons)
    pairs = zip(tagger.network.weights, before, strict=True)
    return {
        weight.path.split("/")[0]
        for weight, was in pairs
        if not np.array_equal(np.array(weight), was)
    }


def test_convolutions_learn_and_words_do_not(rng, truth):
    found = changed(*siamese(rng, truth, epochs=1))
    assert {"conv1", "conv2", "conv3", "conv4", "place"} <= found
    assert "words" not in found


def test_without_epochs_nothing_changes(rng, truth):
    assert changed(*siamese(rng, truth, epochs=0)) == set()


def test_other_networks_are_left_as_they_are(rng, truth):
    assert changed(*taught("multiscale", rng, truth)) == set()


def test_it_learns_to_classify(rng, truth, caplog):
    from tagsmith.training.warm_start import warm_up

    with caplog.at_level("INFO", "tagsmith"):
        warm_up(*siamese(rng, truth, epochs=40))
    losses = [float(line.rsplit(" ", 1)[-1]) for line in caplog.messages]
    assert caplog.messages[0].startswith("warm start 1 of 40: loss")
    assert losses[-1] < losses[0] / 2


def test_it_hears_clips_that_no_epoch_has(rng, truth, monkeypatch):
    heard = []
    monkeypatch.setattr(
        Clips,
        "epoch",
        lambda self, epoch, usual=Clips.epoch: (
            heard.append(epoch) or usual(self, epoch)
        ),
    )
    tagger, lessons = siamese(rng, truth, epochs=2)
    changed(tagger, lessons)
    assert heard == [lessons.training.epochs, lessons.training.epochs + 1]
