"""One document: bytes become statistics, a few facts, or what is wrong.

Only what is needed is decoded; the rest of the 80 kB is skipped over. Where that fails,
the document is read once more as a whole, to say what is wrong with it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tagsmith.errors import DataError
from tagsmith.features import melbands
from tagsmith.features.melbands import BANDS, STATISTICS, SUBJECT

NO_NUMBER = re.compile(rb"-?(?:NaN|nan|Infinity|inf)\b")  # what json.dump may write
NEAR = 12  # bytes in front of where a parser stops in which such a word may begin

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Document:
    """What was read of a document.

    Attributes:
        statistics: Nine rows of 40 numbers, in the order of `STATISTICS`; empty if
            there is a problem.
        seconds: Length of the recording; NaN where the document does not say.
        sample_rate_hz: Of the file that was analysed; 0 where it does not say.
        artist: The file's first artist; may be empty.
        album: The file's album; may be empty.
        problem: Why there are no statistics; empty where there are.
    """

    statistics: Rows = ()
    seconds: float = math.nan
    sample_rate_hz: int = 0
    artist: str = ""
    album: str = ""
    problem: str = ""


class _Properties(msgspec.Struct):
    length: Any = None
    sample_rate: Any = None


class _Tags(msgspec.Struct):
    artist: Any = None
    album: Any = None


class _Metadata(msgspec.Struct):
    audio_properties: _Properties | None = None
    tags: _Tags | None = None


_Melbands = msgspec.defstruct(
    "_Melbands", [(name, list[float]) for name in STATISTICS], gc=False
)


class _Lowlevel(msgspec.Struct):
    melbands: _Melbands  # type: ignore[valid-type]


class _Needed(msgspec.Struct):
    lowlevel: _Lowlevel
    metadata: _Metadata | None = None


_decoder = msgspec.json.Decoder(_Needed)


def parsed(content: bytes) -> Document:
    """Read a document; never raises for a bad one.

    Numbers are not looked at: whether they are finite and not negative is asked of many
    documents at once, and `problem_of` says what is wrong with one.

    Args:
        content: The JSON as bytes.
    """
    try:
        needed = _decoder.decode(content)
    except msgspec.MsgspecError:
        return Document(problem=_problem(content))
    rows = msgspec.structs.astuple(needed.lowlevel.melbands)
    if any(len(row) != BANDS for row in rows):
        return Document(problem=_problem(content))
    metadata = needed.metadata or _Metadata()
    properties = metadata.audio_properties or _Properties()
    tags = metadata.tags or _Tags()
    return Document(
        statistics=rows,
        seconds=_positive(properties.length),
        sample_rate_hz=_rate(properties.sample_rate),
        artist=_first(tags.artist),
        album=_first(tags.album),
    )


def problem_of(rows: Rows) -> str:
    """Say what is wrong with nine rows of 40 numbers, or nothing."""
    named = dict(zip(STATISTICS, map(list, rows), strict=True))
    return _refused({"lowlevel": {"melbands": named}})


def _problem(content: bytes) -> str:
    try:
        document = msgspec.json.decode(content)
    except msgspec.MsgspecError as error:
        return f"is not JSON: {_explained(str(error), content)}"
    return _refused(document) or "has metadata of another form than AcousticBrainz's"


def _refused(document: Any) -> str:  # noqa: ANN401 - any JSON
    try:
        melbands.statistics(document)
    except DataError as error:
        return str(error).removeprefix(SUBJECT)
    return ""


def _explained(message: str, content: bytes) -> str:
    if not content.strip():
        return "it is empty"
    if "truncated" in message:
        return f"it ends early (byte {len(content)})"
    stopped = re.search(r"\(byte (\d+)\)", message)
    if stopped is None:
        return message
    at = int(stopped[1])
    word = NO_NUMBER.search(content, max(at - NEAR, 0), at + NEAR)
    if word:
        return f"it holds {word[0].decode()}, which JSON lacks (byte {word.start()})"
    return message.removeprefix("JSON is malformed: ")


def _positive(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if 0 < value < math.inf else math.nan


def _rate(value: object) -> int:
    rate = _positive(value)
    return 0 if math.isnan(rate) else round(rate)


def _first(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""
