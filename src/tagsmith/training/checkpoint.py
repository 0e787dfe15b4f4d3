"""Checkpoints: everything that a killed training needs to go on as if it never was.

One file per training, replaced whole after every epoch: weights, optimizer, random
state, the best weights so far, and where training stood.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tagsmith.store import atomic

Arrays = list[NDArray[Any]]


@dataclass
class Progress:
    """Where a training stands.

    Attributes:
        run_id: The tracked run that it belongs to.
        epoch: Epochs finished.
        best: How good the best epoch was on validation: its ROC-AUC, or minus its
            loss; minus infinity before the first epoch.
        best_epoch: Which one that was.
        history: One row of figures per epoch.
    """

    run_id: str
    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def add(
        self, row: dict[str, float], *, best_by: Literal["roc_auc", "loss"]
    ) -> bool:
        """Count an epoch.

        Args:
            row: Its figures, `validation_roc_auc` and `validation_loss` among them.
            best_by: The one of them that says which epoch is best.

        Returns:
            Whether it is better than all before it.
        """
        self.epoch += 1
        self.history.append({"epoch": self.epoch, **row})
        good = row["validation_roc_auc"]
        if best_by == "loss":
            good = -row["validation_loss"]
        if good <= self.best:
            return False
        self.best, self.best_epoch = good, self.epoch
        return True


@dataclass
class Checkpoint:
    """A file that holds a training.

    Attributes:
        path: Where it lies.
    """

    path: Path

    def save(
        self, progress: Progress, *, network: Arrays, optimizer: Arrays, best: Arrays
    ) -> None:
        """Replace the file."""
        groups = {"network": network, "optimizer": optimizer, "best": best}
        arrays: dict[str, Any] = {
            f"{group}-{number:05d}": array
            for group, members in groups.items()
            for number, array in enumerate(members)
        }
        with atomic(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, progress=np.array(json.dumps(asdict(progress))), **arrays)

    def progress(self) -> Progress | None:
        """Return where the training stands; None if it never finished an epoch."""
        if not self.path.exists():
            return None
        with np.load(self.path, allow_pickle=False) as archive:
            return Progress(**json.loads(str(archive["progress"])))

    def arrays(self, group: str) -> Arrays:
        """Return the arrays of `network`, `optimizer` or `best`, in their order."""
        with np.load(self.path, allow_pickle=False) as archive:
            names = sorted(name for name in archive.files if name.startswith(group))
            return [archive[name] for name in names]

    def delete(self) -> None:
        """Remove the file: its training is complete."""
        self.path.unlink(missing_ok=True)


def values(variables: Sequence[Any]) -> Arrays:
    """Copy Keras variables of any backend to arrays."""
    import keras  # noqa: PLC0415 - reading progress needs no Keras

    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables: Sequence[Any], arrays: Arrays) -> None:
    """Set Keras variables from arrays of the same shapes in the same order."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
