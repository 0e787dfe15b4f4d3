"""What `datasets/jamendo` promises of tables, details and audio that is there."""

import csv
import re

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import SPLITS, JamendoDataset, Params
from tagsmith.datasets import jamendo
from tagsmith.datasets.jamendo import details, tables
from tagsmith.datasets.jamendo.tables import Tag
from tagsmith.errors import DataError, MissingError
from tagsmith.stages import ingest, validate
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import jamendo as fake

SHORT = fake.rows(train=3, validation=3, test=3, seconds=0.2)


def listing(folder, **changes):
    config = JamendoDataset(**fake.section(folder, **changes))
    return jamendo.listing(config, folder / "raw", workers=1)


def edit(folder, old, new, *, split="test", subset="moodtheme"):
    """Replace text of a table, once."""
    path = fake.table(folder, split, subset=subset)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.fixture
def tiny(tmp_path):
    fake.write(tmp_path, SHORT)
    return tmp_path


@pytest.fixture(scope="module")
def official(fixtures, tmp_path_factory):
    """A checkout with the real tables of split 0, mood/theme."""
    metadata = tmp_path_factory.mktemp("mtg-jamendo-dataset")
    (metadata / "data" / "splits").mkdir(parents=True)
    (metadata / "data" / "splits" / "split-0").symlink_to(fixtures / "jamendo")
    return metadata


@pytest.fixture(scope="module")
def rows(official):
    return tables.read(official, "moodtheme", 0)


# --- the real tables


def test_the_official_split_has_its_sizes(rows):
    sizes = pd.Series([row.split for row in rows]).value_counts().to_dict()
    assert sizes == {"train": 9949, "validation": 3802, "test": 4231}


def test_every_official_split_has_the_same_56_tags(rows):
    tags = {name: set() for name in SPLITS}
    for row in rows:
        tags[row.split].update(row.tags)
    assert tags["train"] == tags["validation"] == tags["test"]
    assert len(tags["train"]) == 56


@pytest.mark.parametrize("key", ["artist_id", "album_id"])
def test_no_artist_or_album_is_in_two_official_splits(rows, key):
    found = pd.DataFrame([(getattr(row, key), row.split) for row in rows])
    assert found.groupby(0)[1].nunique().max() == 1


@pytest.mark.parametrize("split", SPLITS)
def test_official_tags_are_counted_as_a_search_in_the_text_counts_them(
    rows, fixtures, split
):
    path = fixtures / "jamendo" / f"autotagging_moodtheme-{split}.tsv"
    text = path.read_text()
    ours = pd.Series([t.name for r in rows if r.split == split for t in r.tags])
    for tag, count in ours.value_counts().items():
        assert count == len(re.findall(rf"mood/theme---{tag}\s", text))


def test_official_lengths_are_those_of_the_tables(rows, fixtures):
    seconds = []
    for path in sorted((fixtures / "jamendo").glob("*.tsv")):
        with path.open() as file:
            seconds += [
                float(row[4]) for row in list(csv.reader(file, "excel-tab"))[1:]
            ]
    assert sorted(row.declared_seconds for row in rows) == sorted(seconds)
    assert min(seconds) == 30.0 and sum(seconds) / 3600 == pytest.approx(
        1095.15, abs=0.01
    )


def test_the_official_test_split_is_the_ground_truth_of_mediaeval_2019(rows, fixtures):
    truth = np.load(fixtures / "mediaeval2019" / "groundtruth.npy")
    tags = (fixtures / "mediaeval2019" / "tags.txt").read_text().split()
    test = [row for row in rows if row.split == "test"]
    ours = [[Tag(*tag.split("---")) in row.tags for tag in tags] for row in test]
    assert np.array_equal(np.array(ours), truth.astype(bool))


def test_official_paths_are_those_that_the_checksums_know(rows):
    pattern = re.compile(r"\d\d/\d+\.mp3")
    assert all(pattern.fullmatch(row.path) for row in rows)
    assert all(row.path[:2] == row.track_id[-2:] for row in rows)


# --- tags


def test_tags_of_one_category_stand_without_it(tiny):
    assert set(listing(tiny).annotations["tag"]) == {"calm", "dark", "happy"}


