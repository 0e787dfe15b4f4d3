"""What `datasets/msd` promises of songs, tags, ontology and audio."""

import logging
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tagsmith.config import SPLITS, MsdDataset, Params
from tagsmith.datasets import files, msd
from tagsmith.datasets.msd import ontology
from tagsmith.errors import DataError, MissingError
from tagsmith.stages import ingest, validate
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import msd as fake

SHORT = fake.rows(seconds=0.2)
FIRST = SHORT[0]["track_id"]
TABLES = ("unique_tracks.txt", "lastfm_tags.db", "ontology.txt")


def listing(folder, *, seed=0, **changes):
    config = MsdDataset(**fake.section(folder, **changes))
    return msd.listing(config, folder / "raw", seed=seed, workers=1)


def edit(folder, name, old, new):
    """Replace text of a file, once."""
    path = folder / name
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode(), 1))


def tags_of(found, track_id):
    annotations = found.annotations
    return sorted(annotations["tag"][annotations["track_id"] == track_id])


def named(*titles):
    """Return the tracks with such titles."""
    return {row["track_id"] for row in SHORT if row["title"] in titles}


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("msd")
    fake.write(folder, SHORT)
    return folder


@pytest.fixture
def tiny(tmp_path, written):
    """Tables and audio that a test may spoil."""
    paths = [f"audio/{fake.path_of(row)}" for row in SHORT]
    there = [path for path in paths if (written / path).exists()]
    files.copy_all([*TABLES, *there], written, tmp_path, workers=1)
    return tmp_path


# --- tracks and tags


def test_a_track_has_what_the_list_of_songs_says(written):
    found = listing(written).tracks.set_index("track_id").loc[FIRST].to_dict()
    assert found.pop("split") in SPLITS
    assert np.isnan(found.pop("declared_seconds"))
    assert found == {
        "path": "A/A/A/TRAAAYQ128F932D000.mp3",
        "artist": "The electronic 0",
        "album": "",
        "recording": "",
        "group": "the electronic 0",
        "licence": "",
    }


def test_tracks_without_tag_song_or_audio_are_left_out_and_counted(written, caplog):
    found = listing(written)
    left_out = named(fake.ABSENT, fake.UNLISTED, fake.UNTAGGED)
    ids = {row["track_id"] for row in SHORT} - left_out
    assert set(found.tracks["track_id"]) == ids == set(found.annotations["track_id"])
    assert "1 of 44 tracks that have a tag are left out: " in caplog.text
    assert "1 of 43 tracks are left out: their audio is not below" in caplog.text


def test_tags_of_one_name_are_one_tag(written):
    tags = listing(written).annotations["tag"]
    assert tags.value_counts().to_dict() == {
        **dict.fromkeys(fake.TAGS, 10),
        "electronic": 12,
    }


def test_a_tag_counts_once_for_a_track(tiny):
    described = [dict(row) for row in SHORT]
    described[0]["tags"] = [("electronic", 100.0), ("Electronica", 90.0)]
    fake.write_tags(tiny, described)
    assert tags_of(listing(tiny), FIRST) == ["electronic"]


@pytest.mark.parametrize(
    ("limit", "tags"),
    [
        (3, ["electronic", "folk", "rock"]),
        (4, ["electronic", "rock"]),
        (60, ["electronic", "rock"]),
        (61, ["electronic"]),
    ],
)
def test_weak_tags_do_not_count_and_those_at_the_limit_do(written, limit, tags):
    assert tags_of(listing(written, least_strength=limit), FIRST) == tags


def test_the_database_is_only_read(tiny):
    path = tiny / "lastfm_tags.db"
    before = path.read_bytes()
    path.chmod(0o444)
    listing(tiny)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tiny.glob("lastfm*")) == ["lastfm_tags.db"]


def test_a_folder_may_have_characters_that_addresses_have_not(tiny):
    other = tiny / "a?b#c%20d &e"
    other.mkdir()
    shutil.copy(tiny / "lastfm_tags.db", other)
    assert len(listing(tiny, tags=str(other / "lastfm_tags.db")).tracks) == 42


