"""Tunes in ABC notation, read for playing: pitches, durations, bars, repeats.

Only what is heard is kept: ornaments, grace notes, slurs, chord symbols and bowing are
passed over, and of notes struck together the first counts. Durations are in quarter
notes, pitches are MIDI numbers. music21 reads ABC too, but takes half a second a tune.

References:
    The ABC music standard 2.1: sections 3 (fields) and 4 (the tune body).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from tagsmith.datasets.scores.abc_fields import LETTERS, key, meter, scale

MIDDLE_C = 60
_ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # so many notes in the time of so many
_TUPLET_ELSE = 2

_SKIPPED = re.compile(r'"[^"]*"|\{[^}]*\}|![^!\n]*!|\\\n')
_FIELD_LINE = re.compile(r"\s*[A-Za-z]:")
_TOKEN = re.compile(
    r"(?P<bar>:\|:|::|:?\|[\]|:]?|\[\|)\s*\[?(?P<ending>[1-9])?"
    r"|\[(?P<volta>[1-9])"
    r"|\((?P<tuplet>[2-9])(?::(?P<span>\d*))?(?::(?P<count>\d*))?"
    r"|(?P<chord>\[)|(?P<unchord>\])(?P<stretch>[0-9/]*)"
    r"|(?P<accidental>\^\^|\^|__|_|=)?(?P<note>[A-Ga-gzx])(?P<octave>[,']*)"
    r"(?P<length>[0-9]*/*[0-9]*)"
    r"|(?P<broken>>+|<+)"
    r"|(?P<tie>-)"
)


class Note(NamedTuple):
    """A note, or a rest where `pitch` is None; its duration in quarter notes."""

    pitch: int | None
    quarters: float


@dataclass(frozen=True)
class Tune:
    """A melody with its repeats written out.

    Attributes:
        number: The field `X:`.
        title: The first field `T:`.
        rhythm: The field `R:` in lower case; empty where there is none.
        meter: How many beats a bar has, of which part of a whole note.
        tonic: Pitch class of the key's tonic.
        scale: Pitch classes of the key, upwards from its tonic.
        bars: The notes of each bar, as played.
    """

    number: str
    title: str
    rhythm: str
    meter: tuple[int, int]
    tonic: int
    scale: tuple[int, ...]
    bars: tuple[tuple[Note, ...], ...]

    @property
    def compound(self) -> bool:
        """Whether beats are divided by three, as those of jigs are."""
        return self.meter in {(3, 8), (6, 8), (9, 8), (12, 8)}


def blocks(text: str) -> Iterator[str]:
    """Yield the tunes of a file, each from its `X:` to the next."""
    starts = [match.start() for match in re.finditer(r"^X:", text, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end]


def read(block: str) -> Tune:
    """Read one tune: its fields `X:` to `K:` and the notes after them."""
    header, body = _parts(block)
    beats = meter(header.get("M", "C"))
    tonic, signature = key(header.get("K", "C"))
    default = Fraction(1, 16) if Fraction(*beats) < Fraction(3, 4) else Fraction(1, 8)
    unit = Fraction(header.get("L", default))
    reader = _Reader(signature, unit_quarters=float(4 * unit))
    for token in _TOKEN.finditer(body):
        reader.take(token)
    return Tune(
        number=header.get("X", ""),
        title=header.get("T", ""),
        rhythm=header.get("R", "").lower(),
        meter=beats,
        tonic=tonic,
        scale=scale(tonic, signature),
        bars=tuple(reader.played()),
    )


def _parts(block: str) -> tuple[dict[str, str], str]:
    """Return a tune's first field of every letter, and its music without the rest."""
    header: dict[str, str] = {}
    music = []
    for line in block.splitlines():
        text = line.partition("%")[0]
        if "K" in header and not _FIELD_LINE.match(text):
            music.append(text)
        elif _FIELD_LINE.match(text):
            letter, _, value = text.strip().partition(":")
            header.setdefault(letter, value.strip())
    return header, _SKIPPED.sub(" ", "\n".join(music))


def _length(text: str) -> float:
    above, *below = text.split("/")
    length = float(above or 1)
    for part in below:
        length /= float(part or 2)
    return length


Bar = tuple[Note, ...]


