"""What `datasets/fma` promises of tables, genres, splits and audio."""

import logging

import numpy as np
import pytest

from tagsmith.config import SPLITS, FmaDataset, Params
from tagsmith.datasets import files, fma
from tagsmith.datasets.fma import genres
from tagsmith.errors import DataError, MissingError
from tagsmith.stages import ingest, validate
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import fma as fake

SHORT = fake.rows(seconds=0.2)
FIRST, TEST = SHORT[0], SHORT[15]  # one to learn from, one to judge by


def listing(folder, *, seed=0, **changes):
    config = FmaDataset(**fake.section(folder, **changes))
    return fma.listing(config, folder / "raw", seed=seed, workers=1)


def edit(folder, table, old, new):
    """Replace text of a table, once."""
    path = folder / "fma_metadata" / table
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode(), 1))


def tags_of(found, row):
    """Return the tags of a track that a fake describes, in their order."""
    annotations = found.annotations
    mine = annotations["track_id"] == f"{row['track_id']:06d}"
    return annotations["tag"][mine].tolist()


def split_of(found):
    return found.tracks.set_index("track_id")["split"].to_dict()


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fma")
    fake.write(folder, SHORT)
    return folder


@pytest.fixture
def tiny(tmp_path, written):
    """Metadata and audio that a test may spoil."""
    names = [f"fma_metadata/{table}.csv" for table in ("tracks", "genres")]
    names += [f"fma_large/{fake.path_of(row)}" for row in SHORT]
    files.copy_all([*names, "fma_large/checksums"], written, tmp_path, workers=1)
    return tmp_path


# --- tracks and genres


def test_a_track_has_what_the_table_says(written):
    tracks = listing(written).tracks.set_index("track_id")
    found = tracks.loc["000002"].to_dict()
    assert np.isnan(found.pop("declared_seconds"))
    assert found == {
        "path": "000/000002.mp3",
        "artist": "Artist 30 (30)",
        "album": "Demo (1030)",
        "recording": "",
        "group": "30",
        "licence": "Attribution",
        "split": "train",
    }


def test_only_of_whole_tracks_the_length_is_declared(tiny):
    edit(tiny, "tracks.csv", ",168,", ",0,")
    tracks = listing(tiny, subset="full").tracks
    assert np.isnan(tracks["declared_seconds"].iloc[0])
    assert set(tracks["declared_seconds"].iloc[1:]) == {168.0}


def test_a_track_without_an_album_has_none(tiny):
    edit(tiny, "tracks.csv", ",1030,", ",-1,")
    edit(tiny, "tracks.csv", ",Demo,", ",,")
    assert listing(tiny).tracks["album"].tolist()[:2] == ["", "Demo (1031)"]


@pytest.mark.parametrize(
    ("kind", "first", "both"),
    [
        ("own", ["Punk"], ["Punk", "Jazz"]),
        ("all", ["Rock", "Punk"], ["Jazz", "Rock", "Punk"]),
        ("top", ["Rock"], []),
    ],
)
def test_genres_are_as_given_with_ancestors_or_roots(written, kind, first, both):
    of_both = next(row for row in SHORT if row["genres"] == [25, 4])
    found = listing(written, genres=kind)
    assert (tags_of(found, FIRST), tags_of(found, of_both)) == (first, both)


@pytest.mark.parametrize(("kind", "left_out"), [("own", 1), ("all", 1), ("top", 4)])
def test_tracks_without_a_genre_are_left_out_and_counted(
    written, caplog, kind, left_out
):
    caplog.set_level(logging.INFO)
    found = listing(written, genres=kind)
    assert len(found.tracks) == len(SHORT) - left_out
    assert set(found.tracks["track_id"]) == set(found.annotations["track_id"])
    assert f"{left_out} of {len(SHORT)} tracks are left out: they have" in caplog.text


def test_subsets_are_nested(written):
    found = [
        set(listing(written, subset=name).tracks["track_id"])
        for name in ("small", "medium", "large", "full")
    ]
    assert found[0] < found[1] < found[2] == found[3]


