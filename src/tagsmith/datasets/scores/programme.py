"""What every clip will be, decided before a note is played.

Tags follow from these decisions, so they are exact and cost nothing to know. The
clips of a seed are an endless sequence of which a data set is the beginning: asking for
more leaves the first ones, and the splits of their tunes, as they were. Instruments are
dealt within each split from shuffled decks, so that all of them occur in all splits,
and never look at the tune.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from tagsmith.config import SPLITS, ScoresDataset, SplitName, SplitShares
from tagsmith.datasets.scores.compositions import Composition, compositions
from tagsmith.datasets.scores.draw import Rng, chance, deck, log_between, pick
from tagsmith.datasets.scores.instruments import BASS, DRUMS, INSTRUMENTS

CLIPS_PER_TUNE = 2
# The kinds of six compositions in a row, so that any number of clips has both.
KINDS = ("tune", "tune", "chorale", "tune", "tune", "tune")
# Notes of the melody a second. The gaps are there so that two listeners would agree.
NOTES_PER_SECOND = {"slow": (0.5, 1.3), "moderate": (2.2, 4.0), "fast": (5.2, 8.0)}
PLAYERS = {1: 0.55, 2: 0.3, 3: 0.15}
DRUMS_SHARE = 0.35  # of clips of several players
STUDY_SHARE = 0.5  # of slow solos
TEMPI = {
    "alone": {"slow": 0.45, "moderate": 0.2, "fast": 0.35},
    "together": {"slow": 0.3, "moderate": 0.2, "fast": 0.5},
    "drums": {"moderate": 0.4, "fast": 0.6},
    "chorale": {"slow": 0.5, "moderate": 0.5},
}


@dataclass(frozen=True)
class Clip:
    """What is decided about a clip.

    Attributes:
        number: Its place in the sequence of clips.
        composition: What is played.
        split: The split of all clips of that composition.
        lineup: Who plays: first the melody, the bass late, drums last.
        tempo: slow, moderate or fast.
        notes_per_second: How often a note of the melody starts, on average.
        study: Whether the melody roams over the instrument's whole range.
    """

    number: int
    composition: Composition
    split: SplitName
    lineup: tuple[str, ...]
    tempo: str
    notes_per_second: float
    study: bool

    @property
    def tags(self) -> list[str]:
        """What a listener would say, in alphabetical order.

        Which dance a tune is, its book says; of many it says nothing.
        """
        said = {*self.lineup, self.tempo, self.composition.dance} - {"moderate", ""}
        if len(self.lineup) == 1 and not INSTRUMENTS[self.lineup[0]].ensemble:
            said.add("solo")
        if self.composition.kind == "chorale":
            said.add("chorale")
        return sorted(said)


def plan(config: ScoresDataset, *, seed: int) -> list[Clip]:
    """Return the clips of a data set."""
    return list(islice(_clips(config.shares, seed), config.clips))


def _clips(shares: SplitShares, seed: int) -> Iterator[Clip]:
    bands = {split: _Band(seed, split) for split in SPLITS}
    for number, (composition, split) in enumerate(_each_twice(shares, seed)):
        rng = np.random.default_rng([seed, number, 0])
        chorale = composition.kind == "chorale"
        lineup = bands[split].lineup(rng, chorale=chorale)
        tempo = pick(TEMPI["chorale" if chorale else _company(lineup)], rng)
        study = tempo == "slow" and len(lineup) == 1 and not chorale
        yield Clip(
            number=number,
            composition=composition,
            split=split,
            lineup=lineup,
            tempo=tempo,
            notes_per_second=log_between(*NOTES_PER_SECOND[tempo], rng),
            study=study and chance(STUDY_SHARE, rng),
        )


def _company(lineup: Sequence[str]) -> str:
    if DRUMS in lineup:
        return "drums"
    return "alone" if len(lineup) == 1 else "together"


def _each_twice(
    shares: SplitShares, seed: int
) -> Iterator[tuple[Composition, SplitName]]:
    dealt = {kind: _dealt(shares) for kind in KINDS}
    splits: dict[str, SplitName] = {}
    for composition in _programme(seed):
        if composition.group not in splits:
            splits[composition.group] = next(dealt[composition.kind])
        for _ in range(CLIPS_PER_TUNE):
            yield composition, splits[composition.group]


def _programme(seed: int) -> Iterator[Composition]:
    """Yield compositions by kind, all of a kind before any comes again."""
    by_kind: dict[str, list[Composition]] = {kind: [] for kind in sorted(set(KINDS))}
    for composition in compositions():
        by_kind[composition.kind].append(composition)
    decks = {
        kind: deck(cards, np.random.default_rng([seed, 1, number]))
        for number, (kind, cards) in enumerate(by_kind.items())
    }
    while True:
        for kind in KINDS:
            yield next(decks[kind])


def _dealt(shares: SplitShares) -> Iterator[SplitName]:
    """Yield splits so that their shares are kept after any number of tunes."""
    counts: Counter[SplitName] = Counter()
    while True:
        due: Mapping[SplitName, float] = {
            split: getattr(shares, split) * (counts.total() + 1) - counts[split]
            for split in SPLITS
        }
        split = max(SPLITS, key=lambda name: due[name])
        counts[split] += 1
        yield split


class _Band:
    """The players of one split, who take turns."""

    def __init__(self, seed: int, split: SplitName) -> None:
        streams = np.random.SeedSequence([seed, 2, SPLITS.index(split)]).spawn(2)
        rng, chord_rng = (np.random.default_rng(stream) for stream in streams)
        chordal = [name for name, played in INSTRUMENTS.items() if played.chords]
        self._everybody = deck(list(INSTRUMENTS), rng)
        self._chordal = deck(chordal, chord_rng)

    def lineup(self, rng: Rng, *, chorale: bool) -> tuple[str, ...]:
        """Return who plays next; four voices alone need an instrument of chords."""
        players = pick(PLAYERS, rng)
        if chorale and players == 1:
            return (next(self._chordal),)
        names: list[str] = []
        while len(names) < players:
            name = next(self._everybody)
            names += [name] if name not in names else []
        names.sort(key=BASS.__eq__)
        drums = players > 1 and not chorale and chance(DRUMS_SHARE, rng)
        return (*names, DRUMS) if drums else tuple(names)
