"""A tune becomes roles: what the score does not say is derived from its melody.

The chord of a half bar is the triad of the key that covers most of what the melody
sings there; chords, bass, drone and second voice follow from it. Times are in quarters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from tagsmith.datasets.scores.abc import Bar, Tune
from tagsmith.datasets.scores.draw import Rng, between, chance, pick

# How much a melody note counts for the triad on each degree of the scale: in dance
# music I, V and IV before all others.
TRIADS = {0: 1.0, 4: 0.95, 3: 0.9, 5: 0.6, 1: 0.5}
EIGHTH = 0.5
COMPOUND_BEAT = 1.5
THIRD, SIXTH = 3, 9  # semitones: where a second voice is, below the melody

KICK, LOW_TOM, MID_TOM, STICK, SNARE, CLAP = 36, 45, 47, 37, 38, 39  # General MIDI
CLOSED_HAT, OPEN_HAT, RIDE, TAMBOURINE, CRASH = 42, 46, 51, 54, 49
STRONG = {KICK: 2, LOW_TOM: 1}
WEAK = {SNARE: 2, STICK: 1, CLAP: 1, MID_TOM: 1}
TICKING = {CLOSED_HAT: 2, RIDE: 1, TAMBOURINE: 1, OPEN_HAT: 1}
PHRASE_SPANS = 16


class Event(NamedTuple):
    """A note of a score: quarters since the start, quarters long, MIDI pitch."""

    onset: float
    quarters: float
    pitch: int


@dataclass(frozen=True)
class Span:
    """A stretch under one chord.

    Attributes:
        onset: Its start.
        quarters: How long it is.
        beat: Quarters of a beat.
        chord: Pitch classes: root, third, fifth.
        tonic: Pitch class of the tune's tonic.
    """

    onset: float
    quarters: float
    beat: float
    chord: tuple[int, int, int]
    tonic: int

    @property
    def beats(self) -> int:
        """Whole beats, one at least."""
        return max(1, round(self.quarters / self.beat))

    @property
    def divisions(self) -> int:
        """Eighths in a beat."""
        return round(self.beat / EIGHTH)


def melody(tune: Tune) -> list[Event]:
    """Return the notes of a tune."""
    return [event for _, events in _bars(tune) for event in events]


def spans(tune: Tune) -> list[Span]:
    """Return a tune's half bars (whole ones where they have no half) with chords."""
    beat = COMPOUND_BEAT if tune.compound else 1.0
    found = []
    for bar, events in _bars(tune):
        start, quarters = bar
        halves = 2 if quarters >= 2 * beat and quarters % (2 * beat) == 0 else 1
        for half in range(halves):
            onset = start + half * quarters / halves
            end = onset + quarters / halves
            inside = [event for event in events if onset <= event.onset < end]
            chord = _chord(tune, inside)
            found.append(Span(onset, quarters / halves, beat, chord, tune.tonic))
    return found


def _bars(tune: Tune) -> Iterator[tuple[tuple[float, float], list[Event]]]:
    """Yield onset and length of every bar, and its events."""
    onset = 0.0
    for bar in tune.bars:
        quarters = sum(note.quarters for note in bar)
        yield (onset, quarters), _events(bar, onset)
        onset += quarters


def _events(bar: Bar, start: float) -> list[Event]:
    onsets = accumulate((note.quarters for note in bar[:-1]), initial=start)
    return [
        Event(onset, note.quarters, note.pitch)
        for onset, note in zip(onsets, bar, strict=True)
        if note.pitch is not None
    ]


def _chord(tune: Tune, events: Sequence[Event]) -> tuple[int, int, int]:
    def triad(degree: int) -> tuple[int, int, int]:
        root, third, fifth = ((degree + step) % 7 for step in (0, 2, 4))
        return tune.scale[root], tune.scale[third], tune.scale[fifth]

    def covered(degree: int) -> float:
        inside = (e.quarters for e in events if e.pitch % 12 in triad(degree))
        return TRIADS[degree] * sum(inside)

    return triad(max(TRIADS, key=covered))


def _voicing(chord: Sequence[int], low: int, high: int) -> list[int]:
    """Return a chord's notes in close position around the middle of a range."""
    middle = (low + high) / 2
    near = (
        min(range(pitch, 128, 12), key=lambda p: abs(p - middle)) for pitch in chord
    )
    return sorted(near)