def test_the_database_needs_no_index_and_may_hold_what_is_no_text(tiny):
    with closing(sqlite3.connect(tiny / "lastfm_tags.db")) as database, database:
        database.execute("DROP INDEX idx_tid_tag_tag")
        database.execute("INSERT INTO tags VALUES (CAST(x'ff' AS TEXT))")
    assert listing(tiny).annotations["tag"].nunique() == 5


# --- ontology


def test_an_ontology_names_tags_in_lower_case_and_what_they_are_called(tmp_path):
    path = tmp_path / "ontology.txt"
    text = "\ufeff# genres\n\nHip-Hop\r\n rap \thip hop\nC#\nRAP\thip hop\n"
    path.write_text(text, "utf-8", newline="")
    assert ontology.read(path) == {"hip-hop": "Hip-Hop", "rap": "hip hop", "c#": "C#"}


def test_tags_that_are_not_there_do_not_matter(written):
    assert "polka" in ontology.read(written / "ontology.txt")
    assert "polka" not in set(listing(written).annotations["tag"])


# --- splits


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_split_has_every_tag_and_artists_stay_together(written, seed):
    found = listing(written, seed=seed)
    pairs = found.annotations.merge(found.tracks, on="track_id")
    assert (pairs.groupby("tag")["split"].nunique() == len(SPLITS)).all()
    assert found.tracks.groupby("group")["split"].nunique().max() == 1
    assert found.tracks["group"].value_counts().max() == 2


def test_dealt_splits_depend_on_the_seed_alone(written):
    first, again, other = (
        listing(written, seed=seed).tracks["split"].tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_track_without_an_artist_is_a_group_of_its_own(tiny):
    edit(tiny, "unique_tracks.txt", "<SEP>The electronic 0<", "<SEP>  <")
    found = listing(tiny).tracks.set_index("track_id").loc[FIRST]
    assert (found["artist"], found["group"]) == ("", FIRST)


# --- audio


def test_audio_is_linked_also_what_is_empty_or_broken(tiny):
    tracks = listing(tiny).tracks
    raw, audio = tiny / "raw", tiny / "audio"
    assert all((raw / path).samefile(audio / path) for path in tracks["path"])
    assert named(fake.EMPTY, fake.CORRUPT) <= set(tracks["track_id"])


def test_the_pipeline_takes_it_in_and_quarantines_what_is_empty_or_broken(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)  # where the expectations are
    overrides = fake.write(tmp_path / "msd", fake.rows(seconds=1))
    overrides |= {"engine.workers": 1, "validation.most_quarantined": 0.1}
    params = Params.load(ROOT / "params.yaml", overrides)
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(params, store, MemoryRecorder())
    validate.run(params, store, MemoryRecorder())
    assert len(store.read_tracks()) == 40
    truth = sum(store.read_truth(split).sum() for split in SPLITS)
    assert truth.to_dict() == dict.fromkeys(fake.TAGS, 10)


# --- what is wrong is explained


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unique_tracks.txt", r"unique_tracks\.txt is not there; dataset\.songs must"),
        ("lastfm_tags.db", r"db is not there; .*millionsongdataset\.com/lastfm"),
        ("ontology.txt", r"ontology\.txt is not there; .* one a line"),
    ],
)
def test_a_missing_file_is_named_with_its_source(tiny, name, message):
    (tiny / name).unlink()
    with pytest.raises(MissingError, match=message):
        listing(tiny)


@pytest.mark.parametrize("key", ["songs", "tags", "ontology", "audio"])
def test_a_data_set_below_raw_is_refused(tiny, key):
    with pytest.raises(DataError, match=rf"dataset\.{key} is .* keep your music"):
        listing(tiny, **{key: str(tiny / "raw" / "own")})


