"""VGGish's weights become a trunk's, and others do not."""

import h5py
import numpy as np
import pytest

from tagsmith.config import Params, VggishTrunk
from tagsmith.errors import DataError
from tagsmith.models import build
from tagsmith.models.crnn import VGGISH_BLOCKS
from tagsmith.training.pretrained import load_vggish
from tests.conftest import ROOT

SHAPES = []
for _filters in (count for block in VGGISH_BLOCKS for count in block):
    SHAPES.append((3, 3, SHAPES[-1][-1] if SHAPES else 1, _filters))
NAMES = [
    "conv1",
    "conv2",
    "conv3/conv3_1",
    "conv3/conv3_2",
    "conv4/conv4_1",
    "conv4/conv4_2",
]


def write(path, shapes, rng):
    with h5py.File(path, "w") as file:
        for name, shape in zip(NAMES, shapes, strict=False):
            group = f"{name}/{name.split('/')[-1]}"
            file[f"{group}/kernel:0"] = rng.normal(size=shape).astype(np.float32)
            file[f"{group}/bias:0"] = rng.normal(size=shape[-1]).astype(np.float32)
    return path


def config(weights):
    return VggishTrunk(kind="vggish", weights=str(weights), checksum="")


@pytest.mark.keras
def test_the_trunk_takes_the_six_convolutions_of_the_file(tmp_path, rng):
    path = write(tmp_path / "vggish.h5", SHAPES, rng)
    params = Params.load(ROOT / "profiles" / "mediaeval2019.yaml")
    network = build(params.models["crnn_gru"], params.features["logmel"], tags=3)
    trunk = network.get_layer("trunk")
    load_vggish(trunk, config(path), cache=tmp_path)
    kernels = [layer.get_weights()[0] for layer in trunk.layers if layer.get_weights()]
    with h5py.File(path) as file:
        np.testing.assert_array_equal(kernels[0], file["conv1/conv1/kernel:0"])
        np.testing.assert_array_equal(kernels[5], file[f"{NAMES[5]}/conv4_2/kernel:0"])


@pytest.mark.keras
def test_weights_of_another_network_are_refused(tmp_path, rng):
    path = write(tmp_path / "other.h5", SHAPES[:4], rng)
    params = Params.load(ROOT / "profiles" / "mediaeval2019.yaml")
    network = build(params.models["crnn_gru"], params.features["logmel"], tags=3)
    with pytest.raises(DataError, match="does not hold VGGish"):
        load_vggish(network.get_layer("trunk"), config(path), cache=tmp_path)


def test_a_file_that_is_no_hdf5_is_said(tmp_path):
    path = tmp_path / "page.h5"
    path.write_text("<html>")
    with pytest.raises(DataError, match="not an HDF5 file"):
        load_vggish(None, config(path), cache=tmp_path)