def test_two_genres_of_one_title_stay_apart(tiny):
    edit(tiny, "genres.csv", "Techno", "Punk")
    tags = set(listing(tiny).annotations["tag"])
    assert tags == {"Punk (25)", "Punk (181)", "Jazz", "Folk", "Hip-Hop"}


def test_a_genre_counts_once_for_a_track(tiny):
    edit(tiny, "tracks.csv", "[25]", '"[25, 25]"')
    assert tags_of(listing(tiny), FIRST) == ["Punk"]


# --- splits


def test_the_published_splits_are_kept(written):
    found = split_of(listing(written, seed=1))
    names = {"training": "train", "validation": "validation", "test": "test"}
    for row in SHORT:
        expected = names[row["split"]] if row["genres"] else None
        assert found.get(f"{row['track_id']:06d}") == expected


@pytest.mark.parametrize("split", ["published", "artist"])
@pytest.mark.parametrize("kind", ["top", "own", "all"])
def test_every_split_has_every_genre(written, split, kind):
    found = listing(written, split=split, genres=kind)
    pairs = found.annotations.merge(found.tracks, on="track_id")
    assert (pairs.groupby("tag")["split"].nunique() == len(SPLITS)).all()


def test_dealt_splits_keep_artists_together_and_follow_the_seed(tiny):
    for row in SHORT[5:10]:
        edit(tiny, "tracks.csv", f",{row['artist_id']},", f",{row['artist_id'] - 5},")
    first, again, other = (
        listing(tiny, split="artist", seed=seed).tracks for seed in (1, 1, 2)
    )
    assert first.groupby("group")["split"].nunique().max() == 1
    assert first["group"].nunique() == len(first) - 5
    assert first.equals(again) and not first.equals(other)


def test_a_file_that_is_in_two_splits_stays_in_the_last(tiny, caplog):
    audio = tiny / "fma_large"
    same = (audio / fake.path_of(TEST)).read_bytes()
    (audio / fake.path_of(FIRST)).write_bytes(same)
    fake.write_checksums(tiny)
    found = listing(tiny)
    assert len(found.tracks) == len(SHORT) - 2
    assert not tags_of(found, FIRST) and tags_of(found, TEST)
    assert "1 tracks are left out: their file is in a later" in caplog.text


def test_checksums_may_be_absent(tiny):
    (tiny / "fma_large" / "checksums").unlink()
    assert len(listing(tiny).tracks) == len(SHORT) - 1


# --- OpenMIC-2018


def write_openmic(folder, keys):
    np.savez(folder / "openmic-2018.npz", sample_key=keys, X=np.zeros(3))
    return str(folder)


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_only_tracks_of_openmic_count_if_it_is_given(written, tmp_path, dtype):
    keys = np.array(["000002_3840", "000145_0", "000145_99", "155320_1"], dtype)
    folder = write_openmic(tmp_path, keys)
    found = listing(written, openmic=folder, split="artist")
    assert found.tracks["track_id"].tolist() == ["000002", "000145"]


def test_a_missing_openmic_is_named_with_its_source(written, tmp_path):
    with pytest.raises(MissingError, match=r"npz is not there; .*zenodo\.org"):
        listing(written, openmic=str(tmp_path))


def test_an_openmic_of_other_tracks_is_refused(written, tmp_path):
    folder = write_openmic(tmp_path, np.array(["155320_1"]))
    with pytest.raises(DataError, match=r"none of the 0 tracks that .* has a genre"):
        listing(written, openmic=folder)


# --- audio


def test_audio_is_linked_also_what_is_empty_or_broken(tiny):
    paths = listing(tiny).tracks["path"]
    audio = tiny / "fma_large"
    assert all((tiny / "raw" / path).samefile(audio / path) for path in paths)
    assert any((tiny / "raw" / path).stat().st_size == 0 for path in paths)


def test_a_second_listing_is_the_first(tiny):
    first, second = listing(tiny), listing(tiny)
    assert first.tracks.equals(second.tracks)
    assert first.annotations.equals(second.annotations)


