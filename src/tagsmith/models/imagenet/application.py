"""Any network of `keras.applications`, cut at a layer."""

import inspect
from pathlib import Path
from types import ModuleType

import keras
from keras import layers, ops

from tagsmith.config import Application
from tagsmith.errors import ConfigError, DataError


def application(config: Application, weights: Path | None = None) -> keras.Model:
    """Build a network: `(batch, pixels, pixels, 3)` to its layer's `(batch, values)`.

    Pictures are red, green and blue, 0 to 255. With `bgr` the colours are swapped and
    nothing else, as DeepSpectrum did; `own` is the network's own preprocessing.

    Args:
        config: Which network, layer and preprocessing.
        weights: A file of the whole network's weights; None leaves it untrained.

    Raises:
        ConfigError: Keras has no such network, or the network no such layer.
        DataError: The weights are not this network's.
    """
    module = _module(config.name)
    whole = getattr(module, config.name)(weights=None, include_top=True)
    if whole.input_shape[1] != config.pixels:
        raise ConfigError(
            f"{config.name} takes pictures of {whole.input_shape[1]} pixels; the "
            f"feature's network.pixels is {config.pixels}"
        )
    if weights is not None:
        _load(whole, weights)
    picture = layers.Input(whole.input_shape[1:], name="picture")
    if config.preprocessing == "bgr":
        prepared = ops.flip(picture, axis=-1)  # PyTorch takes no negative step
    else:
        prepared = module.preprocess_input(picture)
    values = _cut(whole, config.layer)(prepared)
    return keras.Model(picture, values, name=f"{config.name}_{config.layer}")


def _cut(whole: keras.Model, layer: str) -> keras.Model:
    """Return the network up to a layer, whose maps, if any, are averaged."""
    names = [each.name for each in whole.layers]
    if layer not in names:
        raise ConfigError(
            f"{whole.name} has no layer {layer!r}; its last are {names[-5:]}"
        )
    output = whole.get_layer(layer).output
    if len(output.shape) > 2:  # noqa: PLR2004 - (batch, values) is what can be a step
        output = layers.GlobalAveragePooling2D(name="pooled")(output)
    return keras.Model(whole.input, output, name=whole.name)


def _load(whole: keras.Model, weights: Path) -> None:
    try:
        whole.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{weights} does not hold the weights of {whole.name} with its classifier: "
            f"{reason}"
        ) from error


def _module(name: str) -> ModuleType:
    modules = inspect.getmembers(keras.applications, inspect.ismodule)
    known = {
        network: module
        for _, module in modules
        for network, value in inspect.getmembers(module, inspect.isfunction)
        if network[0].isupper()
    }
    if name not in known:
        raise ConfigError(
            f"keras.applications has no network {name!r}; it has {sorted(known)}"
        )
    return known[name]
