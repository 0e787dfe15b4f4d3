"""The instruments of the default data set: their General MIDI programs and ranges.

Ranges are the sounding ones of players, not of a sound bank, as MIDI numbers.

References:
    General MIDI 1 Sound Set (programs, counted from 0 here) and GS drum kits.
    Adler, The Study of Orchestration (ranges).
"""

from collections.abc import Mapping
from dataclasses import dataclass

BASS = "bass"
DRUMS = "drums"
DRUM_KITS: Mapping[int, float] = {0: 6, 8: 3, 16: 2, 25: 1, 32: 2, 40: 2}
DRUM_BANK = 128


@dataclass(frozen=True)
class Instrument:
    """What can be asked of an instrument.

    Attributes:
        programs: Weights of the General MIDI programs that sound like it.
        low: Its lowest note.
        high: Its highest note.
        chords: Whether it may strike several notes together.
        sustains: Whether a note lasts as long as it is held.
        ensemble: Whether it is many players, and so never a soloist.
    """

    programs: Mapping[int, float]
    low: int
    high: int
    chords: bool = False
    sustains: bool = False
    ensemble: bool = False


def _plucked(programs: Mapping[int, float], low: int, high: int) -> Instrument:
    return Instrument(programs, low, high, chords=True)


def _blown_or_bowed(programs: Mapping[int, float], low: int, high: int) -> Instrument:
    return Instrument(programs, low, high, sustains=True)


def _many(programs: Mapping[int, float], low: int, high: int) -> Instrument:
    return Instrument(programs, low, high, chords=True, sustains=True, ensemble=True)


INSTRUMENTS: Mapping[str, Instrument] = {
    "banjo": _plucked({105: 1}, 48, 86),
    BASS: Instrument({32: 3, 33: 3, 34: 2, 35: 2, 43: 2}, 28, 58),
    "bassoon": _blown_or_bowed({70: 1}, 34, 74),
    "cello": _blown_or_bowed({42: 1}, 36, 79),
    "choir": _many({52: 4, 53: 2, 54: 1}, 43, 79),
    "clarinet": _blown_or_bowed({71: 1}, 50, 92),
    "flute": _blown_or_bowed({73: 1}, 59, 96),
    "guitar": _plucked({24: 5, 25: 4, 26: 1, 27: 1}, 40, 84),
    "harp": _plucked({46: 1}, 28, 98),
    "harpsichord": _plucked({6: 1}, 36, 88),
    "horn": _blown_or_bowed({60: 1}, 38, 77),
    "oboe": _blown_or_bowed({68: 1}, 58, 91),
    "organ": Instrument({16: 3, 19: 4, 20: 2}, 36, 96, chords=True, sustains=True),
    "piano": _plucked({0: 5, 1: 4, 2: 2, 3: 1}, 24, 104),
    "saxophone": _blown_or_bowed({64: 2, 65: 3, 66: 3, 67: 2}, 44, 86),
    "sitar": Instrument({104: 1}, 45, 81),
    "strings": _many({48: 4, 49: 3, 50: 2, 51: 1, 44: 1}, 36, 93),
    "synth": Instrument({80: 1, 81: 1}, 36, 93, chords=True, sustains=True),
    "trombone": _blown_or_bowed({57: 1}, 38, 75),
    "trumpet": _blown_or_bowed({56: 4, 59: 1}, 52, 86),
    "violin": _blown_or_bowed({40: 6, 110: 3, 45: 1}, 55, 100),
}