def pad(found: Sequence[Span], low: int, high: int) -> list[Event]:
    """Return sustained chords."""
    return [
        Event(span.onset, span.quarters, pitch)
        for span in found
        for pitch in _voicing(span.chord, low, high)
    ]


def oompah(found: Sequence[Span], low: int, high: int) -> list[Event]:
    """Return a bass note on each beat, and the chord on the eighth before the next."""
    events = []
    for span in found:
        notes = _voicing(span.chord, low, high)
        for beat in range(span.beats):
            onset = span.onset + beat * span.beat
            events.append(Event(onset, EIGHTH, max(low, notes[0] - 12)))
            off = onset + span.beat - EIGHTH
            events += [Event(off, EIGHTH, pitch) for pitch in notes]
    return events


def arpeggio(found: Sequence[Span], low: int, high: int) -> list[Event]:
    """Return broken chords in eighths, up and down."""
    events = []
    for span in found:
        notes = _voicing(span.chord, low, high)
        wave = [*notes, notes[0] + 12, *notes[:0:-1]]
        steps = max(1, round(span.quarters / EIGHTH))
        events += [
            Event(span.onset + step * EIGHTH, EIGHTH, wave[step % len(wave)])
            for step in range(steps)
        ]
    return events


def bass(found: Sequence[Span], low: int, high: int) -> list[Event]:
    """Return low roots, with the fifth on every other beat."""
    del high  # the lowest octave of a range is always there
    events = []
    for span in found:
        quarters = span.quarters / span.beats
        for beat in range(span.beats):
            pitch = span.chord[2 if beat % 2 else 0]
            lowest = low + (pitch - low) % 12
            events.append(Event(span.onset + beat * quarters, quarters, lowest))
    return events


def drone(found: Sequence[Span], low: int, high: int) -> list[Event]:
    """Return the tonic and its fifth, struck with every chord."""
    fifth = (found[0].tonic + 7) % 12
    notes = _voicing((found[0].tonic, fifth), low, high)
    return [
        Event(span.onset, span.quarters, pitch) for span in found for pitch in notes
    ]


Accompaniment = Callable[[Sequence[Span], int, int], list[Event]]
ACCOMPANIMENTS: Mapping[str, Accompaniment] = {
    "pad": pad,
    "oompah": oompah,
    "arpeggio": arpeggio,
    "bass": bass,
    "drone": drone,
}


def harmony(tune: Sequence[Event], found: Sequence[Span]) -> list[Event]:
    """Return a second voice: the nearest note of the chord below every melody note."""
    onsets = np.array([span.onset for span in found])
    events = []
    for event in tune:
        number = int(np.searchsorted(onsets, event.onset, "right")) - 1
        below = range(event.pitch - THIRD, event.pitch - SIXTH - 1, -1)
        chord = found[max(0, number)].chord
        pitch = next((p for p in below if p % 12 in chord), event.pitch - 12)
        events.append(event._replace(pitch=pitch))
    return events


def double(tune: Sequence[Event], rng: Rng) -> list[Event]:
    """Return the melody as a second player has it, who leaves out some short notes."""
    omitted = between(0, 0.5, rng)
    kept: list[Event] = []
    for event in tune:
        if kept and event.quarters <= EIGHTH and chance(omitted, rng):
            end = event.onset + event.quarters
            kept[-1] = kept[-1]._replace(quarters=end - kept[-1].onset)
        else:
            kept.append(event)
    return kept


def drums(found: Sequence[Span], rng: Rng) -> list[Event]:
    """Return a pattern in the tune's metre, drawn anew for every clip."""
    strong, weak, ticking = pick(STRONG, rng), pick(WEAK, rng), pick(TICKING, rng)
    ghost = between(0, 0.3, rng)
    divided = chance(0.7, rng)
    events: list[Event] = []
    for number, span in enumerate(found):
        for beat in range(span.beats):
            onset = span.onset + beat * span.beat
            even = (number * span.beats + beat) % 2 == 0
            events.append(Event(onset, EIGHTH, strong if even else weak))
            for step in range(span.divisions if divided else 1):
                at = onset + step * EIGHTH
                events.append(Event(at, EIGHTH, ticking))
                events += [Event(at, EIGHTH, weak)] if chance(ghost, rng) else []
        if (number + 1) % PHRASE_SPANS == 0 and chance(0.5, rng):
            events.append(Event(span.onset, EIGHTH, CRASH))
    return events