def test_missing_audio_is_an_error_if_there_is_none(tiny):
    shutil.rmtree(tiny / "audio")
    said = (
        r"43 of 43 audio files are not below .*audio: A/A/A/TRAAAYQ128F932D000\.mp3, "
        r".* and 40 more; put audio there under such names \(a part of it will do\)"
    )
    with pytest.raises(MissingError, match=said):
        listing(tiny)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<SEP>", "\t", r"line 1 must be track<SEP>song<SEP>artist<SEP>title .* is '"),
        ("TRAAAY", "../AAY", r"line 1 must be .* as TRMMMYQ128F932D901, and is '\.\./"),
        ("D000<SEP>", "D00<SEP>", "line 1 must be track"),
        ("TRAABYQ128F932D001", FIRST, f"line 2 lists {FIRST} again; leave one"),
    ],
)
def test_a_wrong_list_of_songs_is_explained_by_line(tiny, old, new, message):
    edit(tiny, "unique_tracks.txt", old, new)
    with pytest.raises(DataError, match=message):
        listing(tiny)


def test_a_list_of_songs_that_is_no_text_is_refused(tiny):
    (tiny / "unique_tracks.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"unique_tracks\.txt is not UTF-8"):
        listing(tiny)


def test_a_list_of_other_songs_is_refused(tiny):
    other = "TRZZZZZ128F932D901<SEP>SO<SEP>A<SEP>B\n"
    (tiny / "unique_tracks.txt").write_text(other)
    with pytest.raises(DataError, match=r"lists none of the 44 tracks .* as TRA"):
        listing(tiny)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no tags; list those that count, one a line"),
        ("# none\n\n", "names no tags"),
        ("a\tb\tc\n", "line 1 has 3 columns; expected a tag, or a tag, a tab and"),
        ("\n\trock\n", "line 2 has the column ''; expected a tag"),
        ("rock\t\n", "line 1 has the column ''"),
        ("ro\x00ck\n", r"line 1 has the column 'ro\\x00ck'"),
        (
            "rap\nRap\thip hop\n",
            r"line 2 calls the tag 'rap' 'hip hop', and line 1 calls it 'rap'; leave",
        ),
        (
            "polka\n",
            r"db has 0 of the 1 tags of dataset\.ontology \(polka\.\.\.\), and",
        ),
        ("folk\nrumba\n", r"has 1 of the 2 tags .* \(100\); name tags of Last\.fm's"),
    ],
)
def test_a_wrong_ontology_is_explained(tiny, text, message):
    (tiny / "ontology.txt").write_text(text)
    fake.write_tags(tiny, [{**SHORT[0], "tags": [("folk", 99.0)]}])
    with pytest.raises(DataError, match=message):
        listing(tiny, least_strength=100)


def test_an_ontology_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "ontology.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"is not UTF-8.*save it as UTF-8"):
        ontology.read(tmp_path / "ontology.txt")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "DROP TABLE tid_tag",
            r"tables tids .*: no such table: tid_tag; fetch it agai",
        ),
        ("ALTER TABLE tids RENAME tid TO id", "no such column: tid"),
        ("INSERT INTO tags VALUES (NULL)", "is not lastfm_tags.db"),
        ("UPDATE tid_tag SET tid = NULL", "is not lastfm_tags.db"),
        ("UPDATE tid_tag SET tid = 'TRA'", "is not lastfm_tags.db"),
    ],
)
def test_another_database_is_refused(tiny, script, message):
    with closing(sqlite3.connect(tiny / "lastfm_tags.db")) as database:
        database.executescript(script)
    with pytest.raises(DataError, match=message):
        listing(tiny)


@pytest.mark.parametrize("content", [b"", b"no database" * 99])
def test_a_file_that_is_no_database_is_refused(tiny, content):
    (tiny / "lastfm_tags.db").write_bytes(content)
    with pytest.raises(DataError, match=r"db is not lastfm_tags\.db, a database with"):
        listing(tiny)


@pytest.mark.parametrize("name", ["A/A/A/TRAAAYQ128F932D000.mp3", "A/A"])
def test_a_link_that_leads_elsewhere_is_refused(tiny, tmp_path_factory, name):
    path = tiny / "audio" / name
    path.symlink_to(path.rename(tmp_path_factory.mktemp("else") / path.name))
    with pytest.raises(DataError, match=r"D000\.mp3 is a link that leads out of"):
        listing(tiny)


def test_nothing_is_logged_where_nothing_is_left_out(tiny, caplog):
    caplog.set_level(logging.WARNING)
    fake.write_tags(tiny, SHORT[:40])
    assert len(listing(tiny).tracks) == 40 and not caplog.text
