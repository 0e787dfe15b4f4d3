"""Knowledge of several sources: what they say, deny, and were never asked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.core.genres import label_space
from tagsmith.errors import DataError
from tagsmith.training.batches import Sequences
from tagsmith.training.knowledge import knowledge
from tests.fakes.experiments import tiny_params

VOCABULARIES = {
    "allmusic": ["Pop/Rock", "Jazz", "Pop/Rock---Punk"],
    "discogs": ["Jazz", "Poprock"],
    "lastfm": ["jazz", "soul"],
}
LABELS = ("jazz", "poprock", "poprock---punk", "soul")
SAID = [
    ("allmusic", "t1", "Pop/Rock"),
    ("allmusic", "t1", "Pop/Rock---Punk"),
    ("allmusic", "t2", "Jazz"),
    ("discogs", "t2", "Poprock"),
    ("lastfm", "t3", "soul"),
    ("lastfm", "t4", "jazz"),  # no training track
]
TRACKS = ["t3", "t1", "t2"]


def table(rows=SAID):
    return pd.DataFrame(rows, columns=["source", "track_id", "label"]).astype(str)


def known(rows=SAID, vocabularies=VOCABULARIES, tracks=TRACKS, unknown="masked"):
    return knowledge(table(rows), label_space(vocabularies), tracks, unknown=unknown)


def test_what_is_said_is_1_what_a_source_could_say_0_and_the_rest_unknown():
    assert label_space(VOCABULARIES).labels == LABELS
    rows = known().rows(np.arange(3))
    assert rows.tolist() == [
        [0, -1, -1, 1],  # lastfm
        [0, 1, 1, -1],  # allmusic
        [1, 1, 0, -1],  # allmusic and discogs: what either says
    ]
    assert rows.dtype == np.float32


def test_what_is_unknown_can_be_taken_for_denied_as_published():
    rows = known(unknown="negative").rows(np.array([2, 0]))
    assert rows.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1]]


def test_one_source_knows_all_of_its_tracks_in_its_own_spelling():
    rows = known(SAID, {"allmusic": VOCABULARIES["allmusic"]}, ["t1", "t2"])
    assert rows.rows(np.arange(2)).tolist() == [[0, 1, 1], [1, 0, 0]]


def made_up(seed):
    """Return knowledge of 30 tracks by three sources of letters, and the table."""
    rng = np.random.default_rng(seed)
    vocabularies = {
        name: list(letters)
        for name, letters in {"x": "abcd", "y": "cdef", "z": "fgh"}.items()
    }
    rows = [
        (source, f"t{track:02d}", rng.choice(vocabularies[source]))
        for track in range(30)
        for source in rng.choice(list("xyz"), rng.integers(1, 4), replace=False)
        for _ in range(rng.integers(1, 4))
    ]
    return rows, vocabularies, [f"t{track:02d}" for track in rng.permutation(30)]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["masked", "negative"]))
def test_rows_are_what_loops_over_sources_find(seed, unknown):
    rows, vocabularies, tracks = made_up(seed)
    found = known(rows, vocabularies, tracks, unknown).rows(np.arange(30))
    for track, row in zip(tracks, found, strict=True):
        sources = {source for source, of, _ in rows if of == track}
        said = {label for _, of, label in rows if of == track}
        asked = {label for source in sources for label in vocabularies[source]}
        nothing = -1 if unknown == "masked" else 0
        expected = [
            1 if x in said else 0 if x in asked else nothing for x in "abcdefgh"
        ]
        assert row.tolist() == expected


@given(st.integers(0, 2**32 - 1), st.sampled_from(["masked", "negative"]))
def test_the_frequency_of_a_label_is_that_among_tracks_that_it_is_known_of(
    seed, unknown
):
    made = known(*made_up(seed), unknown)
    rows = made.rows(np.arange(30))
    counts = np.maximum((rows >= 0).sum(axis=0), 1)
    np.testing.assert_allclose(made.frequency, (rows == 1).sum(axis=0) / counts)


def test_a_label_that_the_network_does_not_have_is_refused():
    rows = [*SAID, ("discogs", "t1", "Polka")]
    with pytest.raises(DataError, match=r"discogs says 1 labels .* such as 'Polka'"):
        known(rows)


def test_a_track_that_no_source_knows_is_refused():
    with pytest.raises(DataError, match="nothing of 1 of 4 tracks, the first is 't9'"):
        known(tracks=[*TRACKS, "t9"])


@pytest.fixture
def lessons():
    """Three tracks, whose every value is their row; two at once."""
    tracks = [np.full((40, 9), row, np.float16) for row in range(3)]
    training = tiny_params().models["melband_fcn"].training
    training = training.model_copy(update={"batch_size": 2})
    return Sequences(tracks, known(), training, seed=7)


def test_whole_tracks_come_with_what_is_known_of_them_and_none_is_dropped(lessons):
    batches = list(lessons.epoch(3))
    assert [heard.shape for heard, _ in batches] == [(2, 40, 9), (1, 40, 9)]
    for heard, targets in batches:
        rows = heard[:, 0, 0].astype(int)
        np.testing.assert_array_equal(targets, lessons.truth.rows(rows))


def taught(lessons, folder, unknown):
    """Teach a new network what several sources know; return it and its history."""
    from tagsmith.models import Tagger, build
    from tagsmith.tracking.recording import MemoryRecorder
    from tagsmith.training.checkpoint import Checkpoint
    from tagsmith.training.learner import Validation
    from tagsmith.training.teach import teach

    params, space = tiny_params(), label_space(VOCABULARIES)
    config, feature = params.models["melband_fcn"], params.features["melbands"]
    network = build(config, feature, tags=len(LABELS))
    own = space.own("allmusic")
    tagger = Tagger("fcn", config, feature, own, network, space, "allmusic")
    history = teach(
        tagger,
        lessons.tracks,
        np.ones((2, 3), bool),  # the target's, of fewer tracks
        validation=Validation(lessons.tracks[:2], np.array([[1, 0, 0], [0, 1, 0]]) > 0),
        checkpoint=Checkpoint(folder / "training.npz"),
        recorder=MemoryRecorder(),
        seed=7,
        knowledge=known(unknown=unknown),
    )
    return network, history


@pytest.mark.keras
def test_a_network_is_taught_the_labels_of_all_sources(lessons, tmp_path):
    _, history = taught(lessons, tmp_path, "masked")
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert all(np.isfinite(list(row.values())).all() for row in history)


@pytest.mark.keras
@pytest.mark.parametrize(
    ("unknown", "expected"), [("masked", [-0.69, 7.0, 0.0, 7.0]), ("negative", [0] * 4)]
)
def test_where_labels_are_masked_it_begins_by_expecting_each_as_it_is_known(
    lessons, tmp_path, monkeypatch, unknown, expected
):
    monkeypatch.setattr("tagsmith.training.teach.fit", lambda *_: [])
    network, _ = taught(lessons, tmp_path, unknown)
    beta = np.asarray(network.get_layer("tags_norm").beta).clip(-7, 7)
    np.testing.assert_allclose(beta, expected, atol=0.01)