def test_a_name_of_two_categories_keeps_them():
    tags = [Tag("genre", "ballad"), Tag("mood/theme", "ballad"), Tag("genre", "rock")]
    assert set(tables.tag_names(tags).values()) == {
        "genre/ballad",
        "mood/theme/ballad",
        "rock",
    }


@pytest.mark.parametrize("subset", ["all", "top50tags"])
def test_subsets_of_every_category_are_read(tmp_path, subset):
    described = [{**row, "tags": [*row["tags"], "genre---calm"]} for row in SHORT]
    fake.write(tmp_path, described, subset=subset)
    found = set(listing(tmp_path, subset=subset).annotations["tag"])
    assert found == {"mood/theme/calm", "genre/calm", "dark", "happy"}


# --- tracks


def test_tracks_have_ids_names_licence_and_length(tiny):
    track = listing(tiny).tracks.iloc[0]
    assert (track["track_id"], track["path"]) == ("track_0001000", "00/1000.mp3")
    assert track["artist"] == "The artist_000000s (artist_000000)"
    assert track["album"] == "Demo (album_000000)"
    assert track["recording"] == ""
    assert track["group"] == "artist_000000"
    assert track["licence"] == "CC BY-NC-SA 3.0"
    assert track["declared_seconds"] == 0.2


def test_names_and_licences_may_be_absent(tiny):
    metadata = tiny / "mtg-jamendo-dataset"
    (metadata / "audio_licenses.txt").unlink()
    (metadata / "data" / "raw.meta.tsv").unlink()
    track = listing(tiny).tracks.iloc[0]
    assert (track["artist"], track["licence"]) == ("artist_000000", "")


@pytest.mark.parametrize(
    ("address", "licence"),
    [
        ("http://creativecommons.org/licenses/by/3.0/", "CC BY 3.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/2.0/fr/", "CC BY-NC-ND 2.0 FR"),
        ("http://artlibre.org/licence/lal", "http://artlibre.org/licence/lal"),
        ("http://www.jamendo.com/track/1", ""),
        ("none", ""),
    ],
)
def test_a_licence_is_the_last_address_that_is_not_jamendos(tmp_path, address, licence):
    text = f"24/24.mp3\nSong from http://www.jamendo.com/track/24\nUnder: {address}\n\n"
    (tmp_path / "audio_licenses.txt").write_text(text)
    assert details.licences(tmp_path).get("24/24.mp3", "") == licence


def test_names_with_quotes_and_rare_line_ends_do_not_join_rows(tmp_path, caplog):
    (tmp_path / "data").mkdir()
    rows = [
        "h\t" * 7,
        '1\ta\tb\t"One\tThe\u2028A\tX\t2019\tu',
        "2\ta\tb\tTwo\t\tB\tY\t\tu",
    ]
    path = tmp_path / "data" / "raw.meta.tsv"
    path.write_text("\n".join([*rows, "3\tshort"]), encoding="utf-8")
    assert details.names(tmp_path) == {"1": ("The\u2028A", "X"), "2": ("B", "Y")}
    assert "1 rows do not have 8 fields" in caplog.text


# --- audio


def test_audio_is_linked_not_copied(tiny):
    for path in listing(tiny).tracks["path"]:
        assert (tiny / "raw" / path).samefile(tiny / "audio" / path)


def test_a_second_listing_is_the_first(tiny):
    first, second = listing(tiny), listing(tiny)
    assert first.tracks.equals(second.tracks)
    assert len(list((tiny / "raw").rglob("*.*"))) == len(SHORT)


def test_audio_of_low_quality_is_found_where_no_other_is(tiny):
    for path in (tiny / "audio").rglob("*.mp3"):
        path.rename(path.with_suffix(".low.mp3"))
    tracks = listing(tiny).tracks
    assert tracks["path"].iloc[0] == "00/1000.low.mp3"
    assert set(tracks["licence"]) == {"CC BY-NC-SA 3.0"}


def test_a_file_that_is_in_two_splits_stays_in_the_last(tiny, caplog):
    train, test = SHORT[0]["path"], SHORT[-1]["path"]
    (tiny / "audio" / train).write_bytes((tiny / "audio" / test).read_bytes())
    fake.write_checksums(tiny)
    found = listing(tiny).tracks["track_id"]
    assert set(found) == {row["track_id"] for row in SHORT[1:]}
    assert (
        "1 tracks are left out" in caplog.text and SHORT[0]["track_id"] in caplog.text
    )


