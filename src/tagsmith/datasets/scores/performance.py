"""How a clip is played: an arrangement for its players, and its notes in seconds.

Roles, register, transposition and where in the tune it starts are drawn from the clip's
own generator, independently of the tune, so that none of them gives an instrument away.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tagsmith.datasets.scores import arrange, player
from tagsmith.datasets.scores.abc import Tune
from tagsmith.datasets.scores.arrange import Event, Span
from tagsmith.datasets.scores.draw import Rng, between, chance, pick
from tagsmith.datasets.scores.instruments import (
    BASS,
    DRUM_KITS,
    DRUMS,
    INSTRUMENTS,
    Voice,
)
from tagsmith.datasets.scores.player import Notes, Part
from tagsmith.datasets.scores.programme import Clip

Clock = Callable[[Sequence[Event]], Notes]

TRANSPOSITIONS = (-6, 6)  # semitones
LEAD_SECONDS = 0.3  # of silence before the first note, at most
TAIL_SECONDS = 0.1  # nobody starts a note so shortly before the end
LEFT_HAND_SHARE = 0.3  # of solos on instruments that can accompany themselves
CHORDAL_ROLES = {"pad": 2, "oompah": 2, "arpeggio": 2, "drone": 1, "double": 2}
SINGLE_ROLES = {"double": 4, "harmony": 4, "bass": 1, "arpeggio": 1}
LEFT_HAND_ROLES = {"pad": 1, "oompah": 1, "arpeggio": 1, "bass": 1}


def play_tune(tune: Tune, clip: Clip, seconds: float, rng: Rng) -> tuple[Part, ...]:
    """Arrange and play a tune as the clip wants it."""
    melody, spans = arrange.melody(tune), arrange.spans(tune)
    clock = _clock(melody, clip.notes_per_second, seconds, rng)
    transposition = int(rng.integers(*TRANSPOSITIONS))
    alone = len(clip.lineup) == 1
    parts = []
    for name in clip.lineup:
        role, voice = _role(name, clip.lineup, rng), _voice(name, rng)
        events = _events(role, (melody, spans), voice, rng)
        if name != DRUMS:
            events = _transposed(events, transposition)
            events = _fitted(events, voice, rng, free=alone)
        if clip.study:
            events = _roaming(events, voice, rng)
        elif alone and INSTRUMENTS[name].chords and chance(LEFT_HAND_SHARE, rng):
            events += _left_hand(spans, transposition, voice, rng)
        leads = role == "melody"
        parts.append(player.part(name, voice, clock(events), rng, leads=leads))
    return tuple(parts)


def play_voices(
    score: Sequence[Sequence[Event]], clip: Clip, seconds: float, rng: Rng
) -> tuple[Part, ...]:
    """Play a score of several voices as it stands, shared out among the players."""
    onsets = {event.onset: event for line in score for event in line}
    clock = _clock(sorted(onsets.values()), clip.notes_per_second, seconds, rng)
    transposition = int(rng.integers(*TRANSPOSITIONS))
    parts = []
    for number, name in enumerate(clip.lineup):
        first = number * len(score) // len(clip.lineup)
        last = max(first + 1, (number + 1) * len(score) // len(clip.lineup))
        events = sorted(event for line in score[first:last] for event in line)
        voice = _voice(name, rng)
        events = _fitted(_transposed(events, transposition), voice, rng, free=False)
        parts.append(player.part(name, voice, clock(events), rng, leads=True))
    return tuple(parts)


def _voice(name: str, rng: Rng) -> Voice:
    if name == DRUMS:
        return Voice(pick(DRUM_KITS, rng), 0, 127)
    return pick(INSTRUMENTS[name].voices, rng)


def _role(name: str, lineup: Sequence[str], rng: Rng) -> str:
    if name == DRUMS:
        return "drums"
    if name == lineup[0]:
        return "melody"
    if name == BASS:
        return "bass"
    return pick(CHORDAL_ROLES if INSTRUMENTS[name].chords else SINGLE_ROLES, rng)


def _events(
    role: str, music: tuple[list[Event], list[Span]], voice: Voice, rng: Rng
) -> list[Event]:
    melody, spans = music
    match role:
        case "melody":
            return melody
        case "double":
            return arrange.double(melody, rng)
        case "harmony":
            return arrange.harmony(melody, spans)
        case "drums":
            return arrange.drums(spans, rng)
        case _:
            return arrange.ACCOMPANIMENTS[role](spans, voice.low, voice.high)


def _left_hand(
    spans: Sequence[Span], transposition: int, voice: Voice, rng: Rng
) -> list[Event]:
    middle = (voice.low + voice.high) // 2
    accompaniment = arrange.ACCOMPANIMENTS[pick(LEFT_HAND_ROLES, rng)]
    events = _transposed(accompaniment(spans, voice.low, middle), transposition)
    return [event._replace(pitch=_folded(event.pitch, voice)) for event in events]


def _transposed(events: Sequence[Event], semitones: int) -> list[Event]:
    return [event._replace(pitch=event.pitch + semitones) for event in events]


def _fitted(
    events: Sequence[Event], voice: Voice, rng: Rng, *, free: bool
) -> list[Event]:
    """Shift a part into a voice's range: by octaves, or anyhow when alone."""
    low = min(event.pitch for event in events)
    high = max(event.pitch for event in events)
    shifts = [
        shift
        for shift in range(-72, 73, 1 if free else 12)
        if voice.low <= low + shift and high + shift <= voice.high
    ]
    centred = 12 * round((voice.low + voice.high - low - high) / 24)
    shift = int(rng.choice(shifts or [centred]))
    return [
        event._replace(pitch=_folded(event.pitch + shift, voice)) for event in events
    ]


