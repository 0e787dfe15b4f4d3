"""What one player makes of notes: touch, intonation, vibrato, swells, tone, place.

All of it varies from clip to clip for the same instrument, as it does from player to
player and from hall to hall.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagsmith.datasets.scores.draw import Rng, between, chance, log_between, pick
from tagsmith.datasets.scores.instruments import INSTRUMENTS, Instrument, Voice

Notes = NDArray[np.float64]  # rows of onset and duration in seconds, pitch, velocity

LONGEST_NOTE_SECONDS = 6.0
SHORTEST_NOTE_SECONDS = 0.06
VELOCITIES = (25, 127)
TOUCHES = {1.03: 3, 0.92: 4, 0.7: 2, 0.4: 1}  # legato to staccato: share of a note held


@dataclass(frozen=True)
class Tone:
    """How a part sounds beside what the sound bank makes of it.

    Attributes:
        cents: How far it is out of tune.
        vibrato_cents: How far its pitch swings.
        vibrato_hz: How often.
        swell_db: How far its loudness swings.
        swell_hz: How often.
        low_db: Boost of its low frequencies.
        high_db: Boost of its high frequencies.
        body_hz: Where it has a resonance.
        body_db: How strong that is.
    """

    cents: float
    vibrato_cents: float
    vibrato_hz: float
    swell_db: float
    swell_hz: float
    low_db: float
    high_db: float
    body_hz: float
    body_db: float


@dataclass(frozen=True)
class Part:
    """What one player does.

    Attributes:
        program: General MIDI program, or a drummer's kit.
        drums: Whether it is a drummer.
        notes: `(notes, 4)`: onset and duration in seconds, MIDI pitch, velocity.
        level_db: Loudness among the parts.
        pan: -1 left to 1 right.
        tone: How it sounds.
    """

    program: int
    drums: bool
    notes: Notes
    level_db: float
    pan: float
    tone: Tone


def part(name: str, voice: Voice, notes: Notes, rng: Rng, *, leads: bool) -> Part:
    """Let somebody play notes whose velocities are still 0; leaders are louder."""
    instrument = INSTRUMENTS.get(name)  # drums are none
    return Part(
        program=voice.program,
        drums=instrument is None,
        notes=_touched(notes, rng),
        level_db=between(-2, 2, rng) if leads else between(-4, 1, rng),
        pan=between(-0.8, 0.8, rng),
        tone=_tone(instrument, rng),
    )


def _tone(instrument: Instrument | None, rng: Rng) -> Tone:
    swings = instrument is not None and instrument.sustains and chance(0.5, rng)
    return Tone(
        cents=0.0 if instrument is None else float(rng.normal(0, 12)),
        vibrato_cents=between(5, 35, rng) if swings else 0.0,
        vibrato_hz=between(4, 7, rng),
        swell_db=between(0, 6, rng) if chance(0.6, rng) else 0.0,
        swell_hz=between(0.05, 0.6, rng),
        low_db=between(-4, 3, rng),
        high_db=between(-4, 4, rng),
        body_hz=log_between(200, 5000, rng),
        body_db=between(-4, 4, rng),
    )


def _touched(notes: Notes, rng: Rng) -> Notes:
    """Give notes their velocities, articulation and small unevenness."""
    count = len(notes)
    hardness, unevenness = between(*VELOCITIES, rng), between(2, 14, rng)
    jitter = rng.normal(0, between(0, 0.012, rng), count)
    held = notes[:, 1] * pick(TOUCHES, rng)
    velocity = np.round(rng.normal(hardness, unevenness, count))
    return np.column_stack(
        [
            np.maximum(notes[:, 0] + jitter, 0),
            np.clip(held, SHORTEST_NOTE_SECONDS, LONGEST_NOTE_SECONDS),
            notes[:, 2],
            np.clip(velocity, *VELOCITIES),
        ]
    )
