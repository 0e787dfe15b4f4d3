"""The instruments of the default data set: their General MIDI programs and ranges.

Ranges are the sounding ones of players, as MIDI numbers, and not of a sound bank.

References:
    General MIDI 1 Sound Set (programs, counted from 0 here) and GS drum kits.
    Adler, The Study of Orchestration (ranges).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

BASS = "bass"
DRUMS = "drums"
DRUM_KITS: Mapping[int, float] = {0: 6, 8: 3, 16: 2, 25: 1, 32: 2, 40: 2}
DRUM_BANK = 128


class Voice(NamedTuple):
    """A General MIDI program that sounds like an instrument between two notes."""

    program: int
    low: int
    high: int


@dataclass(frozen=True)
class Instrument:
    """What can be asked of an instrument.

    Attributes:
        voices: What it may be played with, and how often.
        chords: Whether it may strike several notes together.
        sustains: Whether a note lasts as long as it is held.
        ensemble: Whether it is many players, and so never a soloist.
    """

    voices: Mapping[Voice, float]
    chords: bool = False
    sustains: bool = False
    ensemble: bool = False


def _voices(low: int, high: int, programs: Mapping[int, float]) -> dict[Voice, float]:
    return {Voice(number, low, high): weight for number, weight in programs.items()}


def _single(low: int, high: int, programs: Mapping[int, float]) -> Instrument:
    return Instrument(_voices(low, high, programs), sustains=True)


def _struck(low: int, high: int, programs: Mapping[int, float]) -> Instrument:
    return Instrument(_voices(low, high, programs), chords=True)


def _held(low: int, high: int, programs: Mapping[int, float]) -> Instrument:
    return Instrument(_voices(low, high, programs), chords=True, sustains=True)


def _many(low: int, high: int, programs: Mapping[int, float]) -> Instrument:
    voices = _voices(low, high, programs)
    return Instrument(voices, chords=True, sustains=True, ensemble=True)


# Soprano, alto, tenor and baritone.
_SAXOPHONES = {
    Voice(64, 56, 86): 2,
    Voice(65, 49, 80): 3,
    Voice(66, 44, 75): 3,
    Voice(67, 38, 69): 2,
}
# Banks tend to have no low notes of the cello, and stretch one up to a dull hum; those
# of the viola, an octave down, come nearer to the real thing.
_CELLOS = {Voice(42, 36, 79): 3, Voice(41, 36, 57): 1}

INSTRUMENTS: Mapping[str, Instrument] = {
    "banjo": _struck(48, 86, {105: 1}),
    BASS: Instrument(_voices(28, 55, {32: 3, 33: 3, 34: 2, 35: 2})),
    "bassoon": _single(34, 74, {70: 1}),
    "cello": Instrument(_CELLOS, sustains=True),
    "choir": _many(43, 79, {52: 1}),
    "clarinet": _single(50, 92, {71: 1}),
    "flute": _single(59, 96, {73: 1}),
    "guitar": _struck(40, 84, {24: 5, 25: 4, 27: 1}),
    "harp": _struck(36, 98, {46: 1}),
    "harpsichord": _struck(36, 88, {6: 1}),
    "horn": _single(38, 77, {60: 1}),
    "oboe": _single(58, 91, {68: 1}),
    "organ": _held(36, 96, {16: 2, 19: 4, 20: 2}),
    "piano": _struck(28, 100, {0: 5, 1: 4, 2: 2, 3: 1}),
    "saxophone": Instrument(_SAXOPHONES, sustains=True),
    "sitar": Instrument(_voices(45, 81, {104: 1})),
    "strings": _many(36, 93, {48: 4, 49: 4, 50: 1}),
    "synth": _held(36, 93, {80: 1, 81: 1}),
    "trombone": _single(38, 70, {57: 1}),
    "trumpet": _single(52, 86, {56: 4, 59: 1}),
    "violin": _single(55, 100, {40: 3, 110: 2}),
}
