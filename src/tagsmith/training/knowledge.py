"""Knowledge: what several sources say of tracks, and what they say nothing about.

Each source has labels of its own. One that knows a track and has a label, but does not
say it, denies it. A label that no source of a track has is *unknown* there: nobody was
asked. Nothing here is as large as tracks times labels, which may be billions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from tagsmith.core.genres import LabelSpace
from tagsmith.errors import DataError

UNKNOWN = -1  # as a target; 1 is said, 0 denied

Targets = NDArray[np.float32]


@dataclass(frozen=True)
class Knowledge:
    """What sources say of tracks.

    Attributes:
        said: `(tracks, labels)`, sparse: 1 where any source says a label of a track.
        knows: `(tracks, sources)`: whether a source says anything of a track.
        has: `(sources, labels)`: whether a label is one of a source's.
        unknown: Whether labels that no source of a track has are `masked`, or
            `negative`: taken for denied.
    """

    said: sparse.csr_array
    knows: NDArray[np.bool_]
    has: NDArray[np.bool_]
    unknown: Literal["masked", "negative"]

    def __len__(self) -> int:
        """Count the tracks."""
        return len(self.knows)

    def rows(self, chosen: NDArray[np.integer]) -> Targets:
        """Return the targets of some tracks.

        Args:
            chosen: `(batch,)`, rows of tracks.

        Returns:
            `(batch, labels)`: 1 is said, 0 denied and -1 unknown.
        """
        targets: Targets = self.said[chosen].toarray().astype(np.float32)
        if self.unknown == "masked":
            targets[~_known(self.knows[chosen], self.has)] = UNKNOWN
        return targets

    @cached_property
    def frequency(self) -> NDArray[np.float64]:
        """How many of the tracks of which a label is known have it, `(labels,)`.

        Few ways to be known occur, however many tracks: each is looked at once.
        """
        said = np.asarray(self.said.sum(axis=0), np.float64)
        if self.unknown == "negative":
            return said / len(self)
        ways, tracks = np.unique(self.knows, axis=0, return_counts=True)
        known = tracks @ _known(ways, self.has)
        return np.divide(said, known, out=np.zeros_like(said), where=known > 0)


def knowledge(
    genres: pd.DataFrame,
    space: LabelSpace,
    track_ids: Sequence[str],
    *,
    unknown: Literal["masked", "negative"],
) -> Knowledge:
    """Collect what the sources of a space of labels say of tracks.

    Args:
        genres: `source`, `track_id`, `label` in the source's own spelling, of any
            sources and tracks; others than those asked for are passed over.
        space: The labels that are learnt, and whose they are.
        track_ids: The tracks, in the order of the rows to come; no two are the same.
        unknown: What becomes of labels that no source of a track has.

    Raises:
        DataError: A source says a label of a track that the space does not have of
            it, or none of the sources says anything of a track.
    """
    sources = sorted(space.spellings)
    place = pd.Index(track_ids, dtype=str).get_indexer(pd.Index(genres["track_id"]))
    asked = (place >= 0) & genres["source"].isin(sources).to_numpy()
    said, track = genres[asked], place[asked]
    source = pd.Index(sources, dtype=str).get_indexer(pd.Index(said["source"]))
    knows = np.zeros((len(track_ids), len(sources)), np.bool_)
    knows[track, source] = True
    _check(knows, track_ids, sources)
    has = np.zeros((len(sources), len(space.labels)), np.bool_)
    label = np.empty(len(said), np.intp)
    for number, name in enumerate(sources):
        has[number, space.columns(name)] = True
        label[source == number] = _columns(said["label"][source == number], space, name)
    matrix = sparse.coo_array(
        (np.ones(len(said), np.bool_), (track, label)),
        shape=(len(track_ids), len(space.labels)),
    )
    return Knowledge(matrix.tocsr(), knows, has, unknown)


def _known(knows: NDArray[np.bool_], has: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which labels `(tracks, labels)` any source has that knows the track."""
    return knows.astype(np.float32) @ has.astype(np.float32) > 0


def _columns(
    labels: "pd.Series[str]", space: LabelSpace, source: str
) -> NDArray[np.intp]:
    """Return where a source's own labels are among those of the space."""
    own = space.own(source)
    found = pd.Index(own, dtype=str).get_indexer(pd.Index(labels))
    if (found < 0).any():
        strange = sorted(set(labels[found < 0]))
        raise DataError(
            f"{source} says {len(strange)} labels of training tracks that are not "
            f"learnt, such as {strange[0]!r}; the network has {len(own)} labels of "
            f"{source}: make its space of all that are said of training tracks"
        )
    return space.columns(source)[found]


def _check(
    knows: NDArray[np.bool_], track_ids: Sequence[str], sources: Sequence[str]
) -> None:
    """Refuse tracks that nobody knows anything of: there is nothing to learn."""
    strangers = np.flatnonzero(~knows.any(axis=1))
    if strangers.size:
        raise DataError(
            f"every training track needs a source that knows it, but {sources} say "
            f"nothing of {strangers.size} of {len(track_ids)} tracks, the first is "
            f"{track_ids[strangers[0]]!r}; leave these tracks out"
        )