def test_the_pipeline_takes_it_in_and_finds_nothing_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)  # where the expectations are
    overrides = fake.write(tmp_path, fake.rows(seconds=1))
    overrides |= {"engine.workers": 1, "validation.shortest_seconds": 0.5}
    params = Params.load(ROOT / "params.yaml", overrides)
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(params, store, MemoryRecorder())
    validate.run(params, store, MemoryRecorder())
    assert len(store.read_tracks()) == 12
    assert store.read_truth("test").sum().to_dict() == {
        "calm": 1,
        "dark": 1,
        "happy": 1,
    }


# --- what is wrong is explained


def test_missing_audio_is_counted_named_and_remedied(tiny):
    for row in SHORT[:5]:
        (tiny / "audio" / row["path"]).unlink()
    said = (
        r"5 of 9 audio files are not below .*audio: 00/1000\.mp3, 07/1007\.mp3, "
        r"14/1014\.mp3 and 2 more; .*set dataset\.fetch to audio or audio-low"
    )
    with pytest.raises(MissingError, match=said):
        listing(tiny)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "TRACK_ID\t",
            "ID\t",
            r"-test\.tsv must begin with the columns TRACK_ID .*'ID",
        ),
        ("\t0.2\tmood/theme---calm", "", r"-test\.tsv, line 2 has 4 fields, not 6"),
        ("\tmood/theme---calm", "", "line 2 has 5 fields, not 6 or more"),
        ("artist_000006", "", "line 2 has an empty ARTIST_ID"),
        ("mood/theme---dark", "", "line 3 has an empty TAGS"),
        (
            "mood/theme---dark",
            "decade---80s",
            "line 3 has a tag of an unknown category",
        ),
        ("mood/theme---dark", "genre---rock", "expected mood/theme---..., got 'genre"),
        ("mood/theme---dark", "mood/theme---", "unknown category"),
        ("mood/theme---dark", "dark", "unknown category: expected .* got 'dark'"),
        ("\t0.2\t", "\tlong\t", "line 2 has a DURATION that is no length: 'long'"),
        ("\t0.2\t", "\t-1\t", "DURATION that is no length: '-1'"),
        ("\t0.2\t", "\tinf\t", "DURATION that is no length: 'inf'"),
        ("42/1042.mp3", "../1042.mp3", r"line 2 leads outside .*audio: '\.\./1042"),
        ("42/1042.mp3", "/etc/passwd", "line 2 leads outside"),
        ("track_0001042", "track_0001000", r"-test\.tsv, line 2 lists track_0001000, "),
        (
            "track_0001049",
            "track_0001042",
            "line 3 lists track_0001042, which .*line 2",
        ),
        ("49/1049.mp3", "42/1042.mp3", "line 3 lists 42/1042.mp3, which"),
    ],
)
def test_a_wrong_table_is_explained_by_file_and_line(tiny, old, new, message):
    edit(tiny, old, new)
    with pytest.raises(DataError, match=message):
        listing(tiny)


def test_a_table_that_is_no_text_is_refused(tiny):
    fake.table(tiny, "train").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"-train\.tsv is not UTF-8"):
        listing(tiny)


def test_an_empty_table_is_refused(tiny):
    fake.table(tiny, "train").write_text("")
    with pytest.raises(DataError, match="must begin with the columns"):
        listing(tiny)


def test_a_missing_table_is_named(tiny):
    fake.table(tiny, "validation").unlink()
    with pytest.raises(
        MissingError, match=r"-validation\.tsv is not there; .*checkout"
    ):
        listing(tiny)


def test_a_missing_checkout_is_answered_with_the_command(tmp_path):
    with pytest.raises(MissingError, match=r"git clone https://github\.com/MTG"):
        listing(tmp_path)


def test_audio_below_raw_is_refused_and_untouched(tiny):
    with pytest.raises(DataError, match=r"dataset\.audio is .* keep your music"):
        listing(tiny, audio=tiny / "raw" / "audio")
