"""How much of the held-out splits training has heard a part of.

A test track is easier than new music if training has a track of the same recording, of
the same album or by the same artist: a model knows the players, the room and the
mastering by then. Who says nothing is unknown, and never equal to anybody.

References:
    Flexer and Schnitzer, Effects of Album and Artist Filters in Audio Similarity
    Computed for Very Large Music Databases, Computer Music Journal 34 (3), 2010.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from tagsmith.config import HELD_OUT, SPLITS
from tagsmith.core import splits
from tagsmith.errors import DataError

KINDS = ("recording", "album", "artist")  # the closest first
TRAIN = "train"


@dataclass(frozen=True)
class Leak:
    """What the tracks of a split have in common with training tracks.

    Attributes:
        split: validation or test.
        kind: What is in common: the recording, the album or the artist.
        known: Tracks of the split that say theirs.
        unknown: Tracks of the split that do not.
        unknown_in_training: Training tracks that do not.
        shared: Of those known, the tracks that share it with a training track.
        share: `shared` as a share of `known`; at least so many, if some are unknown.
            None if there is nothing to compare: all of one side are unknown.
    """

    split: str
    kind: str
    known: int
    unknown: int
    unknown_in_training: int
    shared: int
    share: float | None


def found(tracks: pd.DataFrame) -> list[Leak]:
    """Count the held-out tracks that share something with a training track.

    Names are compared as `folded`. Equal names count as one, so an album called Live
    leaks into any other of that name: a data set that knows better gives each its own.

    Args:
        tracks: A row per track with `split` and the columns `KINDS`, which may be empty
            or missing; tracks of no known split do not count.

    Returns:
        One of each kind and held-out split, the closest kind first.

    Raises:
        DataError: There is no such column.
    """
    lacking = [name for name in KINDS if name not in tracks]
    if lacking:
        raise DataError(
            f"the table of tracks has no column {', '.join(lacking)}, only "
            f"{', '.join(map(str, tracks))}; an earlier version of tagsmith wrote it: "
            "run `dvc repro -f ingest`"
        )
    dealt = tracks[tracks["split"].isin(SPLITS)]
    return [leak for kind in KINDS for leak in _of_kind(kind, dealt)]


def tree(leaks: Iterable[Leak]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the other attributes of leaks by split and kind, as reports keep them."""
    grown: dict[str, dict[str, dict[str, Any]]] = {}
    for leak in leaks:
        fields = asdict(leak)
        grown.setdefault(fields.pop("split"), {})[fields.pop("kind")] = fields
    return grown


def folded(name: str) -> str:
    """Return a name without what makes no difference: capitals and spaces.

    >>> folded("  The  TRIO")
    'the trio'
    """
    return " ".join(name.casefold().split())


def _of_kind(kind: str, tracks: pd.DataFrame) -> Iterator[Leak]:
    names = pd.Series(
        [folded(str(name)) if pd.notna(name) else "" for name in tracks[kind]],
        index=tracks.index,
        dtype="str",
    )
    straddling = splits.leaks(names, tracks["split"])
    heard = {name for name, places in straddling.items() if TRAIN in places}
    training = names[tracks["split"] == TRAIN]
    silent = int((training == "").sum())
    for split in HELD_OUT:
        mine = names[tracks["split"] == split]
        known = int((mine != "").sum())
        shared = int(mine.isin(heard).sum())
        comparable = known > 0 and silent < len(training)
        yield Leak(
            split=split,
            kind=kind,
            known=known,
            unknown=len(mine) - known,
            unknown_in_training=silent,
            shared=shared,
            share=shared / known if comparable else None,
        )
