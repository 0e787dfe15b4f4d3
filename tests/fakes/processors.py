"""What a processor says, in a process of its own that sees no accelerator.

    JAX_PLATFORMS=cpu python -m tests.fakes.processors crnn_lstm FOLDER

In one that sees any, Keras on JAX chooses an LSTM that no processor can run.
"""

import sys
from pathlib import Path

import numpy as np

from tagsmith.config import DeepSpectrumRnn, MelbandFcn
from tests.fakes.experiments import TAGS, VALUES, tiny_params
from tests.fakes.processes import module

PARAMS = tiny_params()
DIMENSIONS = 6  # of what a word model is told of its tags
BLIND = {
    "JAX_PLATFORMS": "cpu",
    "KERAS_TORCH_DEVICE": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
}
WEIGHTS, SCORES = "weights.npz", "scores.npy"


def scored_apart(name, weights, folder):
    """Return how a processor scores `tracks(name)`, given a network's weights.

    Raises:
        RuntimeError: Its process failed; with what it said.
    """
    import keras

    np.savez(folder / WEIGHTS, *weights)
    told = {**BLIND, "KERAS_BACKEND": keras.backend.backend()}
    module("tests.fakes.processors", name, str(folder), **told)
    return np.load(folder / SCORES)


def tagger(name):
    """Build one of the tiny networks; always with the same weights on a backend."""
    import keras

    from tagsmith.models import Tagger, build
    from tagsmith.models.words import know

    keras.utils.set_random_seed(7)
    config = PARAMS.models[name]
    words, feature = hasattr(config, "vectors"), PARAMS.features[config.feature]
    size = {"tags": len(TAGS), "values": width(name)}
    network = build(config, feature, **size, dimensions=DIMENSIONS if words else None)
    if words:
        know(network, np.random.default_rng(7).normal(size=(len(TAGS), DIMENSIONS)))
    return Tagger(name, config, feature, tuple(TAGS), network)


def tracks(name):
    """Make the noise that it hears; always the same."""
    rng = np.random.default_rng(11)
    lengths = [40] * 6 if name == "melband_fcn" else [40, 160, 200, 133, 300, 90]
    return [rng.normal(0, 1, (steps, width(name))) for steps in lengths]


def width(name):
    """Say how many values it hears at a time."""
    match PARAMS.models[name]:
        case DeepSpectrumRnn():
            return VALUES
        case MelbandFcn():
            return 9
        case config:
            return PARAMS.features[config.feature].mel_bands


def _score(name, folder):
    from tagsmith.training import device

    assert all(found.startswith("cpu") for found in device.devices()), device.devices()
    here = tagger(name)
    with np.load(folder / WEIGHTS) as weights:
        here.network.set_weights([weights[key] for key in weights.files])
    np.save(folder / SCORES, here.score_features(tracks(name)))


if __name__ == "__main__":
    _score(sys.argv[1], Path(sys.argv[2]))
