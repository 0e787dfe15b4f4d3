"""No group is learnt and tested, nothing is lost, and sizes are those of the paper."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagsmith.core import zeroshot
from tagsmith.errors import DataError

TAGS = ["banjo", "cello", "drums", "fast", "jig"]
SEEN = TAGS[:3]
SIZES = {"a": 11606, "b": 6935, "c": 925}  # of FMA, as the paper states them
seeds = st.integers(0, 9) | st.lists(st.integers(0, 9), min_size=1, max_size=3)
names = st.lists(st.text(max_size=3), min_size=2, max_size=40, unique=True)
truths = hnp.arrays(np.bool_, st.tuples(st.integers(1, 40), st.just(5)))


def music(draw, groups):
    """Eighty tracks of a few groups, each group in one split, and what they have."""
    rng = np.random.default_rng(draw)
    index = pd.Index([f"track{place:02}" for place in range(80)], name="track_id")
    group = rng.integers(groups, size=len(index))
    split = np.array(["train", "train", "validation", "test"])[group % 4]
    tracks = pd.DataFrame({"split": split, "group": group.astype(str)}, index)
    has = rng.random((len(index), len(TAGS))) < rng.uniform(0.2, 0.6, len(TAGS))
    return tracks, pd.DataFrame(has, index, TAGS)


data_sets = st.builds(music, st.integers(0, 9999), st.integers(10, 60))


def of_parts(a, b, c):
    """Tracks with one of two seen tags, an unseen one, or both; each a group."""
    seen = np.repeat([[1, 0], [1, 0], [0, 0]], (a, b, c), axis=0)
    unseen = np.repeat([0, 1, 1], (a, b, c))
    truth = pd.DataFrame(np.column_stack([seen, unseen]) > 0, columns=["x", "y", "z"])
    tracks = pd.DataFrame({"split": "train", "group": truth.index.astype(str)})
    return tracks, truth


def split(tracks, truth, seen=SEEN, **choices):
    usual = {"learn_from": "ab", "validation_share": 0.1, "protocol": "strict"}
    return zeroshot.split_tracks(tracks, truth, seen, **usual | {"seed": 0} | choices)


def split_or_skip(data_set, **choices):
    try:
        return split(*data_set, **choices)
    except DataError:
        assume(False)  # noqa: FBT003 - nothing is left to learn or to test


# --- tags


@given(names, st.floats(0.05, 0.95), seeds)
def test_every_tag_is_on_one_side_and_the_share_is_met(tags, share, seed):
    seen = int(share * len(tags))
    assume(0 < seen < len(tags))
    table = zeroshot.split_tags(tags, seen_share=share, seed=seed)
    assert table["tag"].tolist() == sorted(tags)
    assert (table["side"] == "seen").sum() == seen
    assert (table["side"] == "unseen").sum() == len(tags) - seen


@given(names, seeds)
def test_the_order_of_tags_changes_nothing(tags, seed):
    table = zeroshot.split_tags(tags, seen_share=0.5, seed=seed)
    assert zeroshot.split_tags(tags[::-1], seen_share=0.5, seed=seed).equals(table)


@pytest.mark.parametrize(("tags", "seen"), [(157, 125), (1126, 900)])
def test_as_many_tags_are_seen_as_in_the_paper(tags, seen):
    words = [f"tag{place}" for place in range(tags)]
    table = zeroshot.split_tags(words, seen_share=0.8, seed=[1883, 0])
    assert (table["side"] == "seen").sum() == seen


def test_seeds_draw_other_tags():
    sides = [
        tuple(zeroshot.split_tags(TAGS, seen_share=0.6, seed=[1883, draw])["side"])
        for draw in range(20)
    ]
    assert len(set(sides)) > 5


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_a_side_without_tags_is_refused(share):
    with pytest.raises(DataError, match=r"of 5 tags makes . seen and . unseen ones"):
        zeroshot.split_tags(TAGS, seen_share=share, seed=0)


def test_a_tag_named_twice_is_refused():
    with pytest.raises(DataError, match="3 tags must differ, but only 2 do"):
        zeroshot.split_tags(["a", "b", "a"], seen_share=0.5, seed=0)


# --- parts


@given(truths, hnp.arrays(np.bool_, 5))
def test_every_track_is_in_the_one_part_that_its_tags_say(truth, seen):
    for part, has in zip(zeroshot.parts(truth, seen), truth, strict=True):
        sides = {bool(side) for side in seen[has]}
        assert part == {(): "", (1,): "a", (0, 1): "b", (0,): "c"}[tuple(sorted(sides))]


def test_seen_tags_of_another_truth_are_refused():
    with pytest.raises(DataError, match=r"it is \(4,\), truth is \(2, 5\)"):
        zeroshot.parts(np.ones((2, 5), bool), np.ones(4, bool))


# --- tracks


@given(data_sets, seeds, st.sampled_from(["a", "b", "ab"]))
def test_no_group_is_both_learnt_and_tested(data_set, seed, learn_from):
    table = split_or_skip(data_set, seed=seed, learn_from=learn_from)
    groups = data_set[0]["group"]
    sides = [
        set(groups[rows])
        for rows in (table["use"] == "train", table["use"] == "validation")
    ]
    assert sides[0].isdisjoint(sides[1])
    assert set(groups[table["tested"]]).isdisjoint(sides[0] | sides[1])


@given(data_sets, seeds, st.sampled_from(["a", "b", "ab"]))
def test_only_wanted_parts_are_learnt_and_nothing_of_the_test_split(
    data_set, seed, learn_from
):
    table = split_or_skip(data_set, seed=seed, learn_from=learn_from)
    learnt = table[table["use"] != ""]
    assert set(learnt["part"]) <= set(learn_from)
    assert not (data_set[0].loc[learnt.index, "split"] == "test").any()


@given(data_sets, seeds)
def test_every_tagged_track_is_learnt_or_tested_or_shares_a_group_with_a_learnt_one(
    data_set, seed
):
    table = split_or_skip(data_set, seed=seed)
    groups = data_set[0]["group"]
    heard = groups.isin(groups[table["use"] != ""])
    assert table.index.equals(groups.index)
    assert (heard | table["tested"] | (table["part"] == "")).all()
    assert not (heard & table["tested"]).any()


@given(data_sets, seeds)
def test_the_share_of_validation_is_met_to_within_half_of_the_largest_group(
    data_set, seed
):
    table = split_or_skip(data_set, seed=seed, validation_share=0.3)
    learnt = table["use"] != ""
    largest = data_set[0].loc[learnt, "group"].value_counts().max()
    held_out = (table["use"] == "validation").sum()
    assert abs(held_out - 0.3 * learnt.sum()) <= largest / 2


@given(data_sets, seeds, st.sampled_from(["strict", "published"]))
def test_the_order_of_tracks_makes_no_difference(data_set, seed, protocol):
    table = split_or_skip(data_set, seed=seed, protocol=protocol)
    turned = [frame.iloc[::-1] for frame in data_set]
    again = split(*turned, seed=seed, protocol=protocol)
    assert again.iloc[::-1].equals(table)


@given(data_sets, st.sampled_from(["strict", "published"]))
def test_a_track_with_every_seen_tag_teaches_nothing(data_set, protocol):
    table = split_or_skip(data_set, protocol=protocol)
    everything = data_set[1][SEEN].all(axis=1)
    assert (table.loc[everything, "use"] == "").all()


@given(data_sets, seeds)
def test_the_published_protocol_tests_on_all_and_learns_from_all_wanted(data_set, seed):
    table = split_or_skip(data_set, seed=seed, protocol="published", learn_from="b")
    assert (table["tested"] == (table["part"] != "")).all()
    lacks_one = ~data_set[1][SEEN].all(axis=1)
    assert ((table["use"] != "") == ((table["part"] == "b") & lacks_one)).all()


@pytest.mark.parametrize("learn_from", ["a", "b", "ab"])
def test_published_parts_are_split_nine_to_one(learn_from):
    table = split(
        *of_parts(**SIZES), seen=["x", "y"], protocol="published", learn_from=learn_from
    )
    assert table["part"].value_counts().to_dict() == SIZES
    learnt = sum(SIZES[part] for part in learn_from)
    uses = table["use"].value_counts()
    assert uses["train"] == pytest.approx(0.9 * learnt, abs=1)
    assert uses["train"] + uses["validation"] == learnt


def test_other_seeds_hold_out_other_tracks():
    data_set = of_parts(50, 50, 20)
    tables = [split(*data_set, seen=["x", "y"], seed=[1, draw]) for draw in (0, 1, 0)]
    assert tables[0].equals(tables[2])
    assert not tables[0].equals(tables[1])


def test_a_large_group_that_comes_first_does_not_take_all_of_validation():
    tracks, truth = of_parts(100, 0, 1)
    tracks.loc[:49, "group"] = "one artist"
    for seed in range(20):
        uses = split(tracks, truth, seen=["x", "y"], seed=seed)["use"]
        assert uses.value_counts().to_dict() == {"train": 90, "validation": 10, "": 1}


# --- what cannot be split


@pytest.mark.parametrize(
    ("sizes", "choices", "evidence"),
    [
        (
            (20, 0, 5),
            {"learn_from": "b"},
            "no training tracks and no validation tracks",
        ),
        ((3, 0, 5), {}, "no validation tracks: of 8 tracks, 3 have seen tags only"),
        ((20, 0, 0), {}, r"no tested tracks .*, 20 .* \(a\), 0 both \(b\), 0 unseen"),
        ((20, 9, 0), {}, "no tested tracks with an unseen tag: of 29 tracks"),
    ],
)
def test_a_split_that_leaves_nothing_is_refused_with_its_counts(
    sizes, choices, evidence
):
    with pytest.raises(DataError, match=rf"{evidence}.*another seed, learn_from"):
        split(*of_parts(*sizes), seen=["x", "y"], **choices)


def test_a_track_without_a_group_is_refused_unless_groups_do_not_matter():
    tracks, truth = of_parts(20, 20, 5)
    tracks.loc[7, "group"] = None
    with pytest.raises(DataError, match=r"1 of 45 have none: \[7\]"):
        split(tracks, truth, seen=["x", "y"])
    split(tracks, truth, seen=["x", "y"], protocol="published")


def test_truth_of_other_tracks_is_refused():
    tracks, truth = of_parts(20, 20, 5)
    with pytest.raises(DataError, match=r"it has 44 of them, .* tracks has 45"):
        split(tracks, truth.iloc[1:], seen=["x", "y"])


def test_a_seen_tag_that_truth_does_not_know_is_refused():
    with pytest.raises(DataError, match=r"it has no \['tuba'\]"):
        split(*of_parts(20, 20, 5), seen=["x", "tuba"])


def test_an_only_unseen_tag_ranks_nothing_and_is_refused():
    truth = pd.DataFrame({"x": [True, True, False], "z": [False, True, True]})
    table = pd.DataFrame({"part": ["a", "b", "c"], "use": "", "tested": True})
    with pytest.raises(DataError, match=r"\['z'\] is on all of them or on none"):
        zeroshot.refuse_sameness(table, truth, ["x"])