def test_the_pipeline_takes_it_in_and_quarantines_what_is_empty_or_broken(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)  # where the expectations are
    overrides = fake.write(tmp_path / "fma", fake.rows(seconds=1))
    overrides |= {"engine.workers": 1, "validation.most_quarantined": 0.1}
    params = Params.load(ROOT / "params.yaml", overrides)
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(params, store, MemoryRecorder())
    validate.run(params, store, MemoryRecorder())
    assert len(store.read_tracks()) == len(SHORT) - 3
    assert store.read_truth("train").sum().to_dict() == {
        **dict.fromkeys(["Folk", "Hip-Hop", "Techno"], 2),
        **dict.fromkeys(["Jazz", "Punk"], 3),
    }


# --- what is wrong is explained


def test_missing_audio_is_counted_named_and_remedied(tiny):
    for row in SHORT[:5]:
        (tiny / "fma_large" / fake.path_of(row)).unlink()
    said = (
        r"5 of 25 audio files are not below .*fma_large: 000/000002\.mp3, "
        r"000/000145\.mp3, 000/000288\.mp3 and 2 more; unpack .* fma_large\.zip, let "
        r"dataset\.audio be .* or set dataset\.subset to what is there"
    )
    with pytest.raises(MissingError, match=said):
        listing(tiny)


@pytest.mark.parametrize("table", ["tracks.csv", "genres.csv"])
def test_missing_metadata_are_named_with_their_source(tiny, table):
    (tiny / "fma_metadata" / table).unlink()
    said = rf"{table} is not there; dataset\.metadata .*fma_metadata\.zip unpacks to"
    with pytest.raises(MissingError, match=said):
        listing(tiny)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "genre_id,",
            "id,",
            r"begin with the columns genre_id, parent, title .*\['id', '#tracks'",
        ),
        ("12,9,0,Rock,12", "12,9,0,Rock", r"line 3 has 4 fields, not 5 as line 1: "),
        ("12,9,0,Rock", "twelve,9,0,Rock", "line 3 has the genre_id 'twelve'; expec"),
        ("12,9,0,Rock", "12,9,,Rock", "line 3 has the parent ''; expected a number"),
        ("Rock", " ", "line 3 has the title ' '; expected a name"),
        ("Rock", '"Ro\nck"', r"line 4 has the title 'Ro\\nck'"),
        ("12,9,0,Rock", "4,9,0,Rock", "line 3 lists genre 4 again; leave one of them"),
        ("Rock", '"Rock', "after line .*: not fields in UTF-8, separated by commas"),
    ],
)
def test_a_wrong_table_of_genres_is_explained_by_line(tiny, old, new, message):
    edit(tiny, "genres.csv", old, new)
    with pytest.raises(DataError, match=message):
        listing(tiny)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "genres_all",
            "genre_all",
            r"must begin .* lacks track/genres_all, and begins",
        ),
        ("track_id,", "id,", r"lacks track_id, and begins with \['', 'album'"),
        ("\ntrack_id,", "\n2,", "a third that begins with track_id; it lacks track_id"),
        (",Song\n", "\n", r"line 7 has 15 fields, not 16 as line 1: \['2', '0', "),
        ("\n2,0,", "\ntwo,0,", "line 7 has the track_id 'two'; expected a number"),
        ("\n145,", "\n2,", r"line 11 lists track 2 again; leave one of them out"),
        ("training", "train", r"unknown set/split: .* validation, test, got 'train'"),
        ("training", "", "line 7 has an unknown set/split: expected training, "),
        (",small,", ",tiny,", "unknown set/subset: expected small, .* got 'tiny'"),
        (",30,", ",,", "line 7 has the artist/id ''; expected a number"),
        ("[25]", "[999]", r"has the genre 999, which genres\.csv lacks; unpack the"),
        ("[25]", "25", r"has the track/genres '25'; expected a list as \[21, 12\]"),
        ("[25]", "[25", r"has the track/genres '\[25'; expected a list"),
        ("[25]", "[2.5]", r"has the track/genres '\[2\.5\]'; expected a list"),
        ("[25]", "[true]", "expected a list"),
        ("[25]", "[[25]]", "expected a list"),
        ("[25]", "", "has the track/genres ''; expected a list"),
        ("[25]", "[" * 9000, "expected a list"),
        ("[25]", "exit(1)", r"has the track/genres 'exit\(1\)'; expected a list"),
        ("Demo", '"De"mo', r"tracks\.csv, after line .*: not fields in UTF-8"),
    ],
)
def test_a_wrong_table_of_tracks_is_explained_by_line(tiny, old, new, message):
    edit(tiny, "tracks.csv", old, new)
    with pytest.raises(DataError, match=message):
        listing(tiny)


