"""CNNs that learned ImageNet and look at plots: what `deep_spectrum` is made of.

`published` is the only way to weights: they come from the package, path or address that
`params.yaml` names, and from nowhere else.
"""

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import numpy as np

from tagsmith import quiet
from tagsmith.config import Application, EfficientNetLite0, ImageNetwork
from tagsmith.errors import DataError
from tagsmith.models.weights import weights_file
from tagsmith.store import atomic

if TYPE_CHECKING:
    import keras

REMEDY = "or set the feature's network to `kind: efficientnet_lite0`"


def published(config: ImageNetwork, *, cache: Path) -> tuple["keras.Model", str]:
    """Build a network with its published weights.

    Args:
        config: Which network.
        cache: Where downloaded weights are kept.

    Returns:
        Pictures `(batch, pixels, pixels, 3)`, 0 to 255, to `(batch, values)`; and the
        source of its weights, to be recorded.

    Raises:
        DataError: The weights are another network's, or their checksum is wrong.
        MissingError: They are not there, or the address does not answer.
    """
    with quiet.native_libraries:
        from tagsmith.models.imagenet import application, efficientnet_lite
    match config:
        case EfficientNetLite0():
            network = efficientnet_lite.efficientnet_lite0(config.pixels)
            efficientnet_lite.load_published(network)
            return network, efficientnet_lite.version()
        case Application():
            path = weights_file(
                config.weights, config.checksum, cache=cache, otherwise=REMEDY
            )
            source = f"{config.weights} {config.checksum}".strip()
            return application.application(config, path), source
        case _:
            assert_never(config)


def restored(config: ImageNetwork, weights: Path) -> "keras.Model":
    """Build a network with the weights that a feature store or a bundle keeps.

    Raises:
        DataError: The file does not fit the network.
    """
    with quiet.native_libraries:
        from tagsmith.models.imagenet import application, efficientnet_lite
    match config:
        case EfficientNetLite0():
            network = efficientnet_lite.efficientnet_lite0(config.pixels)
        case Application():
            network = application.application(config)
        case _:
            assert_never(config)
    try:
        with np.load(weights, allow_pickle=False) as arrays:
            network.set_weights([arrays[name] for name in arrays])
    except (OSError, ValueError) as error:
        raise DataError(f"{weights} does not fit {network.name}: {error}") from error
    return network


def keep(network: "keras.Model", weights: Path) -> None:
    """Write a network's weights, in their order, for `restored`."""
    with atomic(weights) as temporary:
        np.savez(temporary, *network.get_weights())
