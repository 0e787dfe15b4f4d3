"""One architecture, one file; `build` is the only way to a network.

Whatever the architecture, a *score* is defined once, in `tagsmith.models.tagger`.
"""

from typing import TYPE_CHECKING, assert_never

from tagsmith import quiet
from tagsmith.config import (
    HEARS,
    Application,
    Crnn,
    DeepSpectrum,
    DeepSpectrumRnn,
    EfficientNetLite0,
    Feature,
    ImageNetwork,
    LogMel,
    MelbandFcn,
    Melbands,
    Model,
    Multiscale,
    Siamese,
    Texture,
)
from tagsmith.errors import ConfigError, DataError
from tagsmith.models.folder import load, save
from tagsmith.models.tagger import Tagger

__all__ = ["Tagger", "build", "load", "save"]

if TYPE_CHECKING:
    import keras


def build(
    config: Model,
    feature: Feature,
    *,
    tags: int,
    values: int | None = None,
    dimensions: int | None = None,
) -> "keras.Model":
    """Build the network that a section of `params.yaml` describes, untrained.

    Args:
        config: The model's section.
        feature: The feature that it hears.
        tags: How many tags it scores.
        values: The width of the feature, if a store knows it; None asks the feature,
            which may have to build a CNN to know.
        dimensions: Of the tags' vectors; only what scores any words needs to know.

    Raises:
        ConfigError: The model cannot hear such a feature.
        DataError: The feature has another width than `values`.
    """
    with quiet.native_libraries:
        from tagsmith.models.crnn import crnn
        from tagsmith.models.deep_spectrum_rnn import deep_spectrum_rnn
        from tagsmith.models.melband_fcn import STATISTICS, melband_fcn
        from tagsmith.models.multiscale import multiscale
        from tagsmith.models.siamese import siamese
        from tagsmith.models.texture import texture

    match config, feature:
        case Crnn(), LogMel():
            _check_bands(config, feature, values)
            return crnn(config, feature, tags=tags)
        case Multiscale(), LogMel():
            _check_bands(config, feature, values)
            return multiscale(config, feature, tags=tags)
        case Siamese(), LogMel():
            _check_bands(config, feature, values)
            assert dimensions is not None
            return siamese(config, feature, tags=tags, dimensions=dimensions)
        case Texture(), LogMel():
            _check_bands(config, feature, values)
            assert dimensions is not None
            return texture(config, feature, tags=tags, dimensions=dimensions)
        case DeepSpectrumRnn(), DeepSpectrum():
            known = values or _values(feature.network)
            return deep_spectrum_rnn(config, values=known, tags=tags)
        case MelbandFcn(), Melbands():
            if values not in {None, STATISTICS}:
                raise DataError(
                    f"a {config.kind} hears {STATISTICS} statistics of each mel band, "
                    f"the store has {values}; `dvc repro extract` brings it up to date"
                )
            return melband_fcn(config, tags=tags)
        case _:
            raise ConfigError(
                f"a {config.kind} hears {HEARS[config.kind]}, got {feature.kind}"
            )


def _check_bands(config: Model, feature: LogMel, values: int | None) -> None:
    if values not in {None, feature.mel_bands}:
        raise DataError(
            f"a {config.kind} hears the {feature.mel_bands} mel_bands of its feature, "
            f"the store has {values} values a frame; `dvc repro extract` brings it up "
            "to date"
        )


def _values(network: ImageNetwork) -> int:
    """Return how many values a CNN gives for a picture."""
    match network:
        case EfficientNetLite0():
            from tagsmith.models.imagenet.efficientnet_lite import VALUES

            return VALUES
        case Application():
            from tagsmith.models.imagenet.application import application

            return int(application(network).output_shape[-1])
        case _:
            assert_never(network)