@dataclass
class _Strain:
    """What stands between repeat signs: bars by ending, 0 for those before any."""

    endings: dict[int, list[Bar]] = field(default_factory=dict)
    repeated: bool = False

    def played(self) -> Iterator[Bar]:
        twice = self.repeated or len(self.endings) > 1
        for ending in (1, 2) if twice else (1,):
            yield from self.endings.get(0, [])
            yield from self.endings.get(ending, [])


class _Reader:
    """Takes a body's tokens in turn; holds what the meaning of the next hangs on."""

    def __init__(self, signature: dict[str, int], unit_quarters: float) -> None:
        self._signature = signature
        self._unit_quarters = unit_quarters
        self._strains = [_Strain()]
        self._ending = 0
        self._bar: list[Note] = []
        self._accidentals: dict[
            str, int
        ] = {}  # those of this bar, by letter and octave
        self._tuplet_left, self._tuplet_factor = 0, 1.0
        self._broken_factor = 1.0  # what `>` leaves for the next note
        self._tied = False
        self._struck: int | None = None  # notes read of a chord; None outside of one

    def take(self, token: re.Match[str]) -> None:
        """Take the next token; the pattern's last named group says what it is."""
        if token["note"]:
            self._note(token)
        elif token["bar"]:
            self._barline(token["bar"], token["ending"])
        elif token["volta"]:
            self._close_bar()
            self._ending = int(token["volta"])
        elif token["tuplet"]:
            notes = int(token["tuplet"])
            span = int(token["span"] or _TUPLETS.get(notes, _TUPLET_ELSE))
            self._tuplet_left = int(token["count"] or notes)
            self._tuplet_factor = span / notes
        elif token["broken"]:
            self._broken(token["broken"])
        elif token["tie"]:
            self._tied = True
        elif token["chord"]:
            self._struck = 0
        else:
            self._unchord(token["stretch"])

    def played(self) -> Iterator[Bar]:
        """Yield the bars as played."""
        self._close_bar()
        for strain in self._strains:
            yield from strain.played()

    def _note(self, token: re.Match[str]) -> None:
        if self._struck is not None:
            self._struck += 1
            if self._struck > 1:
                return
        quarters = self._unit_quarters * _length(token["length"]) * self._broken_factor
        self._broken_factor = 1.0
        if self._tuplet_left:
            quarters *= self._tuplet_factor
            self._tuplet_left -= 1
        pitch = self._pitch(token)
        if self._tied and self._bar and self._bar[-1].pitch == pitch:
            quarters += self._bar.pop().quarters
        self._tied = False
        self._bar.append(Note(pitch, quarters))

    def _pitch(self, token: re.Match[str]) -> int | None:
        letter = token["note"].upper()
        if letter in "ZX":
            return None
        octave = token["octave"].count("'") - token["octave"].count(",")
        octave += token["note"].islower()
        place = f"{letter}{octave}"
        if token["accidental"]:
            self._accidentals[place] = _ACCIDENTALS[token["accidental"]]
        alteration = self._accidentals.get(place, self._signature[letter])
        return MIDDLE_C + 12 * octave + LETTERS[letter] + alteration

    def _broken(self, sign: str) -> None:
        factor = 0.5 ** len(sign)  # `<` shortens the note before it, `>` the one after
        factor = 2 - factor if sign.startswith(">") else factor
        self._scale_last(factor)
        self._broken_factor = 2 - factor

    def _unchord(self, stretch: str) -> None:
        if self._struck:
            self._scale_last(_length(stretch))
        self._struck = None

    def _scale_last(self, factor: float) -> None:
        if self._bar:
            last = self._bar.pop()
            self._bar.append(last._replace(quarters=last.quarters * factor))

    def _barline(self, sign: str, ending: str | None) -> None:
        self._close_bar()
        if sign.startswith(":"):
            self._strains[-1].repeated = True
        if ending:
            self._ending = int(ending)
        elif sign != "|":
            self._strains.append(_Strain())
            self._ending = 0

    def _close_bar(self) -> None:
        if self._bar:
            bars = self._strains[-1].endings.setdefault(self._ending, [])
            bars.append(tuple(self._bar))
        self._bar, self._accidentals = [], {}
