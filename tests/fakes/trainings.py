"""Trainings in a process of their own, which has as many devices as a test wants.

    KERAS_BACKEND=jax python -m tests.fakes.trainings '{"folder": ..., "runs": [...]}'

A run is `{"model": ..., "overrides": {...}, "killed": 0}`; a killed one dies when that
epoch is done, as in `test_train.py`, and may be followed by another that goes on.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.experiments import store_with_features, tiny_params
from tests.fakes.processes import module

DEVICES = 2


def apart(
    folder: Path,
    runs: Sequence[dict[str, Any]],
    *,
    backend: str,
    devices: int = DEVICES,
) -> None:
    """Do runs in a process of their own; their models and scores come below `folder`.

    Raises:
        RuntimeError: It failed; with what it said.
    """
    task = {"folder": str(folder), "runs": list(runs), "devices": devices}
    flags = f"--xla_force_host_platform_device_count={devices}"
    told = {"KERAS_BACKEND": backend, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    module("tests.fakes.trainings", json.dumps(task), **told, CUDA_VISIBLE_DEVICES="")


class Killed(BaseException):
    """Stands for SIGKILL."""


def _do(folder: Path, run: dict[str, Any]) -> None:
    from tagsmith.stages import train
    from tagsmith.store import Store
    from tagsmith.tracking.recording import MemoryRecorder

    class Killer(MemoryRecorder):
        def metrics(self, values, step=0):
            if step and step == run.get("killed"):
                raise Killed
            super().metrics(values, step)

    place = folder / run["name"]
    if (place / "data").exists():
        store = Store(place / "data", scratch=place / "scratch")
    else:
        store = store_with_features(place, np.random.default_rng(5))
    params = tiny_params(**run.get("overrides", {}))
    try:
        train.run(params, store, Killer(), run["model"])
    except Killed:
        assert train.interrupted_run(params, store, run["model"])


def _simulate(devices: int) -> None:
    """Give TensorFlow several devices; XLA_FLAGS gave them to JAX."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        logical = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(cpu, logical)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    _simulate(asked["devices"])
    for each in asked["runs"]:
        _do(Path(asked["folder"]), each)
