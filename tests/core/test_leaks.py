"""What held-out tracks share with training is counted; the unknown is never equal."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import SPLITS, SplitShares
from tagsmith.core import leaks, splits
from tagsmith.core.leaks import Leak
from tagsmith.errors import DataError

SHARES = SplitShares(train=0.6, validation=0.2, test=0.2)
names = st.sampled_from(["", None, "  ", "Trio", "the trio", "The  TRIO", "b", "c"])
rows = st.lists(st.tuples(st.sampled_from(SPLITS), names), max_size=30)


def table(*rows, kind="artist"):
    """Return tracks of pairs of split and name; other kinds are unknown."""
    tracks = pd.DataFrame(rows, columns=["split", kind], dtype=object)
    return tracks.assign(**{name: "" for name in leaks.KINDS if name != kind})


def leak(tracks, split="test", kind="artist"):
    """Return one of the leaks that are found."""
    [found] = [x for x in leaks.found(tracks) if (x.split, x.kind) == (split, kind)]
    return found


@given(rows)
def test_a_track_leaks_if_a_training_track_has_its_name(rows):
    plain = [(split, " ".join((name or "").lower().split())) for split, name in rows]
    training = [name for split, name in plain if split == "train"]
    for split in ("validation", "test"):
        mine = [name for own, name in plain if own == split]
        found = leak(table(*rows), split)
        assert found.shared == sum(name in training for name in mine if name)
        assert (found.known, found.unknown) == (
            len(mine) - mine.count(""),
            mine.count(""),
        )


@given(rows)
def test_every_track_of_a_split_is_known_or_unknown(rows):
    tracks = table(*rows)
    for found in leaks.found(tracks):
        assert found.known + found.unknown == (tracks["split"] == found.split).sum()
        assert found.shared <= found.known
        assert found.share is None or found.share * found.known == pytest.approx(
            found.shared
        )


@given(rows, st.randoms())
def test_the_order_of_tracks_changes_nothing(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert leaks.found(table(*shuffled)) == leaks.found(table(*rows))


@given(st.lists(names, max_size=30), st.integers(0, 9))
def test_what_tracks_are_dealt_by_never_leaks(artists, seed):
    known = pd.Series([leaks.folded(name or "") or "nobody" for name in artists])
    dealt = splits.by_group(known, SHARES, seed=seed)
    found = leaks.found(table(*zip(dealt, known, strict=True)))
    assert not any(each.shared for each in found)


def test_each_kind_is_counted_by_itself():
    tracks = pd.DataFrame(
        [
            ("train", "suite", "One", "Trio"),
            ("train", "song", "Two", "Duo"),
            ("validation", "dance", "one", "Trio"),
            ("test", "Suite", "One", "Trio"),
            ("test", "air", "One", "Trio"),
            ("test", "", "", "Duo"),
        ],
        columns=["split", *leaks.KINDS],
    )
    counted = [(x.split, x.kind, x.shared, x.known) for x in leaks.found(tracks)]
    assert counted == [
        *(("validation", "recording", 0, 1), ("test", "recording", 1, 2)),
        *(("validation", "album", 1, 1), ("test", "album", 2, 2)),
        *(("validation", "artist", 1, 1), ("test", "artist", 3, 3)),
    ]


def test_a_share_is_of_the_tracks_that_say_theirs():
    found = leak(
        table(("train", "a"), ("train", ""), ("test", "a"), ("test", "b"), ("test", ""))
    )
    assert found == Leak(
        split="test",
        kind="artist",
        known=2,
        unknown=1,
        unknown_in_training=1,
        shared=1,
        share=0.5,
    )


@pytest.mark.parametrize("nothing", ["", " ", None, float("nan")])
def test_tracks_of_which_nobody_says_anything_share_nothing(nothing):
    found = leak(table(("train", nothing), ("test", nothing)))
    assert (found.shared, found.known, found.share) == (0, 0, None)


@pytest.mark.parametrize(
    "rows",
    [
        [("train", "a"), ("test", "")],
        [("train", ""), ("test", "a")],
        [("train", "a")],
        [("test", "a")],
        [],
    ],
)
def test_a_share_is_unknown_where_a_side_says_nothing(rows):
    assert leak(table(*rows)).share is None


def test_what_only_held_out_splits_share_is_no_leak():
    tracks = table(("train", "a"), ("validation", "b"), ("test", "b"))
    assert not any(found.shared for found in leaks.found(tracks))


def test_tracks_of_an_unknown_split_do_not_count():
    tracks = table(("train", "a"), ("dev", "a"), (None, "a"), ("test", "a"))
    assert leak(tracks) == leak(table(("train", "a"), ("test", "a")))


def test_a_table_of_an_earlier_version_is_refused_with_the_way_out():
    tracks = table(("train", "a")).drop(columns="recording")
    with pytest.raises(DataError, match=r"no column recording.*dvc repro -f ingest"):
        leaks.found(tracks)


def test_a_report_keeps_leaks_by_split_and_kind():
    found = leaks.found(table(("train", "a"), ("test", "a")))
    tree = leaks.tree(found)
    assert {split: tuple(kinds) for split, kinds in tree.items()} == {
        "validation": leaks.KINDS,
        "test": leaks.KINDS,
    }
    rebuilt = [
        Leak(split=split, kind=kind, **fields)
        for split, kinds in tree.items()
        for kind, fields in kinds.items()
    ]
    assert sorted(map(str, rebuilt)) == sorted(map(str, found))
