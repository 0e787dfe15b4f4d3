"""Published weights of trunks, put where a network has its own.

Nothing falls back to random weights: what is missing is said, with the way out.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from tagsmith.config import VggishTrunk
from tagsmith.errors import DataError
from tagsmith.models.weights import weights_file

if TYPE_CHECKING:
    import keras

REMEDY = "or set the model's trunk to `kind: random`"


def load_vggish(trunk: "keras.Model", config: VggishTrunk, *, cache: Path) -> None:
    """Set a trunk's convolutions to VGGish's.

    Args:
        trunk: Six convolutions with VGGish's shapes.
        config: Where the HDF5 file of a Keras port lies.
        cache: Where a downloaded file is kept.

    Raises:
        MissingError: The file is not there, or its address does not answer.
        DataError: Its checksum is another, or it does not hold VGGish's convolutions.
    """
    path = weights_file(config.weights, config.checksum, cache=cache, otherwise=REMEDY)
    kernels, biases = _convolutions(path)
    ours = [layer for layer in trunk.layers if layer.get_weights()]
    theirs = [kernel.shape for kernel in kernels]
    wanted = [tuple(layer.get_weights()[0].shape) for layer in ours]
    if theirs != wanted:
        raise DataError(
            f"{path} does not hold VGGish's convolutions: expected kernels {wanted}, "
            f"got {theirs}"
        )
    for layer, kernel, bias in zip(ours, kernels, biases, strict=True):
        layer.set_weights([kernel, bias])


def _convolutions(path: Path) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the file's 3 x 3 kernels and their biases in the order of their names."""
    kernels: dict[str, NDArray[Any]] = {}
    biases: dict[str, NDArray[Any]] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            layer, _, kind = name.rpartition("/")
            group = kernels if kind.startswith("kernel") else biases
            group[layer] = np.asarray(item)

    try:
        with h5py.File(path) as file:
            file.visititems(visit)
    except OSError as error:
        raise DataError(f"{path} is not an HDF5 file of weights: {error}") from error
    names = sorted(name for name in kernels if kernels[name].ndim == 4)  # noqa: PLR2004
    return [kernels[name] for name in names], [biases[name] for name in names]
