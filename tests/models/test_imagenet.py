"""The CNNs that look at plots: their weights, their layers, and what is refused."""

import os
import pickle
import subprocess
import sys
from importlib.util import find_spec

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format
from pydantic import TypeAdapter
from sklearn.datasets import load_sample_image

from tagsmith.config import ImageNetwork
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.features.deep_spectrum import resized
from tagsmith.models import imagenet
from tagsmith.models.imagenet import checkpoint_file, efficientnet_lite
from tagsmith.models.imagenet.application import application
from tests.conftest import ROOT

pytestmark = pytest.mark.keras

THERE = """
import sys, numpy as np
from pydantic import TypeAdapter
from tagsmith.config import ImageNetwork
from tagsmith.models import imagenet
settings = TypeAdapter(ImageNetwork).validate_json(sys.argv[1])
network = imagenet.restored(settings, sys.argv[2])
np.save(sys.argv[4], network.predict_on_batch(np.load(sys.argv[3])))
"""
PALACE, DAISY = 698, 985  # of ImageNet's 1,000 classes


def config(**changes):
    made = {
        "kind": "application",
        "name": "MobileNetV2",
        "layer": "out_relu",  # maps, whose means are taken
        "pixels": 224,
        "weights": "",
        "checksum": "",
        "preprocessing": "own",
        **changes,
    }
    return TypeAdapter(ImageNetwork).validate_python(made)


@pytest.fixture(scope="module")
def lite():
    settings = {"kind": "efficientnet_lite0", "pixels": 224}
    network, _ = imagenet.published(
        TypeAdapter(ImageNetwork).validate_python(settings), cache=None
    )
    return network


def test_the_package_holds_every_tensor_of_efficientnet_lite0(lite):
    tensors = checkpoint_file.read(efficientnet_lite.published_weights())
    assert len(tensors) == 296
    assert lite.output_shape == (None, 1280)
    used = {name.rpartition(".")[0] for name in tensors} - {"_fc"}
    names = {layer.name for layer in lite.layers if layer.weights}
    assert used == {name.replace(efficientnet_lite.DOT, ".") for name in names}
    assert not any("." in name for name in names)  # which PyTorch refuses


@pytest.mark.parametrize(
    ("picture", "expected"), [("china.jpg", PALACE), ("flower.jpg", DAISY)]
)
def test_it_names_what_photographs_show(lite, picture, expected):
    photograph = load_sample_image(picture)
    middle = photograph[:, 106:533]  # a square
    (values,) = lite.predict(resized(middle, 224)[np.newaxis], verbose=0)
    tensors = checkpoint_file.read(efficientnet_lite.published_weights())
    logits = tensors["_fc.weight"] @ values + tensors["_fc.bias"]
    assert logits.argmax() == expected


def test_a_checkpoint_that_names_code_is_refused(tmp_path):
    path = tmp_path / "evil.pth"
    with path.open("wb") as file:
        for part in (checkpoint_file.MAGIC, 1001, {}):
            pickle.dump(part, file, protocol=2)
        file.write(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(DataError, match=r"names os\.system, which is no tensor"):
        checkpoint_file.read(path)


def test_half_a_checkpoint_is_refused(tmp_path):
    content = efficientnet_lite.published_weights().read_bytes()
    path = tmp_path / "half.pth"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="ends after"):
        checkpoint_file.read(path)


def test_another_file_is_no_checkpoint(tmp_path):
    path = tmp_path / "page.pth"
    path.write_text("<html>")
    with pytest.raises(DataError, match="not a PyTorch checkpoint"):
        checkpoint_file.read(path)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network of keras.applications with weights from chance, as a publisher's."""
    path = tmp_path_factory.mktemp("weights") / "mobilenet.h5"
    with h5py.File(path, "w") as file:
        network = keras.applications.MobileNetV2(weights=None)
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return str(path)


def test_a_network_of_keras_is_cut_at_its_layer(weights, tmp_path):
    settings = config(weights=weights)
    network, source = imagenet.published(settings, cache=tmp_path)
    assert network.output_shape == (None, 1280)
    assert source == weights


def test_what_a_store_keeps_of_a_network_is_the_network(weights, tmp_path, rng):
    settings = config(weights=weights)
    network, _ = imagenet.published(settings, cache=tmp_path)
    imagenet.keep(network, tmp_path / "kept.npz")
    again = imagenet.restored(settings, tmp_path / "kept.npz")
    picture = rng.integers(0, 256, (1, 224, 224, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        network.predict(picture, verbose=0), again.predict(picture, verbose=0)
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["efficientnet_lite0", "application"])
def test_on_pytorch_a_cnn_sees_the_same(tmp_path, rng, kind):
    if not find_spec("torch"):
        pytest.skip("the extra `torch` is not installed")
    settings = config(preprocessing="bgr")
    if kind == "efficientnet_lite0":
        made = {"kind": kind, "pixels": 224}
        settings = TypeAdapter(ImageNetwork).validate_python(made)
        network = efficientnet_lite.efficientnet_lite0(settings.pixels)
    else:
        network = application(settings)
    kept, heard, seen = (tmp_path / name for name in ("kept.npz", "in.npy", "out.npy"))
    imagenet.keep(network, kept)
    np.save(heard, rng.integers(0, 256, (2, 224, 224, 3)).astype(np.uint8))
    command = [sys.executable, "-c", THERE, settings.model_dump_json()]
    told = {**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([*command, kept, heard, seen], env=told, check=True)
    here = network.predict_on_batch(np.load(heard))
    np.testing.assert_allclose(np.load(seen), here, rtol=1e-3, atol=1e-4)


def test_vgg16_is_cut_at_its_fc2_and_its_colours_are_swapped():
    settings = config(name="VGG16", layer="fc2", preprocessing="bgr")
    network = application(settings)
    assert network.output_shape == (None, 4096)
    assert network.count_params() == 134_260_544  # up to fc2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "VGG61"}, "has no network 'VGG61'"),
        ({"layer": "fc9"}, "has no layer 'fc9'; its last are"),
        ({"pixels": 100}, "takes pictures of 224 pixels"),
    ],
)
def test_a_network_that_is_not_there_is_refused(weights, tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        imagenet.published(config(weights=weights, **changes), cache=tmp_path)


def test_weights_of_another_network_are_refused(weights, tmp_path):
    settings = config(name="MobileNet", weights=weights)
    with pytest.raises(DataError, match="does not hold the weights of"):
        imagenet.published(settings, cache=tmp_path)


def test_missing_weights_are_said_with_the_way_out(tmp_path):
    settings = config(weights=str(tmp_path / "absent.h5"))
    with pytest.raises(MissingError, match="kind: efficientnet_lite0"):
        imagenet.published(settings, cache=tmp_path)