def _folded(pitch: int, voice: Voice) -> int:
    above = max(0, -(-(pitch - voice.high) // 12))
    below = max(0, -(-(voice.low - pitch) // 12))
    return pitch + 12 * (below - above)


def _roaming(events: Sequence[Event], voice: Voice, rng: Rng) -> list[Event]:
    """Put every note into some octave of a voice's range."""
    lowest = (voice.low + (event.pitch - voice.low) % 12 for event in events)
    pitches = [int(rng.choice(range(low, voice.high + 1, 12))) for low in lowest]
    return [
        event._replace(pitch=pitch)
        for event, pitch in zip(events, pitches, strict=True)
    ]


def _clock(
    events: Sequence[Event], notes_per_second: float, seconds: float, rng: Rng
) -> Clock:
    """Return what turns a part's quarters into seconds, and repeats it until the end.

    The rate of notes is that of the stretch that will be heard, found by successive
    guesses from the rate of the whole.
    """
    length = max(event.onset + event.quarters for event in events)
    onsets = np.array([event.onset for event in events])
    start = float(rng.choice(onsets))
    lead_seconds = between(0, LEAD_SECONDS, rng)
    quarter_seconds = len(events) / length / notes_per_second
    for _ in range(3):
        heard = seconds / quarter_seconds
        laps = length * np.arange(int(heard / length) + 2)
        played = (onsets + laps[:, np.newaxis]).ravel() - start
        count = int(((played >= 0) & (played < heard)).sum())
        quarter_seconds *= count / seconds / notes_per_second

    def clock(part: Sequence[Event]) -> Notes:
        table = np.array([(*event, 0.0) for event in part], float)
        laps = length * np.arange(int(seconds / quarter_seconds / length) + 2)
        table = np.concatenate([table + [lap, 0, 0, 0] for lap in laps])  # noqa: RUF005
        table[:, 0] = (table[:, 0] - start) * quarter_seconds + lead_seconds
        table[:, 1] *= quarter_seconds
        return table[(table[:, 0] >= 0) & (table[:, 0] < seconds - TAIL_SECONDS)]

    return clock