def test_a_table_that_is_no_text_is_refused(tiny):
    (tiny / "fma_metadata" / "tracks.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"not fields in UTF-8, separated by commas"):
        listing(tiny)


@pytest.mark.parametrize("table", ["tracks.csv", "genres.csv"])
def test_an_empty_table_is_refused(tiny, table):
    (tiny / "fma_metadata" / table).write_bytes(b"")
    with pytest.raises(DataError, match=rf"{table} must begin with"):
        listing(tiny)


@pytest.mark.parametrize("duration", ["long", "-1", "inf", "nan"])
def test_an_impossible_length_is_refused_where_it_counts(tiny, duration):
    edit(tiny, "tracks.csv", ",168,", f",{duration},")
    listing(tiny)
    with pytest.raises(DataError, match=f"line 7 .* that is no length: '{duration}'"):
        listing(tiny, subset="full")


@pytest.mark.parametrize(
    ("old", "new", "count"), [("Rock", "Ruck", 0), ("Jazz", "Rock", 2)]
)
def test_a_root_must_be_one_genre(tiny, old, new, count):
    edit(tiny, "genres.csv", old, new)
    said = rf"line 7 has the track/genre_top 'Rock', and genres\.csv has {count} genres"
    with pytest.raises(DataError, match=said):
        listing(tiny, genres="top")


def test_tracks_that_have_no_genre_at_all_are_refused(tiny):
    fake.write_tracks(tiny, [{**row, "genres": []} for row in SHORT])
    with pytest.raises(DataError, match=r"none of the 26 tracks .*choose a larger"):
        listing(tiny)


@pytest.mark.parametrize("name", ["000/000002.mp3", "000"])
def test_a_link_that_leads_elsewhere_is_refused(tiny, tmp_path_factory, name):
    path = tiny / "fma_large" / name
    path.symlink_to(path.rename(tmp_path_factory.mktemp("else") / path.name))
    with pytest.raises(DataError, match=r"000002\.mp3 is a link that leads out of"):
        listing(tiny)


@pytest.mark.parametrize("key", ["metadata", "audio", "openmic"])
def test_a_data_set_below_raw_is_refused(tiny, key):
    with pytest.raises(DataError, match=rf"dataset\.{key} is .* keep your music"):
        listing(tiny, **{key: str(tiny / "raw" / "own")})


def test_titles_are_told_apart_among_all_genres():
    found = {4: genres.Genre("A", 0), 5: genres.Genre("A", 4), 6: genres.Genre("B", 0)}
    assert genres.tag_names(found) == {4: "A (4)", 5: "A (5)", 6: "B"}


# --- genres of few artists


def artists_by_tag(found):
    groups = found.tracks.set_index("track_id")["group"]
    rows = found.annotations.assign(artist=found.annotations["track_id"].map(groups))
    return rows.groupby("tag")["artist"].nunique()


def test_a_genre_of_too_few_artists_is_left_out(written):
    artists = artists_by_tag(listing(written))
    least = int(artists.min()) + 1
    assert set(artists_by_tag(listing(written, least_artists=least)).index) == set(
        artists.index[artists >= least]
    )


def test_genres_that_are_all_too_rare_are_refused(written):
    with pytest.raises(DataError, match=r"no genre has dataset.least_artists \(999\)"):
        listing(written, least_artists=999)
