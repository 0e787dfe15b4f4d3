"""What stage `ingest` promises."""

import math

import pytest

from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.features.audio import sha256
from tagsmith.features.probe import probe as real_probe
from tagsmith.stages import ingest
from tagsmith.store import TRACK_COLUMNS, Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import audio as sounds
from tests.fakes import folder as fake


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data", scratch=tmp_path / "scratch")


def run(folder, store, overrides=None):
    recorder = MemoryRecorder()
    ingest.run(fake.params(folder, overrides), store, recorder)
    return recorder


def test_tracks_have_their_columns_in_order(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    tracks = store.read_table("tracks")
    assert tuple(tracks.columns) == TRACK_COLUMNS
    assert tracks["track_id"].is_monotonic_increasing and len(tracks) == 12
    assert tracks["decoded_seconds"].tolist() == [1.0] * 12


def test_annotations_name_tracks(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    recorder = run(tmp_path, store)
    annotations = store.read_table("annotations")
    known = set(store.read_table("tracks")["track_id"])
    assert set(annotations["track_id"]) == known
    assert ("tags", 3.0, 0) in recorder.logged_metrics


def tagged(store, name):
    """The pairs of a table, in its order."""
    table = store.read_table(name)
    assert list(table.columns) == ["track_id", "tag"]
    return list(table.itertuples(index=False, name=None))


def test_withheld_tags_are_known_but_no_tagger_learns_them(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    everything = tagged(store, "annotations")
    recorder = run(tmp_path, store, {"zeroshot.withheld": ["low", "high"]})
    assert store.read_tags() == ["tone"]
    assert {tag for _, tag in tagged(store, "withheld")} == {"low", "high"}
    pairs = tagged(store, "annotations") + tagged(store, "withheld")
    assert sorted(pairs) == everything
    assert ("tags", 1.0, 0) in recorder.logged_metrics
    assert ("withheld", 2.0, 0) in recorder.logged_metrics


def test_nothing_withheld_is_a_table_without_rows(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    assert tagged(store, "withheld") == []
    known = store.read_known_annotations()
    assert known["tag"].dtype == store.read_table("annotations")["tag"].dtype


def test_a_track_whose_tags_are_all_withheld_stays_a_track(tmp_path, store):
    described = fake.rows()
    described[0]["tags"] = "odd"
    fake.write(tmp_path, described)
    run(tmp_path, store, {"zeroshot.withheld": ["odd"]})
    (only,) = tagged(store, "withheld")
    assert only[0] in set(store.read_table("tracks")["track_id"])
    assert len(store.read_table("tracks")) == 12


def test_a_withheld_tag_that_no_track_has_is_answered_with_the_nearest(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    said = (
        r"zeroshot\.withheld must name tags that a track has, got 'hihg' \(did you "
        r"mean 'high'\?\), 'xx'; the data set has high, low, tone; .*\[\] withholds"
    )
    with pytest.raises(ConfigError, match=said):
        run(tmp_path, store, {"zeroshot.withheld": ["low", "hihg", "xx"]})
    assert not store.place("tables").exists()


def test_of_many_tags_the_first_are_shown(tmp_path, store):
    described = fake.rows()
    described[0]["tags"] = "|".join(f"tag{number:02d}" for number in range(40))
    fake.write(tmp_path, described)
    with pytest.raises(ConfigError, match="tag26, tag27 and 13 more; take out"):
        run(tmp_path, store, {"zeroshot.withheld": ["reel"]})


def test_not_everything_can_be_withheld(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    with pytest.raises(DataError, match="names all 3 tags of the data set, and leaves"):
        run(tmp_path, store, {"zeroshot.withheld": ["tone", "low", "high"]})
    assert not store.place("tables").exists()


def test_two_cores_find_what_one_finds(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    other = Store(tmp_path / "other", scratch=tmp_path / "other")
    run(tmp_path, other, {"engine.workers": 2})
    assert store.read_table("tracks").equals(other.read_table("tracks"))


def test_a_second_run_decodes_nothing(tmp_path, store, monkeypatch):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    first = store.read_table("tracks")
    monkeypatch.setattr(ingest, "probe", lambda path: pytest.fail(f"decoded {path}"))
    run(tmp_path, store)
    assert store.read_table("tracks").equals(first)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, store, monkeypatch):
    fake.write(tmp_path, fake.rows())
    decoded = []

    def probe(path):
        decoded.append(path)
        if len(decoded) == 6:
            raise KeyboardInterrupt
        return real_probe(path)

    monkeypatch.setattr(ingest, "probe", probe)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, store)
    with (tmp_path / "scratch" / "probes.jsonl").open("a") as notes:
        notes.write('["half a li')
    run(tmp_path, store)
    assert len(decoded) == 13 and len(store.read_table("tracks")) == 12


def test_a_changed_file_is_decoded_again(tmp_path, store):
    described = fake.rows()
    fake.write(tmp_path, described)
    run(tmp_path, store)
    path = tmp_path / "music" / described[0]["path"]
    sounds.write(path, sounds.noise(seconds=2))
    run(tmp_path, store)
    tracks = store.read_table("tracks").set_index("path")
    assert tracks["decoded_seconds"][described[0]["path"]] == 2.0
    assert tracks["sha256"][described[0]["path"]] == sha256(path)


def test_files_that_are_no_longer_listed_are_removed(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    fake.manifest(tmp_path, fake.rows()[:4])
    run(tmp_path, store)
    left = [path for path in store.place("raw").rglob("*") if path.is_file()]
    assert len(left) == 4 and len(store.read_table("tracks")) == 4


@pytest.mark.parametrize("kind", sounds.BAD)
def test_a_bad_file_is_listed_with_its_problem(tmp_path, store, kind):
    described = fake.rows(4, suffix="mp3")
    fake.write(tmp_path, described)
    path = sounds.BAD[kind](tmp_path / "music" / described[0]["path"])
    described[0]["path"] = path.relative_to(tmp_path / "music").as_posix()
    fake.manifest(tmp_path, described)
    run(tmp_path, store)
    track = store.read_table("tracks").set_index("path").loc[described[0]["path"]]
    unreadable = {"zero_byte", "text", "not_a_number"}
    assert bool(track["problem"]) == (kind in unreadable)
    assert not math.isnan(track["rms_db"])


def test_a_promise_of_the_publisher_comes_before_the_files_own(tmp_path, store):
    described = fake.rows(4)
    described[0]["duration_seconds"] = 29.5
    fake.write(tmp_path, described)
    run(tmp_path, store)
    tracks = store.read_table("tracks").set_index("path")
    assert tracks["declared_seconds"][described[0]["path"]] == 29.5
    assert tracks["declared_seconds"][described[1]["path"]] == 1.0


def test_a_missing_manifest_stops_the_stage(tmp_path, store):
    with pytest.raises(MissingError, match=r"manifest\.csv is not there"):
        run(tmp_path, store)


def test_a_wrong_manifest_leaves_everything_as_it_was(tmp_path, store):
    fake.write(tmp_path, fake.rows())
    run(tmp_path, store)
    fake.manifest(tmp_path, [{"path": "/etc/passwd", "tags": "x"}])
    with pytest.raises(DataError, match="row 2 leads outside"):
        run(tmp_path, store)
    assert len(list(store.place("raw").rglob("*.wav"))) == 12
    assert len(store.read_table("tracks")) == 12
