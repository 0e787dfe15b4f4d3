"""The fields of an ABC tune that say how its notes are meant: metre and key.

References:
    The ABC music standard 2.1, section 3.1.
"""

import re

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}  # in C major
SHARPS = "FCGDAEB"  # the order in which a key signature takes them
# Semitones from the tonic of the major key with the same signature.
MODES = {"": 0, "maj": 0, "ion": 0, "dor": 2, "phr": 4, "lyd": 5, "mix": 7}
MODES |= {"m": 9, "min": 9, "aeo": 9, "loc": 11}


def meter(text: str) -> tuple[int, int]:
    """Read `M:`: how many beats a bar has, of which part of a whole note."""
    if text.startswith("C|"):
        return 2, 2
    match = re.match(r"(\d+)/(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (4, 4)


def key(text: str) -> tuple[int, dict[str, int]]:
    """Read `K:`: the tonic's pitch class, and the semitones added to each letter."""
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not match:
        return 0, dict.fromkeys(LETTERS, 0)
    tonic = (LETTERS[match[1]] + {"#": 1, "b": -1, "": 0}[match[2]]) % 12
    mode = match[3].lower()[:3]
    above = MODES.get(mode, MODES["m"] if mode.startswith("m") else 0)
    # A fifth up is a sharp more; from the tritone on they are flats, other way round.
    sharps = ((tonic - above) * 7 + 5) % 12 - 5
    altered = SHARPS[:sharps] if sharps >= 0 else SHARPS[sharps:]
    alteration = 1 if sharps >= 0 else -1
    return tonic, {letter: alteration * (letter in altered) for letter in LETTERS}


def scale(tonic: int, signature: dict[str, int]) -> tuple[int, ...]:
    """Return the pitch classes of a key, upwards from its tonic."""
    pitches = [(step + signature[letter]) % 12 for letter, step in LETTERS.items()]
    return tuple(sorted(pitches, key=lambda pitch: (pitch - tonic) % 12))
