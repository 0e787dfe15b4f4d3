"""Published weights: from a file, or from an address whose checksum is pinned.

Nothing falls back to random weights: what is missing is said, with the way out.
"""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from tagsmith.config import VggishTrunk
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.store import atomic

if TYPE_CHECKING:
    import keras

TIMEOUT_SECONDS = 30
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
    path = weights_file(config.weights, config.sha256, cache=cache)
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


def weights_file(source: str, sha256: str, *, cache: Path) -> Path:
    """Return a file of weights, downloaded once if `source` is an address.

    Raises:
        ConfigError: An address without a checksum.
        MissingError: There is no such file, or the address does not answer.
        DataError: The checksum is not the pinned one.
    """
    if "://" not in source:
        path = Path(source)
        if not path.is_file():
            raise MissingError(
                f"the weights {path} are not there; download them from their publisher "
                f"(docs/fidelity.md says where), {REMEDY}"
            )
    else:
        if not sha256:
            raise ConfigError(
                f"the weights at {source} need a pinned `sha256` (64 hexadecimal "
                "digits): what an address serves may change"
            )
        path = cache / Path(source).name
        if not path.exists():
            _download(source, path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 and found != sha256:
        raise DataError(
            f"{path} is not the pinned file: expected sha256 {sha256}, got {found}; "
            "delete it and fetch it again"
        )
    return path


def _download(address: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310 - the user's address
            atomic(path) as temporary,
        ):
            temporary.write_bytes(response.read())
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise MissingError(
            f"{address} does not answer ({error}); download the weights by other means "
            f"and give their path, {REMEDY}"
        ) from error


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
