"""On an accelerator, where there is one: the processor's scores, and learning."""

from contextlib import contextmanager

import numpy as np
import pytest

from tagsmith.config import SPLITS, Texture
from tests.fakes.experiments import store_with_features
from tests.fakes.processors import PARAMS, scored_apart, tagger, tracks

NAMES = (
    *("crnn_gru", "crnn_lstm", "crnn_bilstm", "ds_1s_gru", "ds_1s_bilstm"),
    *("melband_fcn", "multiscale", "siamese", "texture"),
)
# Of scores in [0, 1]. As they come, accelerators may multiply in TensorFloat-32, which
# has 10 bits behind the point; told to be exact, they differ in the order of sums. On
# an H100 the published networks differed by 2.0e-3 and 4.3e-6 at most.
FAST, EXACT = 5e-3, 2e-5
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


def longer(name):
    if isinstance(PARAMS.models[name], Texture):
        return PARAMS
    (phase,) = PARAMS.models[name].training.phases
    phases = [{**phase.model_dump(mode="json"), "epochs": EPOCHS}]
    return PARAMS.override({f"models.{name}.training.phases": phases})


@pytest.mark.parametrize("name", NAMES)
def test_an_accelerator_scores_as_the_processor_does(tmp_path, name):
    heard, there = tracks(name), tagger(name)
    weights = there.network.get_weights()
    expected = scored_apart(name, weights, tmp_path)
    np.testing.assert_allclose(there.score_features(heard), expected, atol=FAST)
    with exact():
        again = tagger(name)
        again.network.set_weights(weights)
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
