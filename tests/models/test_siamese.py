"""The siamese network: published sizes, words beside tags, centring, clips' means."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from tagsmith.config import LogMel, Siamese
from tagsmith.features.clips import consecutive
from tagsmith.models import Tagger, build, load, save

pytestmark = pytest.mark.keras

FEATURE = LogMel(
    kind="logmel",
    audio="raw",
    sample_rate_hz=22050,
    window_samples=1024,
    hop_samples=512,
    mel_bands=128,
    low_hz=0,
    high_hz=11025,
    frames="centered",
    scale="compressed",
    shard_tracks=8,
)
PUBLISHED = Siamese.model_validate(
    {
        "kind": "siamese",
        "feature": "logmel_22050",
        "vectors": "glove",
        "standardization": "published",
        "filters": [128, 128, 128, 128],
        "batch_normalization": False,
        "dropout": 0.0,
        "weight_decay": 1e-5,
        "embedding_units": 100,
        "meaning": "plain",
        "loss": {
            "margin": 0.4,
            "negatives": 1,
            "mining": "random",
            "reduction": "sum",
        },
        "warm_start_epochs": 0,
        "training": {
            "optimizer": "sgd",
            "batch_size": 64,
            "phases": [
                {"epochs": 20, "learning_rate": 0.001, "decay": {"per_step": 1e-6}}
            ],
            "patience_epochs": 0,
            "best_by": "roc_auc",
            "clip_seconds": 3.02,
            "crop_seconds": [3.02],
            "clips_per_track": 1,
            "tag_weights": "none",
            "augmentation": {
                "noise_db": 0.0,
                "tilt_db": 0.0,
                "equalizer_db": 0.0,
                "background_db": None,
                "shifted_bands": 0,
                "masked_bands": 0,
                "masked_seconds": 0.0,
            },
            "precision": "float32",
        },
        "scoring_batch_size": 8,
    }
)
SMALL = {"filters": (8, 8, 8, 8), "embedding_units": 8}
every_meaning = pytest.mark.parametrize("meaning", ["plain", "centred"])


@pytest.fixture
def vectors(rng):
    """Five tags, more than their six numbers have directions from the centre."""
    return rng.normal(2, 1, (5, 6)).astype(np.float32)


@pytest.fixture
def tracks(rng):
    return [
        rng.normal(0.3, 0.2, (frames, 128)).astype(np.float32)
        for frames in (130, 400, 60)
    ]


def tagger(vectors, **changes):
    """Return a small, untrained network that knows some tags."""
    import keras

    from tagsmith.models.words import know

    keras.utils.set_random_seed(7)
    config = PUBLISHED.model_copy(update={**SMALL, **changes})
    tags, dimensions = vectors.shape
    network = build(config, FEATURE, tags=tags, dimensions=dimensions)
    know(network, vectors)
    names = tuple(f"tag{number}" for number in range(tags))
    return Tagger("siamese", config, FEATURE, names, network)


def trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


# --- published sizes


@pytest.mark.parametrize(
    ("tags", "dimensions", "parameters"), [(900, 300, 272_888), (125, 40, 246_888)]
)
def test_the_published_sizes_give_the_published_parameters(
    tags, dimensions, parameters
):
    from tagsmith.models.siamese import classifier
    from tagsmith.models.words import audio

    network = build(PUBLISHED, FEATURE, tags=tags, dimensions=dimensions)
    assert trainable(network) == parameters
    assert audio(network).count_params() == 242_788
    assert classifier(network, 50).count_params() == 247_838


def test_a_published_clip_has_130_frames_of_which_the_maxima_leave_one():
    network = build(PUBLISHED, FEATURE, tags=3, dimensions=40)
    assert network.input_shape == (None, 130, 128)
    lengths = [
        network.get_layer(f"conv{number}_maximum").output.shape[1]
        for number in (1, 2, 3, 4)
    ]
    assert lengths == [32, 8, 2, 1]


def test_published_standardization_is_one_mean_and_deviation(vectors):
    layer = tagger(vectors).network.get_layer("standard")
    heard = np.array(layer(np.float32([[[0.2262, 0.2262 + 0.2579]]])))
    np.testing.assert_allclose(heard, [[[0, 1]]], atol=1e-6)


def test_only_convolutions_are_decayed(vectors):
    network = tagger(vectors, weight_decay=0.5).network
    kernels = [weight for weight in network.weights if "conv" in weight.path]
    kernels = [weight for weight in kernels if weight.name == "kernel"]
    kernels.append(network.get_layer("place").kernel)
    expected = sum(0.5 * np.square(np.array(kernel)).sum() for kernel in kernels)
    assert len(network.losses) == len(kernels) == 5
    assert sum(map(float, network.losses)) == pytest.approx(expected, rel=1e-5)


# --- words


@every_meaning
def test_words_with_the_tags_vectors_score_as_the_tags(vectors, tracks, meaning):
    made = tagger(vectors, meaning=meaning)
    np.testing.assert_array_equal(
        made.score_words(tracks, vectors), made.score_features(tracks)
    )


@every_meaning
def test_a_word_scores_the_same_whatever_is_asked_beside_it(vectors, tracks, meaning):
    made = tagger(vectors, meaning=meaning)
    alone = [made.score_words(tracks, vectors[[row]])[:, 0] for row in range(5)]
    np.testing.assert_allclose(
        made.score_words(tracks, vectors), np.stack(alone, axis=1), atol=1e-6
    )


def test_a_plain_tags_score_does_not_depend_on_the_other_tags(vectors, tracks):
    others = np.concatenate([vectors[:1], vectors[1:] + 7])
    first, second = (
        tagger(known).score_features(tracks) for known in (vectors, others)
    )
    np.testing.assert_allclose(first[:, 0], second[:, 0], atol=1e-6)
    assert np.abs(first[:, 1:] - second[:, 1:]).max() > 0.01


def test_a_centred_tags_score_depends_on_which_others_are_seen(vectors, tracks):
    others = np.concatenate([vectors[:1], vectors[1:] + 7])
    first, second = (
        tagger(known, meaning="centred").score_features(tracks)[:, 0]
        for known in (vectors, others)
    )
    assert np.abs(first - second).max() > 0.01


@every_meaning
def test_what_it_says_are_cosines(vectors, rng, meaning):
    network = tagger(vectors, meaning=meaning).network
    clips = rng.normal(0, 9, (50, 130, 128)).astype(np.float32)
    cosines = network.predict(clips, verbose=0)
    assert np.abs(cosines).max() <= 1 + 1e-6
    assert np.ptp(cosines) > 0.1


def test_cosines_are_exact_whatever_the_precision(vectors):
    import keras

    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        network = tagger(vectors).network
    finally:
        keras.config.set_dtype_policy("float32")
    assert network.get_layer("conv1").compute_dtype == "bfloat16"
    assert network.output.dtype == "float32"
    assert network.get_layer("words").projection.compute_dtype == "float32"


def test_vectors_are_known_but_not_trained(vectors, rng):
    network = tagger(vectors, meaning="centred").network
    before = [np.array(w) for w in network.non_trainable_weights]
    network.compile("adam", "mse")
    network.train_on_batch(rng.normal(size=(4, 130, 128)), np.ones((4, 5)))
    after = [np.array(w) for w in network.non_trainable_weights]
    assert any(np.array_equal(weight, vectors) for weight in after)
    for was, is_now in zip(before, after, strict=True):
        np.testing.assert_array_equal(was, is_now)


# --- scores


def test_a_track_is_where_the_mean_of_its_clips_is(vectors, tracks):
    from tagsmith.models.words import audio

    made = tagger(vectors)
    clips = consecutive(tracks[1], 130)
    mean = audio(made.network).predict(clips, verbose=0).mean(axis=0)
    places = np.array(made.network.get_layer("words").embed(vectors))
    cosines = places @ mean / np.linalg.norm(mean)
    scores = made.score_features(tracks)[1]
    np.testing.assert_allclose(scores, (1 + cosines) / 2, atol=1e-6)
    of_clips = made.network.predict(clips, verbose=0).mean(axis=0)
    assert np.abs(scores - (1 + of_clips) / 2).max() > 1e-6  # not their scores' mean


@every_meaning
def test_a_saved_network_knows_its_tags_and_scores_words_as_before(
    vectors, tracks, tmp_path, meaning
):
    made = tagger(vectors, meaning=meaning)
    save(made, tmp_path)
    again = load(tmp_path)
    assert again.dimensions == made.dimensions == 6
    for words in (None, -vectors[::2]):
        np.testing.assert_array_equal(
            again.score_words(tracks, words), made.score_words(tracks, words)
        )


# --- centring


def directions(vectors, others):
    """Return unit vectors from the centre of some vectors to others."""
    away = others - vectors.mean(axis=0)
    return away / np.linalg.norm(away, axis=1, keepdims=True)


@pytest.mark.parametrize("tags", [3, 6, 40], ids="{} tags".format)
def test_the_product_of_centred_words_is_ridge_regression_on_the_seen_tags(rng, tags):
    from tagsmith.models.words import RIDGE, centring

    vectors, words = rng.normal(1, 1, (tags, 10)), rng.normal(1, 1, (7, 10))
    centre, basis = centring(vectors)
    seen, asked = directions(vectors, vectors), directions(vectors, words)
    ridge = KernelRidge(alpha=RIDGE, kernel="linear").fit(seen, seen @ asked.T)
    white = asked @ basis
    np.testing.assert_allclose(centre, vectors.mean(axis=0))
    np.testing.assert_allclose(white @ white.T, ridge.predict(asked), atol=1e-9)


def test_centring_leaves_out_where_no_seen_tag_lies(rng):
    from tagsmith.models.words import centring

    vectors = rng.normal(1, 1, (4, 10))
    centre, basis = centring(vectors)
    *_, nowhere = np.linalg.svd(vectors - centre)[2]  # orthogonal to all of them
    np.testing.assert_allclose(nowhere @ basis, 0, atol=1e-6)
    assert np.linalg.norm(directions(vectors, vectors) @ basis, axis=1).min() > 0.9


def test_the_layer_centres_as_the_function_does(vectors):
    from tagsmith.models.words import centring

    layer = tagger(vectors, meaning="centred").network.get_layer("words")
    _, basis = centring(vectors)
    kernel, bias = (np.array(weight) for weight in layer.projection.weights)
    places = directions(vectors, vectors) @ basis @ kernel + bias
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    np.testing.assert_allclose(np.array(layer.embed(vectors)), places, atol=1e-5)
