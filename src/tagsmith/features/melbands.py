"""Mel bands: nine statistics of 40 bands over a whole track, as the network hears them.

A document is the JSON that Essentia's music extractor writes of a recording; its
statistics lie at `lowlevel.melbands`. Only their shape counts: each is told relative to
its own maximum, so the level of a track is thrown away.

References:
    The features of melbaseline at MediaEval 2018: `scale="maximum"`, float16.
    Bogdanov et al., Essentia: an Audio Analysis Library for Music Information
    Retrieval, ISMIR 2013; `lowlevel.melbands` of the music extractor.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tagsmith.errors import DataError

STATISTICS = (  # the channels, in the published order
    "min",
    "mean",
    "median",
    "max",
    "var",
    "dmean",
    "dvar",
    "dmean2",
    "dvar2",
)
BANDS = 40
FLOOR_DB = 80.0  # so far below its maximum a band is 0 on the scale `decibels`
LARGEST = float(np.finfo(np.float32).max)
SUBJECT = "the document "  # how every message begins

Statistics = NDArray[np.float32]
Scale = Literal["maximum", "decibels"]


def from_document(
    document: Mapping[str, Any],
    *,
    scale: Scale = "maximum",
    dtype: DTypeLike = np.float16,
) -> NDArray[Any]:
    """Return what a network hears of a document.

    Args:
        document: A low-level document of AcousticBrainz, parsed.
        scale: What becomes of the numbers; see `scaled`.
        dtype: Of the result.

    Returns:
        `(40, 9)` bands and statistics in [0, 1].

    Raises:
        DataError: The document lacks a statistic, or its numbers cannot be.
    """
    return scaled(statistics(document), scale=scale, dtype=dtype)


def statistics(document: Mapping[str, Any]) -> Statistics:
    """Return the statistics of a document as they are.

    Args:
        document: A low-level document of AcousticBrainz, parsed.

    Returns:
        `(40, 9)` bands and statistics, 0 or more, of power.

    Raises:
        DataError: The document lacks a statistic, has another number of bands, or holds
            what is no finite number, or a negative one.
    """
    melbands = _inside(_inside(document, "lowlevel"), "lowlevel.melbands")
    columns = [_bands(melbands, name) for name in STATISTICS]
    return np.stack(columns, axis=-1)


def scaled(
    statistics: NDArray[Any],
    *,
    scale: Scale = "maximum",
    dtype: DTypeLike = np.float16,
) -> NDArray[Any]:
    """Tell each statistic's bands relative to the loudest of them.

    Args:
        statistics: `(..., 40, 9)` bands and statistics, 0 or more.
        scale: `maximum` divides by it, as published; `decibels` makes 0 to 1 of -80 dB
            or less to 0 dB. A statistic that is 0 in all bands stays 0.
        dtype: Of the result. Of small shares of a maximum float16 makes 0.

    Returns:
        `(..., 40, 9)` in [0, 1].
    """
    peak = statistics.max(axis=-2, keepdims=True)  # (..., 1, 9)
    share = statistics / np.where(peak > 0, peak, 1)
    if scale == "decibels":
        with np.errstate(divide="ignore"):  # log10(0) is -inf, which is below the floor
            share = np.clip(1 + 10 * np.log10(share) / FLOOR_DB, 0, 1)
    return share.astype(dtype)


# --- what a document holds


def _inside(mapping: object, where: str) -> Mapping[str, Any]:
    name = where.rpartition(".")[2]
    if not isinstance(mapping, Mapping):
        raise DataError(f"{SUBJECT}is no JSON object around {where}")
    if name not in mapping:
        raise DataError(f"{SUBJECT}lacks {where}")
    found = mapping[name]
    if not isinstance(found, Mapping):
        raise DataError(
            f"{SUBJECT}has {type(found).__name__} {found!r:.40} as {where}, where an "
            "object is expected"
        )
    return found


def _bands(melbands: Mapping[str, Any], name: str) -> NDArray[np.float32]:
    where = f"lowlevel.melbands.{name}"
    if name not in melbands:
        raise DataError(f"{SUBJECT}lacks {where}")
    values = melbands[name]
    if not isinstance(values, list):
        raise DataError(
            f"{SUBJECT}has {values!r:.40} as {where}, not a list of {BANDS} numbers"
        )
    if len(values) != BANDS:
        raise DataError(f"{SUBJECT}has {len(values)} bands in {where}, not {BANDS}")
    for band, value in enumerate(values):
        _refuse(value, f"in band {band} of {where}")
    return np.array(values, np.float32)


def _refuse(value: object, place: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{SUBJECT}holds {value!r:.40} {place}, which is no number")
    if not math.isfinite(value):
        raise DataError(f"{SUBJECT}holds {_spelt(value)} {place}, not a finite number")
    if value > LARGEST:
        raise DataError(f"{SUBJECT}holds {value:g} {place}, more than a float32 can be")
    if value < 0:
        raise DataError(f"{SUBJECT}holds {value:g} {place}, but power is 0 or more")


def _spelt(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}"
