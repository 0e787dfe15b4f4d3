"""What `datasets/acousticbrainz` promises of ground truths, groups and splits."""

import bz2
import json
import shutil
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import SPLITS, AcousticBrainzDataset, Loky, Params
from tagsmith.core import genres, splits
from tagsmith.datasets import acousticbrainz
from tagsmith.datasets.acousticbrainz import documents, parting
from tagsmith.datasets.listing import GENRE_COLUMNS
from tagsmith.errors import DataError, MissingError
from tagsmith.stages import ingest, validate
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import acousticbrainz as fake

ENGINE = Loky(kind="loky", workers=1)
ROWS = fake.rows(128)
GOOD = [row for row in ROWS if not row["fault"]]
OWN = [row for row in GOOD if fake.TARGET in row["sources"]]


def listing(folder, *, seed=0, **changes):
    config = AcousticBrainzDataset(**fake.section(folder, **changes))
    return acousticbrainz.listing(config, folder / "raw", seed=seed, engine=ENGINE)


def split_of(found):
    return found.tracks.set_index("track_id")["split"].to_dict()


def changed(row, **changes):
    return [{**r, **changes} if r is row else r for r in ROWS]


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("acousticbrainz")
    fake.write(folder, ROWS)
    return folder


@pytest.fixture
def tiny(tmp_path, written):
    """A data set that a test may spoil."""
    ignored = shutil.ignore_patterns("raw")
    shutil.copytree(written, tmp_path, dirs_exist_ok=True, ignore=ignored)
    return tmp_path


# --- tracks, tags and genres


def test_a_track_is_a_recording_that_any_source_knows(written):
    tracks = listing(written).tracks.set_index("track_id")
    assert set(tracks.index) == {row["recording"] for row in ROWS}
    found = tracks.loc[ROWS[0]["recording"]].to_dict()
    assert np.isnan(found.pop("declared_seconds"))
    assert found == {
        "path": fake.document_path(ROWS[0]),
        "artist": "Artist 0",
        "album": f"Album {ROWS[0]['release_group'][:8]}",
        "recording": "",
        "group": ROWS[0]["release_group"],
        "licence": "",
        "split": "train",
    }


def test_annotations_are_what_the_target_says_in_its_own_spelling(written):
    for target in fake.SOURCES:
        found = listing(written, target=target).annotations
        said = found.groupby("track_id")["tag"].agg(list).to_dict()
        knowing = [row for row in ROWS if target in row["sources"]]
        assert said == {row["recording"]: fake.labels(row, target) for row in knowing}


def test_genres_are_what_every_source_says(written):
    found = listing(written).genres
    assert tuple(found.columns) == GENRE_COLUMNS
    expected = {
        (source, row["recording"], label)
        for row in ROWS
        for source in row["sources"]
        for label in fake.labels(row, source)
    }
    assert set(found.itertuples(index=False, name=None)) == expected
    assert len(found) == len(expected)


def test_sources_of_the_fake_mean_the_same_by_different_words(written):
    found = listing(written).genres
    normal = found["label"].astype("str").map(genres.normalized)
    by_source = normal.groupby(found["source"].astype("str")).agg(set)
    assert found["label"].nunique() > len(by_source["allmusic"]) == 12
    assert all(labels <= by_source["allmusic"] for labels in by_source)


# --- splits


def test_published_splits_are_those_of_the_files(written):
    expected = {row["recording"]: row["split"] for row in ROWS}
    assert split_of(listing(written)) == expected


def test_halved_splits_part_validation_and_leave_out_the_test(written):
    found = split_of(listing(written, split="halved"))
    before = {r["recording"]: r["split"] for r in ROWS if r["split"] != "test"}
    assert {i for i, s in found.items() if s == "train"} == {
        i for i, s in before.items() if s == "train"
    }
    assert set(found) == set(before)
    counts = pd.Series(found).value_counts()
    assert counts["validation"] == counts["test"] == 16


def test_halved_splits_need_no_truth_of_the_test(tiny):
    for source in fake.SOURCES:
        fake.truth_path(tiny, source, "test").write_text("not read", "utf-8")
    assert set(split_of(listing(tiny, split="halved")).values()) == set(SPLITS)


@pytest.mark.parametrize("split", ["published", "halved", "release_group"])
def test_no_release_group_straddles_splits(written, split):
    tracks = listing(written, split=split).tracks
    assert not splits.leaks(tracks["group"], tracks["split"])


