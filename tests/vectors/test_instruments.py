"""What `vectors/instruments.py` promises."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith import openmic
from tagsmith.config import InstrumentVectors
from tagsmith.errors import DataError
from tagsmith.vectors import instruments
from tests.fakes import openmic as fake

SAID = {
    "000002_0": {"piano": 0.9, "voice": 0.2},
    "000002_9000": {"piano": 0.6},
    "000046_3840": {"guitar": 0.51, "piano": 0.5},
    "000135_0": {"banjo": 1.0, "voice": 0.0},
}
TAGS = ("Jazz", "Folk")
PAIRS = (("000002", "Jazz"), ("000046", "Jazz"), ("000046", "Folk"), ("000135", "Folk"))
PIANO, VOICE = map(fake.INSTRUMENTS.index, ("piano", "voice"))


def frame(pairs=PAIRS):
    return pd.DataFrame(list(pairs), columns=["track_id", "tag"])


def table(**splits):
    """Return tracks of all ids; those named, like `t000046="test"`, in that split."""
    ids = sorted({track_id for track_id, _ in PAIRS})
    split = [splits.get(f"t{track_id}", "train") for track_id in ids]
    return pd.DataFrame({"track_id": ids, "split": split})


def vectors(folder, *, said=SAID, config=None, **changes):
    settings = {"values": "counts", "tracks": "all", **(config or {})}
    asked = {"tags": TAGS, "annotations": frame(), "tracks": table(), **changes}
    section = InstrumentVectors(
        kind="instruments", openmic=fake.write(folder, said), **settings
    )
    return instruments.vectors(section, **asked).values  # noqa: PD011 - not pandas'


def reference(said, pairs, tag, *, confidences):
    """Do it as the paper's authors do: an answer at a time."""
    slots = np.zeros(40)
    for key, answers in said.items():
        if (key[:6], tag) not in pairs:
            continue
        for name, sure in answers.items():
            slot = fake.INSTRUMENTS.index(name) + (0 if sure > 0.5 else 20)
            slots[slot] += abs(sure - 0.5) if confidences else 1
    return (slots - slots.mean()) / slots.std()


answers = st.dictionaries(
    st.sampled_from(fake.INSTRUMENTS),
    st.sampled_from([0, 0.2, 0.5, 0.51, 1]),
    min_size=1,
)
clips = st.dictionaries(
    st.sampled_from(["000002_0", "000002_5", "000046_1", "000777_0"]), answers
)


@given(said=clips, values=st.sampled_from(["counts", "confidences"]))
def test_vectors_are_those_of_the_papers_authors(tmp_path_factory, said, values):
    said = {"000135_0": {"banjo": 1.0}, "000002_7": {"voice": 0.0}, **said}
    found = vectors(
        tmp_path_factory.mktemp("openmic"), said=said, config={"values": values}
    )
    for tag, row in zip(TAGS, found, strict=True):
        wanted = reference(said, PAIRS, tag, confidences=values == "confidences")
        np.testing.assert_allclose(row, wanted, atol=1e-5)


@pytest.mark.parametrize("values", ["counts", "confidences"])
def test_a_tags_own_numbers_have_mean_0_and_deviation_1(tmp_path, values):
    found = vectors(tmp_path, config={"values": values})
    assert found.shape == (2, 40) and found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=1), 1, atol=1e-6)


def test_an_answer_counts_or_weighs_as_much_as_it_is_sure(tmp_path):
    read = openmic.read(fake.write(tmp_path, SAID))
    counts = instruments.slots(read, "counts")
    assert counts[0, [PIANO, 20 + VOICE]].tolist() == [1, 1] and counts[0].sum() == 2
    confidences = instruments.slots(read, "confidences")
    np.testing.assert_allclose(confidences[0, [PIANO, 20 + VOICE]], [0.4, 0.3])


