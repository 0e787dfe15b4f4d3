"""Groups stay whole, shares are met, rare tags reach every split, leaks are found."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import SPLITS, SplitShares
from tagsmith.core import splits
from tagsmith.errors import DataError

SHARES = SplitShares(train=0.6, validation=0.2, test=0.2)
grouped = st.lists(
    st.integers(0, 12).map("tune{}".format), min_size=1, max_size=80
).map(pd.Series)


@given(grouped, st.integers(0, 9))
def test_no_group_straddles_two_splits(groups, seed):
    dealt = splits.by_group(groups, SHARES, seed=seed)
    assert splits.leaks(groups, dealt) == {}


@given(grouped, st.integers(0, 9))
def test_shares_are_met_to_within_twice_the_largest_group(groups, seed):
    dealt = splits.by_group(groups, SHARES, seed=seed)
    largest = groups.value_counts().max()
    for split in SPLITS:
        wanted = getattr(SHARES, split) * len(groups)
        assert abs((dealt == split).sum() - wanted) <= 2 * largest


@given(grouped, st.integers(0, 9))
def test_the_order_of_tracks_changes_nothing(groups, seed):
    shuffled = groups.sample(frac=1, random_state=seed)
    dealt = splits.by_group(groups, SHARES, seed=seed)
    assert splits.by_group(shuffled, SHARES, seed=seed).sort_index().equals(dealt)


def test_seeds_deal_differently_and_repeatably():
    groups = pd.Series([f"tune{track // 3}" for track in range(120)])
    first, again, other = (splits.by_group(groups, SHARES, seed=s) for s in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_large_groups_do_not_all_train():
    groups = pd.Series(
        np.repeat([f"artist{n}" for n in range(60)], [20] * 6 + [2] * 54)
    )
    held_out = [
        (
            splits.by_group(groups, SHARES, seed=seed)[groups < "artist6"] != "train"
        ).any()
        for seed in range(10)
    ]
    assert sum(held_out) >= 5


@given(st.lists(st.integers(3, 6), min_size=1, max_size=12), st.integers(0, 9))
def test_a_tag_of_three_groups_is_in_every_split(sizes, seed):
    tag_of = np.repeat(np.arange(len(sizes)), sizes)  # each group has one tag
    groups = pd.Series([f"tune{place}" for place in range(len(tag_of))])
    truth = tag_of[:, np.newaxis] == np.arange(len(sizes))
    dealt = splits.by_group(groups, SHARES, seed=seed, truth=truth)
    for split in SPLITS:
        assert truth[dealt == split].any(axis=0).all()


def test_many_tags_at_once_are_in_every_split_and_shares_hold(rng):
    truth = rng.random((900, 30)) < 0.02
    groups = pd.Series([f"tune{track // 6}" for track in range(900)])
    dealt = splits.by_group(groups, SHARES, seed=0, truth=truth)
    assert all(truth[dealt == split].any(axis=0).all() for split in SPLITS)
    shares = dealt.value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx(dict(SHARES), abs=0.05)


def test_mending_takes_a_group_that_its_split_can_spare():
    truth = np.array([[1, 0], [1, 1], [1, 1], [0, 1]], bool)
    groups = pd.Series(list("abcd"))
    for seed in range(20):
        dealt = splits.by_group(groups, SHARES, seed=seed, truth=truth)
        assert all(truth[dealt == split].any(axis=0).all() for split in SPLITS)


def test_a_split_without_a_share_gets_nothing(rng):
    shares = SplitShares(train=0.5, validation=0.5, test=0)
    groups = pd.Series([f"tune{track}" for track in range(50)])
    truth = rng.random((50, 3)) < 0.3
    dealt = splits.by_group(groups, shares, seed=0, truth=truth)
    assert set(dealt) == {"train", "validation"}


def test_real_music_is_dealt_by_artist_with_every_mood_everywhere(fixtures):
    path = fixtures / "jamendo" / "autotagging_moodtheme-train.tsv"
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    truth = pd.Series(["|".join(row[5:]) for row in rows]).str.get_dummies() > 0
    artists = pd.Series([row[1] for row in rows])
    dealt = splits.by_group(artists, SHARES, seed=0, truth=truth.to_numpy())
    assert splits.leaks(artists, dealt) == {}
    for split in SPLITS:
        assert truth[dealt == split].any().all()
        assert abs((dealt == split).mean() - getattr(SHARES, split)) < 0.05


def test_the_result_is_indexed_like_the_tracks():
    groups = pd.Series(["a", "b"], index=["track1", "track2"])
    assert splits.by_group(groups, SHARES, seed=0).index.tolist() == [
        "track1",
        "track2",
    ]


def test_leaks_name_the_splits_that_share_a_value():
    values = pd.Series(["x", "y", "x", "z", "z"])
    dealt = pd.Series(["train", "train", "test", "test", "test"])
    assert splits.leaks(values, dealt) == {"x": ("test", "train")}


def test_missing_values_do_not_leak():
    values = pd.Series(["", "", None, None])
    dealt = pd.Series(["train", "test", "train", "test"])
    assert splits.leaks(values, dealt) == {}


def test_a_track_without_a_group_is_refused():
    groups = pd.Series(["a", None], index=["track1", "track2"])
    with pytest.raises(DataError, match=r"1 of 2 have none: \['track2'\]"):
        splits.by_group(groups, SHARES, seed=0)


def test_truth_of_other_tracks_is_refused():
    with pytest.raises(DataError, match="truth has 3 tracks, groups has 1"):
        splits.by_group(pd.Series(["a"]), SHARES, seed=0, truth=np.ones((3, 2), bool))
