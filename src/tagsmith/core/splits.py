"""Which split a track belongs to.

Tracks are dealt by group (tune, artist, album, recording or file): a group never
straddles two splits, or a model would be tested on what it has learnt by heart. The
rarest tags are dealt first, so that each has tracks in every split where that is
possible at all.

References:
    Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data, ECML
    2011: the rarest tag first, to the split that wants it most. Here, with
    groups that are large, the number of tracks counts too.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import SPLITS, SplitShares
from tagsmith.core.metrics import Truth, Values
from tagsmith.errors import DataError

FEWEST_GROUPS = len(SPLITS)  # a tag in fewer groups cannot be in every split
POOR = 1 / 2  # a split with less of its share of a tag than this gets it first
UNDEALT = -1


def by_group(
    groups: pd.Series, shares: SplitShares, *, seed: int, truth: Truth | None = None
) -> pd.Series:
    """Deal tracks to splits, whole groups at a time.

    Args:
        groups: The group of each track.
        shares: How many of the tracks each split should get.
        seed: Of the order in which groups are dealt.
        truth: `(tracks, tags)` booleans; None if tags do not matter.

    Returns:
        The split of each track, indexed like `groups`. Shares are met to within twice
        the largest group if tags do not matter.

    Raises:
        DataError: A track has no group, or truth covers other tracks.
    """
    if groups.isna().any():
        raise DataError(
            f"every track needs a group, but {int(groups.isna().sum())} of "
            f"{len(groups)} have none: {list(groups.index[groups.isna()][:3])}"
        )
    if truth is not None and len(truth) != len(groups):
        raise DataError(f"truth has {len(truth)} tracks, groups has {len(groups)}")
    codes, names = pd.factorize(groups, sort=True)
    tags = np.zeros((len(groups), 0), np.bool_) if truth is None else truth
    dealer = _Dealer(codes, len(names), tags, shares=shares, seed=seed)
    return pd.Series(np.array(SPLITS)[dealer.deal()[codes]], index=groups.index)


def leaks(values: pd.Series, splits: pd.Series) -> dict[str, tuple[str, ...]]:
    """Find groups, hashes or artists that occur in more than one split.

    Args:
        values: What must not straddle splits, by track; missing or empty ones do not
            count.
        splits: The split of each track, in the same order.

    Returns:
        The splits of each value that straddles, in alphabetical order of both.
    """
    pairs = pd.DataFrame({"value": values.to_numpy(), "split": splits.to_numpy()})
    pairs = pairs[pairs["value"].notna() & (pairs["value"] != "")]
    straddled = pairs.groupby("value")["split"].unique()
    return {
        str(value): tuple(sorted(found))
        for value, found in straddled.items()
        if len(found) > 1
    }


class _Dealer:
    """Deals groups; keeps count of what each split still wants."""

    def __init__(
        self,
        codes: NDArray[np.intp],
        groups: int,
        truth: Truth,
        *,
        shares: SplitShares,
        seed: int,
    ) -> None:
        self.shares = np.array([getattr(shares, split) for split in SPLITS])
        self.open = np.flatnonzero(self.shares > 0)
        self.tracks = np.bincount(codes, minlength=groups)  # (groups,)
        self.tags = np.zeros((groups, truth.shape[1]), np.int32)  # (groups, tags)
        np.add.at(self.tags, codes, truth)
        self.groups = np.count_nonzero(self.tags, axis=0)  # (tags,) that have it
        self.held = np.zeros((len(SPLITS), truth.shape[1]), np.int64)  # of those
        self.all = len(codes)  # tracks
        self.wanted_tracks: Values = self.shares * self.all  # (splits,)
        self.all_of_tag = self.tags.sum(axis=0)  # (tags,) tracks
        self.wanted_tags: Values = np.outer(self.shares, self.all_of_tag)
        self.split = np.full(groups, UNDEALT)
        self.order = np.random.default_rng(seed).permutation(groups)

    def deal(self) -> NDArray[np.intp]:
        """Return the split `(groups,)` of every group, as a place in `SPLITS`."""
        while (tag := self._rarest_tag()) is not None:
            for group in self._undealt(self.tags[:, tag] > 0):
                self._give(group, self._neediest(tag))
        for group in self._undealt(self.tracks > 0):
            self._give(group, self._neediest())
        for tag in range(self.tags.shape[1]):
            self._mend(tag)
        return self.split

    def _undealt(self, among: NDArray[np.bool_]) -> NDArray[np.intp]:
        left: NDArray[np.intp] = self.order[
            (among & (self.split == UNDEALT))[self.order]
        ]
        return left

    def _rarest_tag(self) -> int | None:
        left = self.groups - self.held.sum(axis=0)  # groups of each tag
        if not left.any():
            return None
        return int(np.where(left > 0, left, np.inf).argmin())

    def _neediest(self, tag: int | None = None) -> int:
        """Return the split without the tag, else poor in it, else short of tracks."""
        need = self.wanted_tracks / self.all  # (splits,)
        keys: list[NDArray[Any]] = [need]
        if tag is not None:
            wanted = self.wanted_tags[:, tag] / self.all_of_tag[tag]
            poor = wanted > self.shares * (1 - POOR)
            keys = [need + wanted, poor, ~self._holding(tag)]
        ranked = np.lexsort(keys)  # the last key counts first
        return int(ranked[np.isin(ranked, self.open)][-1])

    def _holding(self, tag: int) -> NDArray[np.bool_]:
        return np.asarray(self.held[:, tag] > 0)

    def _give(self, group: int, split: int) -> None:
        self.split[group] = split
        self.wanted_tracks[split] -= self.tracks[group]
        self.wanted_tags[split] -= self.tags[group]
        self.held[split] += self.tags[group] > 0

    def _mend(self, tag: int) -> None:
        """Move a small group to a split without the tag, if no other tag suffers."""
        holders = np.flatnonzero(self.tags[:, tag] > 0)
        if len(holders) < FEWEST_GROUPS:
            return
        for split in self.open[~self._holding(tag)[self.open]]:
            for group in holders[np.argsort(self.tracks[holders], kind="stable")]:
                if self._dispensable(group):
                    own = self.tags[group] > 0
                    self.held[self.split[group], own] -= 1
                    self.held[split, own] += 1
                    self.split[group] = split
                    break

    def _dispensable(self, group: int) -> bool:
        own = self.tags[group] > 0
        return bool((self.held[self.split[group], own] > 1).all())
