"""A part becomes sound: the sound bank plays it, at the loudness that it shall have.

Every part is synthesised alone, in mono at 44.1 kHz, so that its loudness among the
others is set by what is heard and not by how its sound bank was recorded. A part starts
from a fresh copy of the bank, so that it sounds the same in any process.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.datasets.scores.instruments import DRUM_BANK
from tagsmith.datasets.scores.player import Part
from tagsmith.errors import MissingError

RATE_HZ = 44100
MOST_VOICES = 128
WHEEL_SECONDS = 0.02  # between two movements of pitch wheel and volume
WHEEL_CENTRE = 8192
WHEEL_SEMITONES = 2.0
BLOCK_SAMPLES = RATE_HZ // 20  # loudness is measured in blocks of 50 ms
DRUM_CHANNEL = 9

Sound = NDArray[np.float32]
Message = tuple[str, Any, *tuple[Any, ...]]  # a method of the synthesiser, arguments


def synthesise(part: Part, samples: int, soundfont: Path) -> Sound:
    """Return a part's sound, `(samples,)` at `RATE_HZ`, at the part's loudness.

    Raises:
        MissingError: The bank has no such instrument.
    """
    sound = _played(part, samples, soundfont)
    gain = 10 ** (part.level_db / 20) / loudness(sound)
    return sound * np.float32(gain)


def loudness(sound: Sound) -> float:
    """Return the root mean square of the louder half of a sound's blocks."""
    whole = len(sound) // BLOCK_SAMPLES * BLOCK_SAMPLES
    power = np.mean(sound[:whole].reshape(-1, BLOCK_SAMPLES) ** 2, axis=1)
    louder = np.sort(power)[len(power) // 2 :]
    return float(np.sqrt(louder.mean())) + 1e-9  # silence stays silence


@lru_cache(maxsize=8)
def _bank(soundfont: Path) -> Any:  # noqa: ANN401 - the package has no types
    import tinysoundfont  # noqa: PLC0415 - an extra, needed by nothing else

    synth = tinysoundfont.Synth(samplerate=RATE_HZ)
    try:
        synth.sfload(str(soundfont))
    except RuntimeError as error:
        raise MissingError(
            f"{soundfont} cannot be read as a sound bank ({error}); "
            "dataset.soundfonts takes .sf2 files"
        ) from error
    return synth.soundfonts[0]


def _played(part: Part, samples: int, soundfont: Path) -> Sound:
    from tinysoundfont import _tinysoundfont  # noqa: PLC0415 - as above

    bank = _bank(soundfont)
    synth = type(bank)(bank)  # shares the samples
    synth.set_output(_tinysoundfont.OutputMode.Mono, RATE_HZ, 0.0)
    synth.set_max_voices(MOST_VOICES)
    channel = DRUM_CHANNEL if part.drums else 0
    number = DRUM_BANK if part.drums else 0
    if not synth.get_preset_name(number, part.program):
        raise MissingError(
            f"{soundfont} has no program {part.program} in bank {number}; give "
            "dataset.soundfonts a complete General MIDI bank"
        )
    synth.channel_set_bank(channel, number)
    synth.channel_set_preset_number(channel, part.program, part.drums)
    synth.channel_set_pitch_range(channel, WHEEL_SEMITONES)
    sound = np.zeros(samples, np.float32)
    done = 0
    for at, (method, *values) in [*_messages(part, samples), (samples, ("reset",))]:
        if at > done:
            synth.render(sound[done:at].data.cast("B"), False)  # noqa: FBT003
            done = at
        if method != "reset":
            getattr(synth, method)(channel, *values)
    return sound


def _messages(part: Part, samples: int) -> list[tuple[int, Message]]:
    """Return what to tell the synthesiser and at which sample, in order of time."""
    messages = _movements(part, samples)
    for onset, duration, pitch, velocity in part.notes:
        start, end = round(onset * RATE_HZ), round((onset + duration) * RATE_HZ)
        messages.append((end, ("channel_note_off", int(pitch))))
        messages.append((start, ("channel_note_on", int(pitch), velocity / 127)))
    # A sort that keeps the order of equals: notes end before others start.
    return sorted((m for m in messages if m[0] < samples), key=lambda m: m[0])


def _movements(part: Part, samples: int) -> list[tuple[int, Message]]:
    """Return how intonation, vibrato and swells move pitch wheel and volume."""
    tone = part.tone
    seconds = np.arange(0, samples / RATE_HZ, WHEEL_SECONDS)
    swing = np.sin(2 * np.pi * tone.vibrato_hz * seconds)
    semitones = (tone.cents + tone.vibrato_cents * swing) / 100
    wheel = WHEEL_CENTRE * (1 + semitones / WHEEL_SEMITONES)
    swell = np.sin(2 * np.pi * (tone.swell_hz * seconds + part.pan))
    volume = 10 ** (tone.swell_db * swell / 20)
    moves = tone.vibrato_cents or tone.swell_db
    messages: list[tuple[int, Message]] = []
    for number in range(len(seconds) if moves else 1):
        at = round(seconds[number] * RATE_HZ)
        messages.append((at, ("channel_set_pitch_wheel", round(wheel[number]))))
        messages.append((at, ("channel_set_volume", float(volume[number]))))
    return messages
