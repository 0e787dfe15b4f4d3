"""Any backend teaches the same; several devices learn as one, on TensorFlow and JAX."""

import os
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import SPLITS
from tagsmith.errors import ConfigError
from tagsmith.store import Store
from tests.fakes.trainings import apart

pytestmark = pytest.mark.keras
BACKENDS = ["tensorflow", "jax"]
ARCHITECTURES = {
    "crnn": "crnn_lstm",
    "deep_spectrum_rnn": "ds_1s_gru",
    "melband_fcn": "melband_fcn",
    "multiscale": "multiscale",
    "siamese": "siamese",
    "texture": "texture",
}
PHASE = {"epochs": 3, "learning_rate": 0.005, "decay": "cosine"}
# 15 training tracks make batches of 6, 6 and 3, and three cannot be halved.
UNEVEN = {
    "architectures.crnn.dropout": 0.0,
    "architectures.crnn.recurrent_dropout": 0.0,
    "architectures.crnn.training.batch_size": 6,
    # A bias before batch normalization has no gradient but rounding; Adam blows it up.
    "architectures.crnn.training.optimizer": "sgd",
    "architectures.crnn.training.frozen_clips_per_track": 2,
    "architectures.crnn.training.phases": [
        {**PHASE, "epochs": 2, "train_trunk": False},
        {**PHASE, "epochs": 1, "train_trunk": True},
    ],
    "architectures.melband_fcn.training.batch_size": 6,
    "architectures.melband_fcn.training.phases": [PHASE],
    "architectures.siamese.training.batch_size": 6,
    "architectures.siamese.training.optimizer": "sgd",
    "architectures.siamese.training.phases": [{**PHASE, "learning_rate": 0.001}],
    "architectures.siamese.warm_start_epochs": 1,
}


def reckoning(devices, programs):
    """Return devices that are not there, which reckon as Keras does."""
    from tagsmith.training.mirrors import Mirrors

    class Reckoning(Mirrors):
        def scope(self): ...

        def normalize_together(self, network): ...

        def _learn(self, _, rows):
            known = [np.split(part, programs) for part in rows if part is not None]
            return float(np.mean([_loss(*part) for part in zip(*known, strict=True)]))

    made = Reckoning([f"cpu:{number}" for number in range(devices)])
    made.programs = programs
    return made


def _loss(costs, _, weights=None):
    """Return Keras's loss of a part: a mean, or a sum times its mean weight."""
    return costs.mean() if weights is None else np.mean(weights * costs.sum())


def need(backend):
    if not find_spec(backend):  # unlike an import it loads nothing into this process
        pytest.skip(f"the extra `{backend}` is not installed")


def trained(folder, model):
    """Return a model's curves, and its scores of every split."""
    store = Store(folder / "data", scratch=folder / "scratch")
    history = pd.read_csv(store.place("models", model) / "history.csv")
    return history, {split: store.read_scores(model, split) for split in SPLITS}


def assert_close(found, expected, *, within):
    columns = ["loss", "validation_loss"]
    left, right = found[0][columns], expected[0][columns]
    np.testing.assert_allclose(left, right, atol=within)
    for split in SPLITS:
        np.testing.assert_allclose(found[1][split], expected[1][split], atol=within)


@pytest.mark.keras
def test_what_jax_is_told_to_repeat_itself_is_added_once(monkeypatch):
    from tagsmith.training import device

    monkeypatch.setattr(device.keras.backend, "backend", lambda: "jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    for _ in range(2):
        device._repeat_itself()
    flags = os.environ["XLA_FLAGS"].split()
    assert flags == ["--xla_force_host_platform_device_count=2", device.REPEATING]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["melband_fcn", "siamese", "crnn_lstm"])
def test_two_devices_learn_what_one_does_even_if_they_are_killed(
    tmp_path, backend, model
):
    need(backend)
    run = {"model": model, "overrides": UNEVEN}
    shared = {"model": model, "overrides": {**UNEVEN, "distribute": "mirrored"}}
    killed = [{**shared, "name": "killed", "killed": 2}, {**shared, "name": "killed"}]
    runs = [{**run, "name": "one"}, {**shared, "name": "two"}, *killed]
    apart(tmp_path, runs, backend=backend)
    one, two, resumed = (trained(tmp_path / n, model) for n in ("one", "two", "killed"))
    assert_close(two, one, within=1e-4)
    assert_close(resumed, two, within=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_what_learnt_on_another_backend_scores_the_same_here(tmp_path, backend, kind):
    from tagsmith.models import load
    from tagsmith.shards import Features

    need(backend)
    model = ARCHITECTURES[kind]
    apart(tmp_path, [{"name": "there", "model": model}], backend=backend)
    store = Store(tmp_path / "there" / "data", scratch=tmp_path / "there" / "scratch")
    tagger, there = load(store.place("models", model)), store.read_scores(model, "test")
    tracks = Features(store.place("features", tagger.config.feature)).tracks(
        there.index
    )
    np.testing.assert_allclose(tagger.score_features(tracks), there, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_what_is_killed_on_torch_ends_as_if_it_was_not(tmp_path):
    need("torch")
    run = {"model": "crnn_lstm", "overrides": UNEVEN}
    killed = [{**run, "name": "killed", "killed": 2}, {**run, "name": "killed"}]
    apart(tmp_path, [{**run, "name": "whole"}, *killed], backend="torch")
    whole, resumed = (trained(tmp_path / n, "crnn_lstm") for n in ("whole", "killed"))
    assert_close(resumed, whole, within=1e-6)


@pytest.mark.parametrize(
    ("found", "count", "names"),
    [(None, 0, ["cpu:0"]), (SimpleNamespace(type="cuda"), 2, ["cuda:0", "cuda:1"])],
)
def test_pytorch_is_asked_itself_for_its_devices(monkeypatch, found, count, names):
    import keras

    from tagsmith.training import device

    asked = SimpleNamespace(
        current_accelerator=lambda *, check_available: check_available and found,
        device_count=lambda: count,
    )
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(accelerator=asked))
    assert device.devices() == names


def test_one_device_cannot_share():
    from tagsmith.training import device

    with pytest.raises(ConfigError) as caught:
        device.prepare(1, "float32", "mirrored")
    text = "needs two devices or more, this machine has 1, cpu:0; set distribute: none"
    assert text in str(caught.value)


def test_another_backend_cannot_share(monkeypatch):
    import keras

    from tagsmith.training import device

    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    monkeypatch.setattr(device, "devices", lambda: ["npu:0", "npu:1"])
    text = "needs Keras on tensorflow or jax, KERAS_BACKEND is openvino"
    with pytest.raises(ConfigError, match=text):
        device.prepare(1, "float32", "mirrored")


@given(
    batch=st.integers(1, 40),
    devices=st.integers(2, 5),
    losses=st.integers(0, 5),
    summed=st.booleans(),
)
def test_however_many_devices_hear_it_the_loss_is_that_of_the_batch(
    batch, devices, losses, summed
):
    costs = np.random.default_rng(losses).random((batch, 1)).astype(np.float32)
    expected = costs.sum() if summed else costs.mean()
    for programs in (1, devices):  # as JAX, as TensorFlow
        mirrors = reckoning(devices, programs)
        found = mirrors.learn(None, costs, costs, summed=summed)
        assert found == pytest.approx(expected, rel=1e-5)
