"""From an audio file to what a model hears, whatever the feature.

A feature store made by `extract` and a recording that is tagged go through the same
functions, so that a model hears at use what it learned from.
"""

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import (
    Application,
    DeepSpectrum,
    EfficientNetLite0,
    Feature,
    LogMel,
    Melbands,
)
from tagsmith.errors import DataError, MissingError
from tagsmith.features import deep_spectrum
from tagsmith.features import melbands as bands
from tagsmith.features.logmel import logmel
from tagsmith.features.melband_statistics import from_audio
from tagsmith.models import imagenet
from tagsmith.models.batched import in_batches
from tagsmith.models.runtime import ONNX, OnnxNetwork
from tagsmith.models.sound import Sound

if TYPE_CHECKING:
    import keras

# Beside the shards of a feature that a CNN makes: the CNN, and where it comes from.
NETWORK = "network.npz"
ORIGIN = "network.json"

Frames = NDArray[np.floating[Any]]
Pictures = NDArray[np.uint8]
Source = Path | Sound
Analyser = Callable[[Source], Frames]


def analyser(feature: Feature, folder: Path, threads: int | None = None) -> Analyser:
    """Return what turns an audio file into a feature, or a sound that is decoded.

    Args:
        feature: The feature's section of `params.yaml`.
        folder: A feature store, or a bundle's copy of what else the feature needs. A
            CNN that lies there in ONNX too is used as such.
        threads: How many compute that one; None for one per core.

    Raises:
        MissingError: The CNN that the feature needs is not in the folder.
    """
    match feature:
        case LogMel():
            return partial(_logmel, feature=feature)
        case DeepSpectrum():
            network = _network(feature, folder, threads)
            return partial(_deep_spectrum, feature=feature, network=network)
        case Melbands():
            return partial(melbands, feature=feature)
        case _:
            assert_never(feature)


def _network(
    feature: DeepSpectrum, folder: Path, threads: int | None
) -> "keras.Model | OnnxNetwork":
    if (folder / ONNX).exists():
        return OnnxNetwork(folder / ONNX, threads)
    path = folder / NETWORK
    if not path.is_file():
        raise MissingError(f"{path} is not there; `dvc repro extract` makes it")
    return imagenet.restored(feature.network, path)


def melbands(source: Source, feature: Melbands) -> Frames:
    """Return the statistics of an audio file, or of an AcousticBrainz document.

    Returns:
        `(40, 9)`.

    Raises:
        DataError: The file cannot be decoded, or the document is incomplete.
        MissingError: There is no such file.
    """
    sound = Sound.of(source)
    path = sound.path
    if not is_document(path):
        rate_hz = feature.sample_rate_hz
        found = from_audio(sound.at(rate_hz), rate_hz)
        return bands.scaled(found, scale=feature.scale, dtype=feature.precision)
    try:
        document = json.loads(path.read_bytes())
        return bands.from_document(
            document, scale=feature.scale, dtype=feature.precision
        )
    except (ValueError, RecursionError) as error:  # not JSON or UTF-8, or a trap
        raise DataError(f"{path} is not JSON: {error}") from error
    except DataError as error:
        raise DataError(f"{path} {str(error).removeprefix(bands.SUBJECT)}") from error


def is_document(path: Path) -> bool:
    """Whether a file begins as JSON does, and no audio file."""
    try:
        with path.open("rb") as file:
            return file.read(1) == b"{"
    except FileNotFoundError as error:
        raise MissingError(f"{path} is not there") from error


def origin(folder: Path) -> dict[str, str]:
    """Return the CNN of a feature store: `network`, and the source of its `weights`.

    A feature that no CNN makes has none: the result is empty.
    """
    path = folder / ORIGIN
    told: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return told


def pictures(source: Source, feature: DeepSpectrum) -> Pictures:
    """Draw the windows of an audio file, `(windows, pixels, pixels, 3)`.

    Raises:
        DataError: The file cannot be decoded, or is too short for one window's frame.
        MissingError: There is no such file.
    """
    sound = Sound.of(source)
    waveform, sample_rate_hz = sound.beginning(feature.seconds)
    try:
        windows = deep_spectrum.windows(waveform, sample_rate_hz, feature)
    except DataError as error:
        raise DataError(f"{sound.path}: {error}") from error
    drawn = (_picture(window, sample_rate_hz, feature) for window in windows)
    return np.stack(list(drawn))


def seen(
    network: "keras.Model", tracks: Iterable[Pictures], batch_images: int
) -> list[NDArray[np.float32]]:
    """Show pictures to a CNN, in batches across tracks and windows.

    Args:
        network: Pictures to `(batch, values)`.
        tracks: `(windows, pixels, pixels, 3)` of each track.
        batch_images: Pictures at once.

    Returns:
        `(windows, values)` of each track.
    """
    each = list(tracks)
    values = in_batches(network, np.concatenate(each), batch_images)
    ends = np.cumsum([len(windows) for windows in each])[:-1]
    return np.split(np.asarray(values, np.float32), ends)


def _logmel(source: Source, *, feature: LogMel) -> Frames:
    return logmel(Sound.of(source).at(feature.sample_rate_hz), feature)


def _deep_spectrum(
    source: Source, *, feature: DeepSpectrum, network: "keras.Model"
) -> Frames:
    (values,) = seen(network, [pictures(source, feature)], feature.batch_images)
    return values


def _picture(window: Frames, sample_rate_hz: int, feature: DeepSpectrum) -> Pictures:
    """Draw a window at the size that the network takes."""
    draw = partial(
        deep_spectrum.image,
        window,
        sample_rate_hz,
        mode=feature.mode,
        mel_bands=feature.mel_bands,
        colour_map=feature.colour_map,
    )
    match feature.network:
        case EfficientNetLite0(pixels=pixels):
            return draw(pixels=pixels)
        case Application(pixels=pixels):  # DeepSpectrum plotted, then scaled
            return deep_spectrum.resized(draw(), pixels)
        case _:
            assert_never(feature.network)
