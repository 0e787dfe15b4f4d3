"""Devices that learn together: a copy of the network each, and a part of every batch.

The batch is that of one device, and so is its loss: a mean over all of it, or a sum. A
batch that cannot be divided, such as an epoch's last one, is heard whole by every
device: the mean over equal copies is the mean, and nothing is made up to fill it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Mirrors(ABC):
    """Two devices or more."""

    programs: int  # how many compute a loss of their own; Keras takes their mean

    def __init__(self, devices: Sequence[str]) -> None:
        self.devices = tuple(devices)

    @abstractmethod
    def scope(self) -> AbstractContextManager[object]:
        """Return where variables get a copy on every device."""

    @abstractmethod
    def normalize_together(self, network: keras.Model) -> None:
        """Let batch normalization measure whole batches, not each device's part."""

    @abstractmethod
    def _learn(self, network: keras.Model, rows: Sequence[Floats | None]) -> float:
        """Learn what is heard, targets and weights, which can be divided."""

    def learn(
        self, network: keras.Model, batch: Floats, targets: Floats, *, summed: bool
    ) -> float:
        """Let a network learn a batch; returns its loss.

        Args:
            network: Compiled in `scope`.
            batch: What is heard, `(batch, ...)`.
            targets: `(batch, tags)`.
            summed: Whether its loss is a sum over the batch, not a mean.
        """
        copies = len(self.devices) if len(batch) % len(self.devices) else 1
        heard, wanted = (np.concatenate([rows] * copies) for rows in (batch, targets))
        # What sums are divided by, and how often a row is in them, is made good.
        weights = np.full(len(heard), self.programs / copies, np.float32)
        return self._learn(network, (heard, wanted, weights if summed else None))


class TensorFlowMirrors(Mirrors):
    """By `tf.distribute.MirroredStrategy`: every device computes a loss of its part."""

    def __init__(self, devices: Sequence[str]) -> None:
        super().__init__(devices)
        import tensorflow as tf  # noqa: PLC0415 - other backends do without it

        self.programs = len(self.devices)
        self._strategy = tf.distribute.MirroredStrategy(list(self.devices))

    def scope(self) -> AbstractContextManager[object]:
        """Return the strategy's scope."""
        scope: AbstractContextManager[object] = self._strategy.scope()
        return scope

    def normalize_together(self, network: keras.Model) -> None:
        """Tell each layer of batch normalization."""
        for layer in network.layers:
            if isinstance(layer, keras.Model):
                self.normalize_together(layer)
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True

    def _learn(self, network: keras.Model, rows: Sequence[Floats | None]) -> float:
        # As `train_on_batch`, which would let every device hear all of the batch.
        network.make_train_function()
        network.reset_metrics()
        parts = tuple(None if each is None else self._parts(each) for each in rows)
        logs = network.train_function(iter([parts]))
        return float(logs["loss"])

    def _parts(self, rows: Floats) -> Any:  # noqa: ANN401 - a value of each device
        import tensorflow as tf  # noqa: PLC0415 - as above

        parts = np.split(rows, len(self.devices))
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )


class JaxMirrors(Mirrors):
    """By `keras.distribution.DataParallel`: one program for all, one loss."""

    programs = 1

    def __init__(self, devices: Sequence[str]) -> None:
        super().__init__(devices)
        self._distribution = keras.distribution.DataParallel(
            devices=list(self.devices), auto_shard_dataset=False
        )

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Set the distribution, and none behind it."""
        keras.distribution.set_distribution(self._distribution)
        try:
            yield
        finally:
            keras.distribution.set_distribution(None)

    def normalize_together(self, network: keras.Model) -> None:
        """There is one program, which measures whole batches."""

    def _learn(self, network: keras.Model, rows: Sequence[Floats | None]) -> float:
        heard, wanted, weights = rows
        with self.scope():
            logs = network.train_on_batch(heard, wanted, weights, return_dict=True)
        return float(logs["loss"])


BACKENDS: dict[str, Callable[[Sequence[str]], Mirrors]] = {
    "tensorflow": TensorFlowMirrors,
    "jax": JaxMirrors,
}
