"""A texture model's layer is what ridge regression says, on both sides."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tagsmith.errors import DataError
from tagsmith.models import Tagger, build
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.training.learner import Validation
from tests.fakes.experiments import TAGS, tiny_params

pytestmark = pytest.mark.keras
PARAMS = tiny_params()
CONFIG = PARAMS.models["texture"]
FEATURE = PARAMS.features[CONFIG.feature]
VECTORS = np.random.default_rng(5).normal(size=(len(TAGS), 6)).astype(np.float32)


@pytest.fixture
def tagger():
    from tagsmith.models.words import know

    network = build(CONFIG, FEATURE, tags=len(TAGS), dimensions=VECTORS.shape[1])
    know(network, VECTORS)
    return Tagger("texture", CONFIG, FEATURE, tuple(TAGS), network)


@pytest.fixture
def music(rng):
    """Tracks whose tags raise a third of the bands each, and their truth."""
    truth = rng.random((40, len(TAGS))) < 0.5
    bands = np.arange(FEATURE.mel_bands) * len(TAGS) // FEATURE.mel_bands
    loud = truth[:, bands]
    levels = rng.normal(-60, 3, (40, 400, FEATURE.mel_bands)) + 20 * loud[:, None]
    return list(levels.astype(np.float32)), truth


def solved(tagger, tracks, truth):
    from tagsmith.training.ridge import solve

    return solve(tagger, tracks, truth, Validation(tracks, truth), MemoryRecorder())


def test_weights_are_scikit_learns(rng):
    from tagsmith.training.ridge import regressed

    values, wanted = rng.normal(size=(30, 8)), rng.normal(size=(30, 3))
    values, wanted = values - values.mean(axis=0), wanted - wanted.mean(axis=0)
    expected = Ridge(alpha=2.5 * 30, fit_intercept=False).fit(values, wanted).coef_.T
    np.testing.assert_allclose(regressed(values, wanted, 2.5), expected, atol=1e-10)


def test_what_stands_for_a_tag_agrees_with_words_as_ridge_regression_does(rng):
    from tagsmith.models.words import RIDGE, centring, from_tags

    seen, words = rng.normal(size=(5, 9)), rng.normal(size=(4, 9))
    centre, basis = centring(seen)

    def directions(vectors):
        away = vectors - centre
        return away / np.linalg.norm(away, axis=1, keepdims=True)

    kernel = directions(seen) @ directions(seen).T
    alike = directions(seen) @ directions(words).T
    expected = np.linalg.solve(kernel + RIDGE * np.eye(5), alike)
    said = from_tags(seen) @ (directions(words) @ basis).T
    np.testing.assert_allclose(said, expected, atol=1e-8)


def test_it_learns_tags_that_raise_their_own_bands(tagger, music):
    (row,) = solved(tagger, *music)
    assert row["validation_roc_auc"] > 0.9


def test_equal_tracks_give_equal_weights(tagger, music):
    solved(tagger, *music)
    first = tagger.network.get_weights()
    solved(tagger, *music)
    for before, after in zip(first, tagger.network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_track_without_tags_teaches_nothing(tagger, music):
    tracks, truth = music
    solved(tagger, tracks, truth)
    first = tagger.network.get_weights()
    more = [*tracks, np.zeros_like(tracks[0])], np.vstack([truth, truth[:1] & False])
    solved(tagger, *more)
    for before, after in zip(first, tagger.network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_tracks_that_all_have_all_tags_are_refused(tagger, music):
    tracks, truth = music
    with pytest.raises(DataError, match="none of 40 tracks has some of the 3 tags"):
        solved(tagger, tracks, np.ones_like(truth))


def test_a_texture_is_what_numpy_says(rng):
    from tagsmith.models.texture import BandTexture

    clip = rng.normal(-40, 10, (2, 50, 4)).astype(np.float32)
    change = np.diff(clip, axis=1)
    expected = [
        clip.mean(axis=1),
        clip.std(axis=1),
        clip.max(axis=1),
        np.maximum(change, 0).mean(axis=1),
        np.abs(change).mean(axis=1),
    ]
    said = np.asarray(BandTexture()(clip))
    np.testing.assert_allclose(said, np.concatenate(expected, axis=1), atol=1e-4)


def test_teaching_a_texture_model_is_solving_it(tagger, music, tmp_path):
    from tagsmith.training.teach import precision, teach

    tracks, truth = music
    history = teach(
        tagger,
        tracks,
        truth,
        validation=Validation(tracks, truth),
        checkpoint=Checkpoint(tmp_path / "none.npz"),
        recorder=MemoryRecorder(),
        seed=0,
    )
    assert [row["epoch"] for row in history] == [1]
    assert precision(CONFIG) == "float32"
    assert not list(tmp_path.iterdir())
