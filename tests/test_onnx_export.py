"""Networks in ONNX: they say what Keras's say, and need no Keras."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tagsmith import onnx_export
from tagsmith.errors import DataError
from tagsmith.models import Tagger, build, load, save
from tagsmith.models import bundle as bundles
from tagsmith.models.ensemble import Ensemble
from tagsmith.models.runtime import ONNX, OnnxNetwork
from tests.fakes import bundles as fake
from tests.fakes.experiments import TAGS, VALUES, tiny_params

# One of each architecture, and what is special about some: both directions, a CNN.
MODELS = ("crnn_gru", "crnn_bilstm", "ds_5s_lstm", "multiscale", "melband_fcn")
SAME = 2e-5  # of scores in [0, 1]; sums in another order

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def keras_bundle(tmp_path_factory):
    return fake.write(tmp_path_factory.mktemp("keras"), MODELS)


@pytest.fixture(scope="module")
def onnx_bundle(keras_bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx") / "bundle"
    shutil.copytree(keras_bundle, folder)
    onnx_export.export(folder)
    return folder


@pytest.fixture(scope="module")
def both(keras_bundle, onnx_bundle):
    return Ensemble.load(keras_bundle), Ensemble.load(onnx_bundle)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """From less than a clip to several."""
    folder = tmp_path_factory.mktemp("recordings")
    lengths = (0.4, 3.0, 11.5)
    return [
        next(fake.tracks(folder / str(seconds), 1, seconds=seconds).iterdir())
        for seconds in lengths
    ]


def test_every_network_of_the_bundle_is_there(onnx_bundle):
    made = {str(path.parent.relative_to(onnx_bundle)) for path in files(onnx_bundle)}
    members = {f"models/{name}" for name in MODELS}
    assert made == members | {"features/deep_spectrum_5s"}


def files(folder):
    return folder.rglob(ONNX)


@pytest.mark.parametrize("model", MODELS)
def test_a_member_scores_as_with_keras_however_long_tracks_are(both, recordings, model):
    heard = [both[0].analyse(recording) for recording in recordings]
    scores = [
        (member := ensemble.members[model]).score_features(
            [features[member.config.feature] for features in heard]
        )
        for ensemble in both
    ]
    assert np.ptp(scores[0]) > 100 * SAME  # so that being alike says something
    np.testing.assert_allclose(*scores, atol=SAME)


def test_the_cnn_sees_the_same_in_the_same_pictures(both, recordings):
    seen = [each.analysers["deep_spectrum_5s"](recordings[-1]) for each in both]
    assert seen[0].shape == seen[1].shape
    np.testing.assert_allclose(*seen, atol=1e-3 * np.abs(seen[0]).max())


def test_the_ensemble_decides_the_same(both, recordings):
    for recording in recordings:
        said = [
            {heard.tag: heard for heard in ensemble.listen(recording)}
            for ensemble in both
        ]
        for tag, heard in said[0].items():
            assert heard.score == pytest.approx(said[1][tag].score, abs=SAME)
            assert heard.decision == said[1][tag].decision


def test_tagging_needs_neither_keras_nor_tensorflow(onnx_bundle, recordings):
    code = (
        "import sys; from pathlib import Path\n"
        "from tagsmith.models.ensemble import Ensemble\n"
        "Ensemble.load(Path(sys.argv[1])).listen(Path(sys.argv[2]))\n"
        "print({'keras', 'tensorflow', 'tf2onnx'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code, onnx_bundle, recordings[0]]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "set()"


def test_one_thread_scores_as_several_do(onnx_bundle, both, recordings):
    alone = Ensemble.load(onnx_bundle, threads=1)
    np.testing.assert_allclose(
        alone.score(recordings[1]), both[1].score(recordings[1]), atol=SAME
    )


def test_the_bundle_is_the_same_with_and_without(keras_bundle, onnx_bundle):
    assert bundles.sha256(keras_bundle) == bundles.sha256(onnx_bundle)


def test_a_network_that_says_something_else_is_not_promoted(
    keras_bundle, tmp_path, monkeypatch
):
    shutil.copytree(
        keras_bundle / "models/melband_fcn", tmp_path / "models/melband_fcn"
    )
    says = OnnxNetwork.predict_on_batch
    monkeypatch.setattr(
        OnnxNetwork, "predict_on_batch", lambda *heard: says(*heard) + 0.01
    )
    with pytest.raises(DataError, match=r"melband_fcn.*differs by 0.01 from Keras"):
        onnx_export.export(tmp_path)


def test_dropout_within_a_recurrence_is_no_obstacle(tmp_path):
    architecture = {"architectures.deep_spectrum_rnn.recurrent_dropout": 0.3}
    params = tiny_params(**architecture)
    config = params.model("ds_5s_gru")
    feature = params.feature(config.feature)
    network = build(config, feature, tags=len(TAGS), values=VALUES)
    tagger = Tagger("ds_5s_gru", config, feature, tuple(TAGS), network)
    folder = tmp_path / "models" / "ds_5s_gru"
    save(tagger, folder)
    onnx_export.write(network, folder / ONNX)
    heard = np.random.default_rng(0).normal(size=(2, 5, VALUES)).astype(np.float32)
    np.testing.assert_allclose(
        load(folder).score_features(heard), tagger.score_features(heard), atol=SAME
    )


def test_what_is_no_network_is_named(tmp_path):
    (tmp_path / ONNX).write_text("Dear sir or madam")
    with pytest.raises(DataError, match=rf"{ONNX} is no network .*promote"):
        OnnxNetwork(tmp_path / ONNX)


def test_what_another_process_complains_of_is_one_sentence(tmp_path, monkeypatch):
    import keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    said = SimpleNamespace(returncode=1, stderr="Traceback ...\nDataError: no tags\n")
    monkeypatch.setattr(onnx_export.subprocess, "run", lambda *_, **__: said)
    with pytest.raises(DataError, match=r"could not write ONNX: DataError: no tags$"):
        onnx_export.export(tmp_path)


@pytest.mark.slow
def test_it_is_written_where_keras_computes_with_jax(
    keras_bundle, both, recordings, tmp_path
):
    pytest.importorskip("jax", reason='pip install "tagsmith[jax]"')
    shutil.copytree(keras_bundle, tmp_path / "bundle")
    code = (
        "import sys; from pathlib import Path; from tagsmith import onnx_export\n"
        "onnx_export.export(Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "bundle"],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        check=True,
    )
    made = Ensemble.load(tmp_path / "bundle")
    assert len([*files(tmp_path)]) == len(MODELS) + 1
    scores = made.score(recordings[1])
    np.testing.assert_allclose(scores, both[0].score(recordings[1]), atol=SAME)
