"""Which devices there are, who of them computes, and making them repeat themselves.

With `distribute: mirrored` every device has a copy of the network and hears its part of
each batch; gradients are summed, so that the copies stay alike. TensorFlow does it by
`tf.distribute.MirroredStrategy`, JAX by `keras.distribution.DataParallel`. A network is
made by `built` and learns in `learning` and `learn`; it scores on one device, as ever.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

import keras
import numpy as np
from numpy.typing import NDArray

from tagsmith.config import Distribute
from tagsmith.errors import ConfigError

if TYPE_CHECKING:
    from tagsmith.training.mirrors import Mirrors

Floats = NDArray[np.float32]
REPEATING = "--xla_gpu_deterministic_ops=true"  # of XLA

# As Keras's own seeds and precision it holds for the process, until `prepare` is called
# again: None means that one device learns alone.
_mirrors: "Mirrors | None" = None


def prepare(seed: int, precision: str, distribute: Distribute) -> str:
    """Seed everything, set the precision and say what will compute.

    Args:
        seed: Of weights, dropout and Python.
        precision: Keras's policy: float32, mixed_bfloat16 or mixed_float16.
        distribute: Whether one device learns, or all of them.

    Returns:
        One line such as `tensorflow on cpu:0, float32`.

    Raises:
        ConfigError: All devices shall learn, but there is one, or Keras computes with
            what cannot share.
    """
    global _mirrors  # noqa: PLW0603 - beside Keras's globals, see above
    # Names that Keras counts up are written with the weights: start counting anew.
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    _repeat_itself()
    _mirrors = _mirrored(*devices()) if distribute == "mirrored" else None
    together = ", mirrored" if _mirrors else ""
    backend = keras.backend.backend()
    return f"{backend} on {', '.join(devices())}{together}, {precision}"


def _repeat_itself() -> None:
    """Let the same seed give the same bits on a GPU too, where that takes its time."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf  # noqa: PLC0415 - other backends do without it

            tf.config.experimental.enable_op_determinism()
        case "torch":
            import torch  # noqa: PLC0415 - as above

            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(mode=True, warn_only=True)
        case "jax":  # reads it when it first computes
            flags = os.environ.get("XLA_FLAGS", "").split()
            os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys([*flags, REPEATING]))


def devices() -> list[str]:
    """Return the accelerators that Keras's backend sees, or else its processors."""
    if keras.backend.backend() == "torch":  # on which Keras 3.15 lists none
        return _torch_devices()
    listed = [str(device).lower() for device in keras.distribution.list_devices()]
    return [device for device in listed if not device.startswith("cpu")] or listed


def _torch_devices() -> list[str]:
    import torch  # noqa: PLC0415 - other backends do without it

    found = torch.accelerator.current_accelerator(check_available=True)
    kind, count = (
        (found.type, torch.accelerator.device_count()) if found else ("cpu", 1)
    )
    return [f"{kind}:{number}" for number in range(count)]


def scope() -> AbstractContextManager[object]:
    """Return where variables get a copy on every device that learns."""
    return _mirrors.scope() if _mirrors else nullcontext()


def built(make: Callable[[], keras.Model]) -> keras.Model:
    """Make a network with a copy on every device that learns.

    Args:
        make: Builds it, weights and all.
    """
    if not _mirrors:
        return make()
    with _mirrors.scope():
        network = make()
    _mirrors.normalize_together(network)
    return _same(network)


def learning(network: keras.Model) -> keras.Model:
    """Return what to compile: the network, or one of the same layers on all devices.

    Call it, compile the network and make its optimizer's variables in `scope()`.
    """
    return _same(network) if _mirrors else network


def learn(
    network: keras.Model, batch: Floats, targets: Floats, *, summed: bool
) -> float:
    """Let a network learn a batch.

    Args:
        network: Compiled.
        batch: What is heard, `(batch, ...)`.
        targets: `(batch, tags)`.
        summed: Whether its loss is a sum over the batch, not a mean.

    Returns:
        The loss of the whole batch, however many devices heard a part.
    """
    if _mirrors:
        return _mirrors.learn(network, batch, targets, summed=summed)
    return float(network.train_on_batch(batch, targets, return_dict=True)["loss"])


@cache  # TensorFlow counts what is reduced, and mixes up what two strategies counted
def _mirrored(*found: str) -> "Mirrors":
    from tagsmith.training import mirrors  # noqa: PLC0415 - needed by few

    backend = keras.backend.backend()
    if backend not in mirrors.BACKENDS:
        raise ConfigError(
            f"distribute: mirrored needs Keras on {' or '.join(mirrors.BACKENDS)}, "
            f"KERAS_BACKEND is {backend}; set distribute: none"
        )
    if len(found) == 1:
        raise ConfigError(
            "distribute: mirrored needs two devices or more, this machine has 1, "
            f"{found[0]}; set distribute: none"
        )
    return mirrors.BACKENDS[backend](found)


def _same(network: keras.Model) -> keras.Model:
    """Return a network of the same layers, for wherever this is called.

    To TensorFlow a network belongs to the scope that it was made in: in one of many
    devices each of them hears a whole batch, and they all answer.
    """
    return keras.Model(network.input, network.output, name=network.name)
