"""Pairs: of every clip a tag that its track has, and tags that it has not.

Targets are `(batch, tags)`: 1 for the one, -1 for the others, 0 for tags that have no
say. Tags are drawn from a generator of their own, so that clips are those of `Clips`.

References:
    Choi, Lee, Park and Nam, "Zero-shot learning for audio-based music classification
    and tagging", ISMIR 2019: one of each, all tags alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import ClipTraining, Hinge
from tagsmith.errors import DataError
from tagsmith.training.batches import Batch, Clips

PAIRS = 2  # behind seed and number: this chance is not that of clips or draws

Targets = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """The training split as an endless source of clips and pairs of tags.

    Attributes:
        clips: Those of tracks that have some of the tags, and not all.
        loss: How many tags of each kind.

    Raises:
        DataError: A track has none of the tags, or all of them; or there is no track.
    """

    clips: Clips
    loss: Hinge

    def __post_init__(self) -> None:
        truth = self.clips.truth
        if not len(truth):
            raise DataError(
                "a pair needs a tag that the track has and one that it has not, but no "
                f"track has some of the {truth.shape[1]} tags and not all; use a data "
                "set with more tags"
            )
        useless = np.flatnonzero(~learnable(truth))
        if useless.size:
            raise DataError(
                f"a pair needs a tag that the track has and one that it has not, but "
                f"{useless.size} of {len(truth)} tracks have none of the "
                f"{truth.shape[1]} tags or all of them, the first in row {useless[0]}; "
                "leave these tracks out"
            )

    @property
    def truth(self) -> NDArray[np.bool_]:
        """`(tracks, tags)`."""
        return self.clips.truth

    @property
    def training(self) -> ClipTraining:
        """Batch size, crops, phases."""
        return self.clips.training

    @property
    def per_epoch(self) -> int:
        """Clips in an epoch."""
        return self.clips.per_epoch

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: clips, and targets."""
        rng = np.random.default_rng([self.clips.seed, epoch, PAIRS])
        for heard, truth in self.clips.epoch(epoch):
            yield heard, drawn(truth > 0, self.loss, rng)


def learnable(truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which tracks `(tracks,)` have some of the tags, and not all.

    Args:
        truth: `(tracks, tags)`.
    """
    return np.asarray(truth.any(axis=1) & ~truth.all(axis=1))


def drawn(truth: NDArray[np.bool_], loss: Hinge, rng: np.random.Generator) -> Targets:
    """Draw a tag that each clip has, and those that it has not.

    Args:
        truth: `(batch, tags)`, no row all or none.
        loss: How many of the latter; all where the network chooses among them.
        rng: Where chance comes from.

    Returns:
        `(batch, tags)`: 1, -1 or 0. There may be fewer -1 than asked for: no more than
        tags that the track has not.
    """
    everything = loss.negatives == "all" or loss.mining == "semi_hard"
    count = truth.shape[1] if everything else int(loss.negatives)
    lot = rng.random(truth.shape)
    chosen = np.where(truth, lot, -1).argmax(axis=1)  # of tags that a track has
    place = np.where(truth, np.inf, lot).argsort(axis=1).argsort(axis=1)
    targets = -((place < count) & ~truth).astype(np.float32)
    targets[np.arange(len(truth)), chosen] = 1
    return targets