def test_dealt_splits_follow_shares_and_seed(written):
    one, same, other = (
        split_of(listing(written, split="release_group", seed=seed))
        for seed in (1, 1, 2)
    )
    assert one == same != other
    shares = pd.Series(one).value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("split", ["halved", "release_group"])
def test_every_label_of_the_target_is_in_every_dealt_split(written, split):
    found = listing(written, split=split)
    good = found.probes.set_index("path")["problem"] == ""
    tracks = found.tracks[good[found.tracks["path"]].to_numpy()]
    joined = found.annotations.merge(tracks, on="track_id")
    assert (joined.groupby("tag")["split"].nunique() == len(SPLITS)).all()


def test_the_last_of_its_splits_keeps_a_recording(tiny, caplog):
    first = next(r for r in ROWS if r["sources"] == fake.SOURCES)
    held = [{**first, "split": "test", "sources": ("discogs",)}]
    mine = changed(first, sources=("allmusic", "lastfm"))
    fake.write_truths(tiny, [*mine, *held])
    found = listing(tiny)
    assert split_of(found)[first["recording"]] == "test"
    said = found.genres[found.genres["track_id"] == first["recording"]]
    assert set(said["source"]) == {"discogs"}
    assert "1 of 133 recordings" in caplog.text  # the other one of its release group


def test_a_release_group_is_left_out_of_all_splits_but_the_last(tiny, caplog):
    test = next(r for r in GOOD if r["split"] == "test")
    first = ROWS[0]
    fake.write_truths(tiny, changed(test, release_group=first["release_group"]))
    found = split_of(listing(tiny))
    alike = [r for r in ROWS if r["release_group"] == first["release_group"]]
    assert not {r["recording"] for r in alike} & set(found)
    assert found[test["recording"]] == "test"
    assert f"{len(alike)} of 133 recordings" in caplog.text


def test_release_groups_that_share_a_recording_are_one_group(tiny):
    first, other = ROWS[0], next(r for r in GOOD[1:] if r["split"] == "train")
    mine = changed(first, sources=("allmusic",))
    theirs = {**first, "sources": ("lastfm",), "release_group": other["release_group"]}
    fake.write_truths(tiny, [*mine, theirs])
    groups = listing(tiny).tracks.set_index("track_id")["group"]
    assert groups[first["recording"]] == groups[other["recording"]]
    assert groups[first["recording"]] == min(
        first["release_group"], other["release_group"]
    )


def test_what_sounds_the_same_is_left_out_of_the_earlier_split(tiny, caplog):
    train = next(r for r in GOOD if r["split"] == "train")
    test = next(r for r in GOOD if r["split"] == "test")
    place = tiny / fake.DOCUMENTS
    tree = json.loads((place / fake.document_path(test)).read_text("utf-8"))
    text = json.dumps({**tree, "rhythm": {}})
    (place / fake.document_path(train)).write_text(text, "utf-8")
    found = split_of(listing(tiny))
    assert found[test["recording"]] == "test"
    assert train["recording"] not in found
    assert "1 of 133 tracks are left out" in caplog.text


def test_labels_that_nothing_can_learn_are_left_out(tiny, caplog):
    held = next(r for r in OWN if r["split"] == "validation")
    only_held = {**held, "subgenre": ("rock", "polka rock")}
    fake.write_truths(tiny, [only_held if r is held else r for r in ROWS])
    found = listing(tiny)
    mine = found.genres[found.genres["track_id"] == held["recording"]]
    assert set(mine["source"]) == set(held["sources"])
    assert {label.lower() for label in mine["label"]} == {"rock"}
    assert "rock---polka rock" not in set(found.annotations["tag"])
    for source in held["sources"]:
        assert f"1 labels of {source} are left out of 1 recordings" in caplog.text


def test_a_recording_of_which_nothing_can_be_learnt_is_left_out(tiny):
    held = next(r for r in OWN if r["split"] == "validation")
    only_held = {**held, "subgenre": ("polka", "polka mass")}
    fake.write_truths(tiny, [only_held if r is held else r for r in ROWS])
    assert held["recording"] not in split_of(listing(tiny))


