"""What `datasets/magnatagatune` promises of annotations, synonyms and splits."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import MagnaTagATuneDataset, Params
from tagsmith.datasets import files, magnatagatune
from tagsmith.datasets.magnatagatune import (
    annotations,
    clips,
    dataset,
    partition,
    synonyms,
)
from tagsmith.errors import DataError, MissingError
from tagsmith.stages import ingest, validate
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import magnatagatune as fake

SHORT = fake.rows(seconds=1)

MERGED_TOP = """guitar 4861, classical 4358, slow 3547, techno 2954, string 2842,
vocal 2813, electro 2764, drum 2698, no singer 2550, rock 2371, fast 2331, male 2169,
beat 2123, piano 2056, female 1996, ambient 1956, violin 1907, synth 1734, india 1402,
singer 1308, opera 1298, harpsichord 1123, loud 1086, quiet 1072, flute 1035, pop 995,
soft 985, sitar 926, solo 826, choir 791, new age 650, dance 649, female vocal 644,
strange 640, harp 623, heavy 583, cello 575, jazz 555, country 541, eastern 406,
bass 337, modern 327, no piano 324, hard 323, chant 312, baroque 297, orchestra 296,
foreign 275, trance 253, folk 243"""
PLAIN_TOP = """guitar 4852, classical 4272, slow 3547, techno 2954, strings 2729,
drums 2598, electronic 2519, rock 2371, fast 2306, piano 2056, ambient 1956, beat 1906,
violin 1826, vocal 1729, synth 1717, female 1474, indian 1395, opera 1296, male 1279,
singing 1211, vocals 1184, no vocals 1158, harpsichord 1093, loud 1086, quiet 1055,
flute 1025, woman 1016, male vocal 1002, no vocal 995, pop 995, soft 985, sitar 926,
solo 826, man 741, classic 691, choir 688, voice 665, new age 650, dance 649,
male voice 644, female vocal 644, beats 634, harp 623, cello 575, no voice 573,
weird 557, country 541, female voice 505, metal 505, choral 490"""


def config(folder, **changes):
    return MagnaTagATuneDataset(**fake.section(folder, **changes))


def listing(folder, *, seed=0, **changes):
    changed = config(folder, **changes)
    return magnatagatune.listing(changed, folder / "raw", seed=seed, workers=1)


def edit(folder, old, new):
    """Replace text of the annotations, once."""
    path = folder / annotations.NAME
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("magnatagatune")
    fake.write(folder, SHORT)
    return folder


@pytest.fixture
def tiny(tmp_path, written):
    """A folder of annotations and audio that a test may spoil."""
    paths = [row["path"] for row in SHORT]
    files.copy_all(paths, written, tmp_path, workers=1)
    fake.write_annotations(tmp_path, SHORT)
    return tmp_path


@pytest.fixture(scope="module")
def merged(official):
    """Names and truth of the published annotations, synonyms merged."""
    lists = synonyms.read("published", official.tags)
    return synonyms.merge(official.tags, official.truth, lists)


def counted(names, truth, columns):
    return [(names[column], int(truth[:, column].sum())) for column in columns]


def stated(text):
    pairs = (entry.strip().rpartition(" ") for entry in text.split(","))
    return [(" ".join(name.split()), int(count)) for name, _, count in pairs]


# --- the published annotations


def test_the_published_table_has_its_clips_and_tags(official):
    assert official.truth.shape == (25863, 188) == (len(official.clips), 188)
    assert official.truth.sum() == 89395
    assert (~official.truth.any(axis=1)).sum() == 4221


def test_the_published_table_is_read_as_pandas_reads_it(official, fixtures):
    path = fixtures / "mtat" / "annotations_final.csv.gz"
    table = pd.read_csv(path, sep="\t", usecols=["clip_id", "guitar", "mp3_path"])
    assert [clip.clip_id for clip in official.clips] == table["clip_id"].tolist()
    assert [clip.path for clip in official.clips] == table["mp3_path"].tolist()
    guitar = official.truth[:, official.tags.index("guitar")]
    assert np.array_equal(guitar, table["guitar"].astype(bool))


def test_published_names_tell_artists_albums_and_recordings(official):
    found = {
        key: len({getattr(clip, key) for clip in official.clips})
        for key in ("artist", "album", "recording")
    }
    assert found == {"artist": 230, "album": 446, "recording": 5405}
    assert {c.end_seconds - c.start_seconds for c in official.clips} == {29}


def test_no_published_album_is_in_two_folders(official):
    folders = {(clip.album, clip.folder) for clip in official.clips}
    assert len(folders) == 446


def test_published_synonyms_are_29_lists_of_82_names(official):
    lists = synonyms.read("published", official.tags)
    assert (len(lists), sum(map(len, lists))) == (29, 82)


def test_188_tags_become_135(merged):
    names, truth = merged
    assert len(names) == 135 == truth.shape[1]


def test_the_merged_top_50_is_the_originals(merged):
    top = dataset._most_frequent(merged[1], 50)
    assert counted(*merged, top) == stated(MERGED_TOP)


def test_the_plain_top_50_is_the_communitys(official):
    top = dataset._most_frequent(official.truth, 50)
    found = counted(official.tags, official.truth, top)
    assert sorted(found) == sorted(stated(PLAIN_TOP))
    assert [count for _, count in found] == [count for _, count in stated(PLAIN_TOP)]


def test_merging_is_or(merged, official):
    names, truth = merged
    drums = official.truth[:, [official.tags.index(t) for t in ("drum", "drums")]]
    assert np.array_equal(truth[:, names.index("drum")], drums.max(axis=1))
    guitar = official.truth[:, official.tags.index("sitar")]
    assert np.array_equal(truth[:, names.index("sitar")], guitar)


def sizes(splits):
    return tuple(
        int((splits == name).sum()) for name in ("train", "validation", "test")
    )


def test_the_split_by_folder_has_its_sizes(official, merged, tmp_path):
    by_folder = config(tmp_path, split="folder")
    splits = partition.deal(official.clips, merged[1], by_folder, seed=0)
    assert sizes(splits) == (18709, 1825, 5329)


def test_the_communitys_filtered_form_has_its_sizes(official, tmp_path):
    filtered = config(tmp_path, most_frequent_tags=50, frequent_in="all")
    top, splits = dataset.choose(official.clips, official.truth, filtered, seed=0)
    tagged = official.truth[:, top].any(axis=1)
    assert sizes(splits[tagged]) == (15250, 1529, 4332)
    tested = official.truth[:, top][tagged & (splits == "test")]
    assert tested.sum() == 14149


def test_the_original_split_is_equal_index_for_index(
    official, merged, tmp_path, fixtures
):
    published = np.load(fixtures / "mtat" / "dabral_split_seed1337.npz")
    original = config(tmp_path, split="original")
    splits = partition.deal(official.clips, merged[1], original, seed=0)
    assert sizes(splits) == (18000, 2000, 5863)
    for name, key in [("train", "train"), ("validation", "valid"), ("test", "test")]:
        assert np.array_equal(np.flatnonzero(splits == name), np.sort(published[key]))


def test_the_original_split_goes_by_clip_not_by_row(official, merged, tmp_path):
    original = config(tmp_path, split="original")
    splits = partition.deal(official.clips, merged[1], original, seed=0)
    upside_down = partition.deal(official.clips[::-1], merged[1], original, seed=0)
    assert np.array_equal(upside_down[::-1], splits)


def test_the_original_shuffle_is_the_one_of_its_generator():
    generator = np.random.RandomState(partition.ORIGINAL_SEED)
    generator.standard_normal(partition.ORIGINAL_NORMALS)
    order = np.arange(partition.ORIGINAL_CLIPS)
    generator.shuffle(order)
    found = hashlib.sha1(order.astype("<i8").tobytes(), usedforsecurity=False)
    assert found.hexdigest() == "52156fd9fe501819658e5cf48f294b2eee639cfa"


@pytest.mark.parametrize("kind", ["recording", "album", "artist"])
def test_published_clips_are_dealt_by_group(official, merged, tmp_path, kind):
    shares = {"train": 0.7, "validation": 0.1, "test": 0.2}
    dealt = config(tmp_path, split=kind, shares=shares, most_frequent_tags=50)
    top, splits = dataset.choose(official.clips, merged[1], dealt, seed=3)
    pairs = {(getattr(c, kind), s) for c, s in zip(official.clips, splits, strict=True)}
    assert len(pairs) == len({group for group, _ in pairs})
    assert np.array(sizes(splits)) / 25863 == pytest.approx([0.7, 0.1, 0.2], abs=0.02)
    assert min(merged[1][splits == s][:, top].sum(axis=0).min() for s in shares) > 0


# --- a tiny one


def test_every_clip_is_a_track_with_what_its_name_says(written):
    tracks = listing(written).tracks.set_index("track_id")
    assert len(tracks) == 34
    assert tracks.loc["b/the_first-album_b0-02-song-1-2"].to_dict() == {
        "path": "b/the_first-album_b0-02-song-1-2.mp3",
        "declared_seconds": 1.0,
        "artist": "the_first",
        "album": "the_first-album_b0",
        "recording": "the_first-album_b0-02-song",
        "licence": "CC BY-NC-SA",
        "group": "the_first-album_b0",
        "split": "train",
    }


def test_audio_comes_into_raw_also_what_is_empty_or_broken(tiny):
    tracks = listing(tiny).tracks
    assert all((tiny / "raw" / path).samefile(tiny / path) for path in tracks["path"])
    assert (tiny / "raw" / "0" / "the_third-dusk-01-gone-0-1.mp3").stat().st_size == 0


def test_synonyms_are_one_tag(written):
    tags = listing(written).annotations["tag"]
    assert tags.value_counts().to_dict() == {"drum": 11, "guitar": 10, "flute": 9}


def test_without_synonyms_tags_stay(written):
    found = listing(written, synonyms="none", most_frequent_tags=6).annotations
    assert set(found["tag"]) == {name for names in fake.NAMES for name in names}


def test_synonyms_may_be_a_file(written, tmp_path):
    path = tmp_path / "synonyms.txt"
    path.write_text("# mine\n\nflutes , flute  # both\n", "utf-8")
    tags = listing(written, synonyms=str(path), most_frequent_tags=4).annotations["tag"]
    assert "flutes" in set(tags) and "flute" not in set(tags)


def test_published_synonyms_that_are_no_tags_are_logged(written, caplog):
    caplog.set_level("INFO")
    listing(written)
    assert "names of the published synonyms are no tags" in caplog.text


def test_the_first_column_stands_for_a_list_of_synonyms():
    truth = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], bool)
    names, merged = synonyms.merge("abcd", truth, [("d", "b")])
    assert names == ("a", "d", "c")
    assert merged.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_frequent_tags_are_counted_in_training_clips_unless_told(tiny):
    rows = [dict(row) for row in SHORT]
    for row in rows:
        if row["path"][0] == "d":
            row["tags"] = ["sitar"]
    fake.write_annotations(tiny, rows)
    common = {"guitar", "drum", "flute"}
    assert set(listing(tiny).annotations["tag"]) == common
    everywhere = listing(tiny, frequent_in="all").annotations["tag"]
    assert set(everywhere) == {"guitar", "drum", "sitar"}


def test_equally_frequent_tags_are_taken_in_the_order_of_columns():
    truth = np.array([[0, 1, 1, 1], [1, 0, 0, 1]], bool)
    assert dataset._most_frequent(truth, 3).tolist() == [3, 0, 1]


def test_clips_without_a_tag_can_be_dropped(written):
    kept, dropped = listing(written), listing(written, untagged="drop")
    assert len(kept.tracks) - len(dropped.tracks) == 4
    assert set(dropped.tracks["track_id"]) == set(dropped.annotations["track_id"])


@pytest.mark.parametrize(
    ("split", "group"),
    [
        ("folder", "album"),
        ("album", "album"),
        ("recording", "recording"),
        ("artist", "artist"),
    ],
)
def test_the_group_follows_the_split(written, split, group):
    tracks = listing(written, split=split).tracks
    assert (tracks["group"] == tracks[group]).all()
    assert tracks.groupby("group")["split"].nunique().max() == 1


def test_of_the_original_split_each_track_is_its_own_group(tmp_path):
    found = [
        clips.parse(1, "0/a-b-1-c-0-29.mp3"),
        clips.parse(2, "0/a-b-1-c-29-58.mp3"),
    ]
    groups = partition.groups(found, config(tmp_path, split="original"))
    assert groups == ["0/a-b-1-c-0-29", "0/a-b-1-c-29-58"]


def test_dealt_splits_depend_on_the_seed_alone(written):
    first, again, other = (
        listing(written, split="recording", seed=seed).tracks["split"].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_pipeline_takes_it_in_and_quarantines_what_is_empty_or_broken(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)  # where the expectations are
    overrides = fake.write(tmp_path / "mtat", SHORT)
    overrides |= {"engine.workers": 1, "validation.most_quarantined": 0.1}
    params = Params.load(ROOT / "params.yaml", overrides)
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(params, store, MemoryRecorder())
    validate.run(params, store, MemoryRecorder())
    assert len(store.read_tracks()) == 32 == len(SHORT) - 2
    assert store.read_truth("test").sum().to_dict() == {
        "drum": 2,
        "flute": 2,
        "guitar": 3,
    }


# --- what is wrong is explained


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"clip_id"', '"id"', r"must begin with the columns clip_id, tags, mp3_path"),
        ('"mp3_path"', '"path"', r"begins with 'clip_id\\tno voice"),
        ('"drum"', '"drums"', r"line 1 has 'drums' 2 times"),
        ('"drum"', '" "', r"line 1 has ' ' 1 times"),
        ('"2"\t"0"', '"2"', r"line 2 has 9 fields, not 10 as line 1: \['2', "),
        ('"2"\t"0"', '"2"\t"2"', r"line 2 has '2' for tag 'no voice'; expected 0 or 1"),
        ('"7"\t"0"', '"7"\t""', r"line 3 has '' for tag 'no voice'"),
        ('"7"', '"2"', r"line 3 lists 2, which line 2 lists already"),
        ('"7"', '"seven"', r"line 3 has the clip_id 'seven'; expected a number"),
        ('"7"', '"7"x', r"line 3 is not fields separated by tabs"),
        ("song-1-2", "song-0-1", r"line 3 lists '0/the_first-.*, which line 2"),
        ('"0/the', '"../the', r"line 2 leads outside .*: '\.\./the_first"),
        ('"0/the', '"/the', r"line 2 leads outside"),
        (
            '"0/the',
            '"g/the',
            r"line 2 has the path 'g/the_first.*expected folder/artist",
        ),
        ("song-0-1", "song-1-1", r"line 2 has the path .*starts before it ends"),
        ("song-0-1", "song-x-1", r"line 2 has the path"),
        (".mp3", ".wav", r"line 2 has the path"),
    ],
)
def test_a_wrong_table_is_explained_by_line(tiny, old, new, message):
    edit(tiny, old, new)
    with pytest.raises(DataError, match=message):
        listing(tiny)


def test_a_clip_that_is_a_link_to_elsewhere_is_refused(tiny, tmp_path_factory):
    path = tiny / SHORT[0]["path"]
    path.rename(tmp_path_factory.mktemp("else") / "a.mp3")
    path.symlink_to(tmp_path_factory.getbasetemp())
    with pytest.raises(DataError, match=r"0-1\.mp3 is a link that leads out of"):
        listing(tiny)


def test_a_folder_that_is_a_link_to_elsewhere_is_refused(tiny, tmp_path_factory):
    (tiny / "d").rename(tmp_path_factory.mktemp("else") / "d")
    (tiny / "d").symlink_to(tmp_path_factory.getbasetemp())
    with pytest.raises(DataError, match="/d is a link that leads out of"):
        listing(tiny)


def test_a_table_without_quotes_and_carriage_returns_is_read(tiny):
    path = tiny / annotations.NAME
    path.write_bytes(path.read_bytes().replace(b'"', b"").replace(b"\r", b""))
    assert len(listing(tiny).tracks) == 34


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must begin with the columns"),
        (b'"clip_id"\t"mp3_path"\r\n', "must begin with the columns"),
        (b'"clip_id"\t"guitar"\t"mp3_path"\r\n', "lists no clips"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"<html>not found</html>", "begins with '<html>"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    (tmp_path / annotations.NAME).write_bytes(content)
    with pytest.raises(DataError, match=message):
        listing(tmp_path)


def test_another_table_than_the_published_is_refused(tiny):
    said = rf"not the published table: expected {fake.PUBLISHED}, got md5:.*delete it"
    with pytest.raises(DataError, match=said):
        listing(tiny, annotations_checksum=fake.PUBLISHED)


def test_a_table_that_is_not_there_is_answered_with_the_way_out(tmp_path):
    with pytest.raises(MissingError, match=r"annotations_final\.csv is not there; put"):
        listing(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("guitar, guitars\nflute, guitars\n", "line 2 has 'guitars', which line 1 has"),
        ("# x\nguitar, guitar\n", "line 2 has 'guitar', which line 2 has already"),
        ("guitar\n", "line 1 is 'guitar'; expected two or more tags"),
        ("guitar,, guitars\n", "line 1 is 'guitar, , guitars'"),
        ("guitar, lute\n", "line 1 has 'lute', which is no tag of the annotations"),
    ],
)
def test_wrong_synonyms_are_explained_by_line(written, tmp_path, text, message):
    path = tmp_path / "mine.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=rf"mine\.txt, {message}"):
        listing(written, synonyms=str(path))


def test_synonyms_that_are_not_there_are_answered_with_the_choices(written):
    with pytest.raises(MissingError, match=r"must be published, none or the path"):
        listing(written, synonyms="nowhere.txt")


def test_synonyms_that_are_no_text_are_refused(written, tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"mine\.txt cannot be read as UTF-8"):
        listing(written, synonyms=str(tmp_path / "mine.txt"))


def test_more_tags_than_there_are_are_refused(written):
    with pytest.raises(DataError, match="is 50, but there are only 5 tags"):
        listing(written, most_frequent_tags=50)


def test_the_original_split_needs_all_clips(written):
    with pytest.raises(
        DataError, match=r"all 25863 clips, and the annotations have 34"
    ):
        listing(written, split="original")


def test_a_folder_in_raw_is_refused(tiny):
    with pytest.raises(DataError, match=r"dataset\.folder is .* keep your music"):
        magnatagatune.listing(config(tiny), tiny.parent, seed=0, workers=1)
