"""On an accelerator, where there is one: the processor's scores, and learning."""

from contextlib import contextmanager

import numpy as np
import pytest

from tagsmith.config import SPLITS, DeepSpectrumRnn, MelbandFcn, Texture
from tests.fakes.experiments import TAGS, VALUES, store_with_features, tiny_params

PARAMS = tiny_params()
NAMES = (
    *("crnn_gru", "crnn_lstm", "crnn_bilstm", "ds_1s_gru", "ds_1s_bilstm"),
    *("melband_fcn", "multiscale", "siamese", "texture"),
)
DIMENSIONS = 6  # of what a word model is told of its tags
# Of scores in [0, 1]. As they come, accelerators may multiply in TensorFloat-32, which
# has 10 bits behind the point; told to be exact, they differ in the order of sums.
FAST, EXACT = 2e-2, 1e-4
EPOCHS = 12
pytestmark = [pytest.mark.keras, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def _accelerator():
    from tagsmith.training import device

    found = device.devices()
    if found[0].startswith("cpu"):
        pytest.skip(f"Keras sees no accelerator, only {', '.join(found)}")


@contextmanager
def exact():
    """Have the accelerator multiply in float32."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
        return
    if keras.backend.backend() == "torch":
        from torch.backends import cudnn

        cudnn.allow_tf32 = False  # other products are exact unless asked for less
        try:
            yield
        finally:
            cudnn.allow_tf32 = True
        return
    from tensorflow.config import experimental

    experimental.enable_tensor_float_32_execution(enabled=False)
    try:
        yield
    finally:
        experimental.enable_tensor_float_32_execution(enabled=True)


def tagger(name):
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


def width(name):
    match PARAMS.models[name]:
        case DeepSpectrumRnn():
            return VALUES
        case MelbandFcn():
            return 9
        case config:
            return PARAMS.features[config.feature].mel_bands


def tracks(name, rng):
    lengths = [40] * 6 if name == "melband_fcn" else [40, 160, 200, 133, 300, 90]
    return [rng.normal(0, 1, (steps, width(name))) for steps in lengths]


def longer(name):
    if isinstance(PARAMS.models[name], Texture):
        return PARAMS
    (phase,) = PARAMS.models[name].training.phases
    phases = [{**phase.model_dump(mode="json"), "epochs": EPOCHS}]
    return PARAMS.override({f"models.{name}.training.phases": phases})


@pytest.mark.parametrize("name", NAMES)
def test_an_accelerator_scores_as_the_processor_does(name, rng):
    import keras

    heard, there = tracks(name, rng), tagger(name)
    with keras.device("cpu"):
        here = tagger(name)
        here.network.set_weights(there.network.get_weights())
        expected = here.score_features(heard)
    np.testing.assert_allclose(there.score_features(heard), expected, atol=FAST)
    with exact():
        again = tagger(name)
        again.network.set_weights(there.network.get_weights())
        found = again.score_features(heard)
    np.testing.assert_allclose(found, expected, atol=EXACT)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_learns_on_an_accelerator(tmp_path, name):
    import pandas as pd

    from tagsmith.stages import train
    from tagsmith.tracking.recording import MemoryRecorder

    store = store_with_features(tmp_path, np.random.default_rng(5))
    recorder = MemoryRecorder()
    train.run(longer(name), store, recorder, name)
    history = pd.read_csv(store.place("models", name) / "history.csv")
    assert "cpu" not in recorder.logged_tags["device"]
    if not isinstance(PARAMS.models[name], Texture):  # which is solved at once
        assert history["loss"][-3:].mean() < history["loss"][:3].mean()
    for split in SPLITS:
        assert np.isfinite(store.read_scores(name, split).to_numpy()).all()