def test_a_target_that_no_training_document_is_known_to_is_an_error(tiny):
    mine = [
        {**row, "sources": tuple({*row["sources"]} - {fake.TARGET})}
        if row in GOOD and row["split"] == "train"
        else row
        for row in ROWS
    ]
    fake.write_truths(tiny, mine)
    with pytest.raises(DataError, match="no training recording that allmusic knows"):
        listing(tiny)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 6), st.sampled_from(SPLITS)),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_hangs_together_ends_in_one_split(rows):
    said = pd.DataFrame(rows, columns=["recording", "release_group", "split"])
    for name in ("recording", "release_group"):
        said[name] = pd.Categorical(said[name].map("{:02d}".format))
    said["split"] = pd.Categorical(said["split"], list(SPLITS), ordered=True)
    found = parting.grouped(said)
    assert found["group"].astype("str").tolist() == _flooded(rows)
    kept = parting.held_apart(found)
    assert not splits.leaks(kept["group"].astype("str"), kept["split"])
    assert (kept["split"] == "test").sum() == (said["split"] == "test").sum()


def _flooded(rows):
    """Return each row's smallest release group that it hangs together with."""
    groups = defaultdict(set)
    for recording, release, _ in rows:
        groups[recording].add(release)
    found = []
    for _, release, _ in rows:
        reached, before = {release}, set()
        while reached != before:
            before = set(reached)
            for others in groups.values():
                if others & reached:
                    reached |= others
        found.append(f"{min(reached):02d}")
    return found


# --- documents


def test_bad_and_missing_documents_are_tracks_with_a_problem(written):
    found = listing(written)
    problems = found.tracks.merge(found.probes, on="path").set_index("track_id")
    told = {row["fault"]: problems["problem"][row["recording"]] for row in ROWS}
    assert told.pop("") == ""
    assert told[fake.LACKING] == "lacks lowlevel.melbands.dvar2"
    assert told[fake.MISSING] == f"has no document in {written / fake.DOCUMENTS}"
    assert all(told.values())


def test_raw_holds_the_statistics_of_good_tracks(written):
    found = listing(written)
    ids = [row["recording"] for row in GOOD]
    assert documents.statistics(written / "raw", ids).shape == (128, 40, 9)
    hashes = found.probes.set_index("path")["sha256"]
    assert (hashes[[fake.document_path(r) for r in GOOD]].str.len() == 64).all()


def test_silence_is_told_from_music(tiny):
    quiet = GOOD[0]
    path = tiny / fake.DOCUMENTS / fake.document_path(quiet)
    tree = json.loads(path.read_text("utf-8"))
    for values in tree["lowlevel"]["melbands"].values():
        values[:] = [0.0] * 40
    path.write_text(json.dumps(tree), "utf-8")
    level = listing(tiny).probes.set_index("path")["rms_db"]
    assert level[fake.document_path(quiet)] == -200
    assert level[fake.document_path(GOOD[1])] == pytest.approx(-17, abs=2)


def test_ingest_and_validate_take_good_documents_and_quarantine_the_others(tmp_path):
    overrides = fake.write(tmp_path / "own", ROWS)
    params = Params.load(
        ROOT / "profiles" / "acousticbrainz2018.yaml",
        {**overrides, "validation.most_quarantined": 0.1, "engine.workers": 1},
    )
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(params, store, MemoryRecorder())
    validate.run(params, store, MemoryRecorder())
    bad = store.read_table("quarantine")
    assert set(bad["track_id"]) == {r["recording"] for r in ROWS if r["fault"]}
    assert set(store.read_tracks().index) == {r["recording"] for r in OWN}


# --- what is refused


def test_documents_of_something_else_are_an_error_that_says_where(written, tmp_path):
    other = fake.rows(2, bad=False)
    for number, row in enumerate(other):
        made_up = {**row, "recording": fake.identifier(f"other {number}")}
        fake.write_document(tmp_path, made_up, number)
    with pytest.raises(DataError, match=f"none of the 133 .* lies below {tmp_path}"):
        listing(written, documents=[str(tmp_path)])


def test_a_missing_ground_truth_is_named(tiny):
    path = fake.truth_path(tiny, "discogs", "validation")
    path.unlink()
    with pytest.raises(MissingError, match=path.name):
        listing(tiny)


def test_an_empty_row_of_a_ground_truth_is_named_by_its_line(tiny):
    path = fake.truth_path(tiny, "lastfm", "train")
    text = bz2.decompress(path.read_bytes()).decode()
    path.write_bytes(bz2.compress(f"{text}an id\ta group\n".encode()))
    with pytest.raises(
        DataError, match=rf"{path.name}, line {text.count(chr(10)) + 1}"
    ):
        listing(tiny)


def test_documents_in_raw_are_refused(tiny):
    (tiny / "raw" / "own").mkdir(parents=True)
    with pytest.raises(DataError, match=r"dataset\.documents is .*/raw/own"):
        listing(tiny, documents=[str(tiny / "raw" / "own")])