def test_half_sure_is_not_heard(tmp_path):
    read = openmic.read(fake.write(tmp_path, SAID))
    assert instruments.slots(read, "counts")[2, [PIANO, 20 + PIANO]].tolist() == [0, 1]
    assert instruments.slots(read, "confidences")[2, [PIANO, 20 + PIANO]].sum() == 0


def test_all_clips_of_a_track_count(tmp_path):
    read = openmic.read(fake.write(tmp_path, SAID))
    slots = instruments.slots(read, "counts")
    sums = instruments.summed(slots, read, frame(), ["Jazz"])
    assert sums.loc["Jazz", PIANO] == 2


def test_a_tag_may_have_one_track(tmp_path):
    pairs = [*PAIRS, ("000135", "Polka")]
    assert vectors(tmp_path, tags=["Polka"], annotations=frame(pairs)).shape == (1, 40)


def test_order_and_other_tags_make_no_difference(tmp_path):
    assert (vectors(tmp_path)[::-1] == vectors(tmp_path, tags=TAGS[::-1])).all()
    assert (vectors(tmp_path)[:1] == vectors(tmp_path, tags=["Jazz"])).all()


def test_an_annotation_that_is_said_twice_counts_once(tmp_path):
    assert (vectors(tmp_path, annotations=frame(PAIRS * 2)) == vectors(tmp_path)).all()


def test_held_out_tracks_count_only_if_all_do(tmp_path):
    tracks = table(t000046="test")
    every, train = (
        vectors(tmp_path, tracks=tracks, config={"tracks": which})
        for which in ("all", "train")
    )
    without = [pair for pair in PAIRS if pair[0] != "000046"]
    assert (every == vectors(tmp_path)).all()
    assert (train == vectors(tmp_path, annotations=frame(without))).all()


def test_tracks_that_are_not_listed_do_not_count(tmp_path):
    tracks = table()[1:]
    without = [pair for pair in PAIRS if pair[0] != "000002"]
    found = vectors(tmp_path, tracks=tracks)
    assert (found == vectors(tmp_path, annotations=frame(without))).all()
    assert (found == vectors(tmp_path, tracks=tracks.set_index("track_id"))).all()


def test_a_tag_without_a_track_in_openmic_is_named(tmp_path):
    pairs = [*PAIRS, ("000999", "Polka")]
    with pytest.raises(DataError, match="none of 'Polka', 'Ska'; leave such tags out"):
        vectors(tmp_path, tags=[*TAGS, "Ska", "Polka"], annotations=frame(pairs))


def test_a_tag_whose_training_tracks_are_not_in_openmic_is_named(tmp_path):
    with pytest.raises(DataError, match="none of 'Folk';"):
        vectors(
            tmp_path,
            tracks=table(t000046="test", t000135="validation"),
            config={"tracks": "train"},
        )


@pytest.mark.parametrize("sure", [{}, dict.fromkeys(fake.INSTRUMENTS, 0.5)])
def test_a_tag_of_which_nothing_is_said_is_named(tmp_path, sure):
    said = {**SAID, "000046_3840": sure, "000135_0": sure}
    with pytest.raises(DataError, match="all is equal for 'Folk'"):
        vectors(tmp_path, said=said, config={"values": "confidences"})


@pytest.mark.parametrize("track_id", ["TRAAAAW128F429D538", "46", "album/track01"])
def test_tracks_of_another_data_set_are_not_taken_for_fmas(tmp_path, track_id):
    tracks = pd.DataFrame({"track_id": [track_id], "split": ["train"]})
    with pytest.raises(DataError, match="six digits"):
        vectors(
            tmp_path,
            tags=["Jazz"],
            annotations=frame([(track_id, "Jazz")]),
            tracks=tracks,
        )


def test_no_track_counts_for_a_tag_that_nobody_gave(tmp_path):
    with pytest.raises(DataError, match="none of 'Folk', 'Jazz'"):
        vectors(tmp_path, annotations=frame([]))
