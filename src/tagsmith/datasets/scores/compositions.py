"""The compositions that may be played, found in music21's corpus.

References:
    William Bradbury Ryan, Mammoth Collection, 1883 (1,059 dances, by John Chambers).
    Francis O'Neill, Music of Ireland, 1903 (2,009 tunes, by John Chambers and others).
    Johann Sebastian Bach, four-part chorales (encoded by Margaret Greentree).
"""

import hashlib
import importlib.util
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tagsmith.datasets.scores import abc
from tagsmith.datasets.scores.arrange import Event
from tagsmith.errors import MissingError

RYAN = "Ryan's Mammoth Collection"
ONEILL = "O'Neill's Music of Ireland"
BACH = "Bach's chorales"
ARTISTS = {
    RYAN: f"trad., {RYAN}",
    ONEILL: f"trad., {ONEILL}",
    BACH: "Johann Sebastian Bach",
}
VOICES = 4
SHORTEST_NOTES = 32  # shorter tunes would only repeat themselves
# The dance that a tune's field `R:` says. Others (highland fling 12, fling and waltz 4,
# walkaround 3, slide 2, march 1) are too few to be judged, and say nothing.
DANCES = {
    "reel": "reel",
    "hornpipe": "hornpipe",
    "jig": "jig",
    "double jig": "jig",
    "slip jig": "slip jig",
    "slipjig": "slip jig",
    "strathspey": "strathspey",
    "clog": "clog",
    "air": "air",
}


@dataclass(frozen=True)
class Composition:
    """A composition that can be played.

    Attributes:
        collection: The book that it stands in.
        number: Its number or name there.
        title: What it is called.
        kind: tune or chorale.
        source: A tune's ABC text, or a chorale's file name.
        sha256: Of what it is read from.
    """

    collection: str
    number: str
    title: str
    kind: str
    source: str
    sha256: str

    @property
    def group(self) -> str:
        """What may never straddle splits."""
        return f"{self.collection} {self.number}"

    @property
    def dance(self) -> str:
        """Which of `DANCES` it is; empty for chorales, and where its book is silent."""
        if self.kind == "chorale":
            return ""
        return DANCES.get(abc.read(self.source).rhythm, "")


@cache
def compositions() -> tuple[Composition, ...]:
    """Return every composition that may be played, in a fixed order.

    Raises:
        MissingError: music21 is not installed, or without its corpus.
    """
    corpus = package("music21") / "corpus"
    found = [
        *_tunes(RYAN, corpus / "ryansMammoth"),
        *_tunes(ONEILL, corpus / "oneills1850"),
        *_chorales(corpus / "bach"),
    ]
    if not found:
        raise MissingError(
            f"music21's corpus has no scores at {corpus}; install music21 again from "
            "its complete wheel"
        )
    return tuple(found)


def package(name: str) -> Path:
    """Return the folder of an installed package, without importing it.

    Raises:
        MissingError: It is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MissingError(
            f"the default data set needs the package {name!r}, which is not installed; "
            "`make setup` or `pip install tagsmith[render]` brings it"
        )
    return Path(spec.submodule_search_locations[0])


def voices(composition: Composition) -> list[list[Event]]:
    """Read a chorale's voices, highest first."""
    from music21 import converter  # noqa: PLC0415 - takes a second; tunes do without

    path = package("music21") / "corpus" / "bach" / composition.source
    score = converter.parse(path, forceSource=True, storePickle=False)
    found = []
    for part in score.parts:
        notes = part.flatten().stripTies().notes
        sung = [
            Event(float(note.offset), float(note.quarterLength), note.pitches[-1].midi)
            for note in notes
            if note.quarterLength > 0  # grace notes have no length
        ]
        found += [sung] if sung else []
    return sorted(found, key=_height, reverse=True)


def _height(voice: list[Event]) -> float:
    return sum(event.pitch for event in voice) / len(voice)


def _tunes(collection: str, folder: Path) -> Iterator[Composition]:
    for path in sorted(folder.glob("*.abc")):
        for block in abc.blocks(path.read_text("utf-8", errors="replace")):
            tune = abc.read(block)
            if sum(len(bar) for bar in tune.bars) < SHORTEST_NOTES:
                continue
            yield Composition(
                collection=collection,
                # Every file of Ryan's has one tune, and most say that it is number 1.
                number=path.stem if collection == RYAN else tune.number,
                title=tune.title,
                kind="tune",
                source=block,
                sha256=hashlib.sha256(block.encode()).hexdigest(),
            )


def _chorales(folder: Path) -> Iterator[Composition]:
    for path in sorted(folder.glob("*.mxl")):
        # Those with more parts double the voices or add obbligato instruments.
        if _parts(path) == VOICES:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield Composition(BACH, path.stem, path.stem, "chorale", path.name, digest)


def _parts(path: Path) -> int:
    """Count the parts of a compressed MusicXML file, without parsing it."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("META-INF")]
        return sum(archive.read(name).count(b"<score-part ") for name in names)
