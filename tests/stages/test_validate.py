"""What stage `validate` promises, and what the suites of `expectations/` catch."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import SPLITS
from tagsmith.datasets.listing import one_source
from tagsmith.errors import DataError, MissingError
from tagsmith.quality import expectations
from tagsmith.quality.expectations import Inspection
from tagsmith.stages import ingest, validate
from tagsmith.store import TRACK_COLUMNS, Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import audio as sounds
from tests.fakes import folder as fake

A_FILE = {"validation.most_quarantined": 0.1}


@pytest.fixture(autouse=True)
def _in_the_repositorys_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def _without_pages(monkeypatch):
    """Save half a second that tests of something else do not need."""
    monkeypatch.setattr(Inspection, "write_docs", lambda _, folder: folder)


without_pages = pytest.mark.usefixtures("_without_pages")


@pytest.fixture
def store(tmp_path):
    """Tables of twelve faultless tracks, without their audio."""
    described = fake.rows()
    tracks = pd.DataFrame(
        {
            "track_id": [Path(row["path"]).stem for row in described],
            "path": [row["path"] for row in described],
            "sha256": [f"{number:064x}" for number in range(12)],
            "declared_seconds": 29.0,
            "decoded_seconds": 29.05,
            "sample_rate_hz": 44100,
            "channels": 2,
            "rms_db": -20.0,
            "artist": [row["artist"] for row in described],
            "album": "",
            "recording": "",
            "group": [row["artist"] for row in described],
            "licence": "CC0",
            "split": [row["split"] for row in described],
            "problem": "",
        }
    )[list(TRACK_COLUMNS)]
    pairs = [
        (track, tag)
        for track, row in zip(tracks["track_id"], described, strict=True)
        for tag in row["tags"].split("|")
    ]
    store = Store(tmp_path / "data")
    store.write_table("tracks", tracks)
    store.write_table("annotations", pd.DataFrame(pairs, columns=["track_id", "tag"]))
    store.write_table("genres", one_source())
    return store


def run(store, overrides=None):
    params = fake.params(store.root.parent, overrides)
    recorder = MemoryRecorder()
    validate.run(params, store, recorder)
    return recorder


def plant(store, table, changes):
    """Change cells of a table: `{column: {row: value}}`."""
    frame = store.read_table(table)
    for column, cells in changes.items():
        values = frame[column].astype(object)
        for row, value in cells.items():
            values[row] = value
        frame[column] = values.infer_objects()
    store.write_table(table, frame)


def test_faultless_tables_pass(store):
    recorder = run(store)
    report = store.read_report("validation", made_by="validate")
    assert report["success"] and report["quarantined"] == 0
    assert set(report["suites"]) == {"tracks", "annotations", "splits"}
    assert all(suite["success"] for suite in report["suites"].values())
    assert len(store.read_tracks()) == 12
    assert ("quarantined", 0.0, 0) in recorder.logged_metrics


def test_pages_show_every_suite(store):
    run(store)
    docs = store.find("reports", "data_docs", "tables", made_by="validate")
    assert (docs / "index.html").is_file()
    pages = [path.as_posix() for path in docs.rglob("validations/**/*.html")]
    assert len(pages) == 3
    assert "expect" in Path(pages[0]).read_text("utf-8").lower()


def test_equal_tables_give_equal_pages(store):
    first, second = ([*pages_after_a_run(store)] for _ in range(2))
    assert first == second


def pages_after_a_run(store):
    run(store)
    docs = store.find("reports", "data_docs", "tables", made_by="validate")
    for path in sorted(docs.rglob("*.html")):
        yield path.relative_to(docs), path.read_text("utf-8")


@without_pages
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"problem": "is empty (0 bytes)", "decoded_seconds": 0.0}, "is empty"),
        (
            {"decoded_seconds": 12.2},
            "decodes to 12.2 s, but 29.0 s are declared",
        ),
        (
            {"decoded_seconds": 35.0},
            "decodes to 35.0 s, but 29.0 s are declared",
        ),
        (
            {"decoded_seconds": 0.1, "declared_seconds": 0.1},
            "lasts 0.10 s, less than 0.5 s",
        ),
        ({"rms_db": -90.0}, "is silent: -90 dB, below -70 dB"),
        ({"sample_rate_hz": 4000}, "has a sample rate of 4000 Hz"),
    ],
)
def test_a_bad_file_goes_to_quarantine_with_its_reason(store, changes, reason):
    plant(store, "tracks", {name: {4: value} for name, value in changes.items()})
    run(store, A_FILE)
    [(track_id, given)] = store.read_table("quarantine").to_numpy()
    assert track_id == "track04" and given.startswith(reason)
    assert "track04" not in store.read_tracks().index


def test_too_many_bad_files_stop_the_stage_and_are_named(store):
    plant(store, "tracks", {"rms_db": {4: -90.0, 5: -95.0}})
    with pytest.raises(
        DataError, match=r"2 of 12 files .*0\.1.*track04 is silent"
    ) as e:
        run(store, A_FILE)
    assert "track05 is silent: -95 dB" in str(e.value)
    assert len(store.read_table("quarantine")) == 2
    assert not store.read_report("validation", made_by="validate")["success"]


def test_a_length_that_nobody_declares_is_no_fault(store):
    plant(store, "tracks", {"declared_seconds": {4: math.nan}})
    run(store)
    assert store.read_table("quarantine").empty


@without_pages
@pytest.mark.parametrize(
    ("table", "changes", "message"),
    [
        ("tracks", {"track_id": {5: "track04"}}, "is a track id twice.*track04"),
        ("tracks", {"path": {5: "album1/track04.wav"}}, "another track.*track04"),
        ("tracks", {"rms_db": {4: math.nan}}, r"has no rms_db \(track04\)"),
        ("tracks", {"rms_db": {4: math.nan}}, "no rms_db .track04"),
        ("tracks", {"group": {4: ""}}, r"has no group \(track04\)"),
        ("tracks", {"split": {4: "dev"}}, r"unknown split, 'dev' \(track04\)"),
        ("tracks", {"split": {4: None}}, r"has no split \(track04\)"),
        (
            "tracks",
            {"group": {4: "artist02"}},
            r"group 'artist02' is in several splits \(track02, track04\)",
        ),
        (
            "tracks",
            {"sha256": {4: f"{2:064x}"}},
            r"same audio \(sha256 0{12}\) is in several splits \(track02, track04\)",
        ),
        ("annotations", {"tag": {8: ""}}, r"has an empty tag \(track04\)"),
        ("annotations", {"tag": {9: "low"}}, r"has the tag 'low' twice \(track04\)"),
        ("annotations", {"track_id": {8: "x"}}, r"has tags but is not a track \(x\)"),
        ("annotations", {"tag": {8: "rare"}}, "tag 'rare' has no track in validation "),
    ],
)
def test_what_cannot_be_trusted_stops_the_stage(store, table, changes, message):
    plant(store, table, changes)
    with pytest.raises(DataError, match=message):
        run(store)
    report = store.read_report("validation", made_by="validate")
    assert not report["success"] and sum(report["critical"].values())


@without_pages
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_split_without_tracks_stops_the_stage(store, split):
    frame = store.read_table("tracks")
    other = "test" if split == "train" else "train"
    store.write_table(
        "tracks", frame.assign(split=frame["split"].replace(split, other))
    )
    with pytest.raises(DataError, match="must all have tracks"):
        run(store)


def test_a_tag_whose_tracks_are_all_in_quarantine_is_missed(store):
    plant(store, "tracks", {"rms_db": {3: -90.0, 11: -90.0}})  # all of test with `high`
    with pytest.raises(DataError, match="tag 'high' has no track in test"):
        run(store, {"validation.most_quarantined": 0.5})


def test_the_same_audio_within_a_split_is_only_noted(store, caplog):
    plant(store, "tracks", {"sha256": {4: f"{0:064x}"}})
    with caplog.at_level("INFO", logger="tagsmith"):
        run(store)
    noted = "splits: has the same audio as another track (track00, track04)"
    assert noted in caplog.messages


def test_a_table_without_a_column_stops_the_stage(store):
    tracks = store.read_table("tracks").drop(columns="problem")
    store.write_table("tracks", tracks)
    with pytest.raises(DataError, match="problem"):
        run(store)


@without_pages
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("zero_byte", "is empty (0 bytes)"),
        ("text", "is not audio, whatever its name says"),
        ("truncated", "decodes to 1.9 s, but 4.0 s are declared"),
        ("silent", "is silent: -200 dB"),
        ("short", "lasts 0.10 s, less than 0.5 s"),
        ("not_a_number", "holds samples that are no numbers"),
    ],
)
def test_real_bad_files_go_to_quarantine(tmp_path, kind, reason):
    described = fake.rows(24, suffix="mp3")
    fake.write(tmp_path, described, seconds=0.6)
    path = sounds.BAD[kind](tmp_path / "music" / described[4]["path"])
    described[4]["path"] = path.relative_to(tmp_path / "music").as_posix()
    fake.manifest(tmp_path, described)
    store = Store(tmp_path / "data", scratch=tmp_path / "scratch")
    ingest.run(fake.params(tmp_path), store, MemoryRecorder())
    run(store, A_FILE)
    [(track_id, given)] = store.read_table("quarantine").to_numpy()
    assert track_id == "album1/track04" and given.startswith(reason)


# --- what splits share


@without_pages
def test_what_held_out_tracks_share_with_training_is_told(store, caplog):
    plant(store, "tracks", {"album": dict.fromkeys(range(12), "One")})
    plant(store, "tracks", {"recording": {0: "suite", 3: "Suite", 7: "air"}})
    with caplog.at_level("INFO", logger="tagsmith"):
        recorder = run(store)
    told = "test: 3 of 3 tracks (100.0 %) share their album with a training track"
    assert told in caplog.messages
    assert (
        "test: 1 of 2 tracks (50.0 %) share their recording with a training track "
        "(unknown: 1 more, and 5 training tracks)" in caplog.messages
    )
    leaked = store.read_report("validation", made_by="validate")["leaks"]["test"]
    assert (leaked["album"]["shared"], leaked["artist"]["share"]) == (3, 0)
    assert ("test/leak/recording", 0.5, 0) in recorder.logged_metrics


@without_pages
def test_what_nobody_says_is_told_to_be_unknown(store, caplog):
    with caplog.at_level("INFO", logger="tagsmith"):
        recorder = run(store)
    assert (
        "test: whether tracks share their recording or album with a training track "
        "is unknown" in caplog.messages
    )
    leaked = store.read_report("validation", made_by="validate")["leaks"]["test"]
    assert leaked["recording"]["share"] is None
    names = {name for name, *_ in recorder.logged_metrics}
    assert "test/leak/artist" in names and "test/leak/recording" not in names


@without_pages
def test_tracks_in_quarantine_share_nothing(store):
    plant(store, "tracks", {"artist": {0: "Trio", 3: "Trio"}, "rms_db": {0: -90.0}})
    run(store, A_FILE)
    leaked = store.read_report("validation", made_by="validate")["leaks"]["test"]
    assert leaked["artist"]["shared"] == 0


def test_a_table_of_an_earlier_version_is_refused(store):
    store.write_table("tracks", store.read_table("tracks").drop(columns="recording"))
    with pytest.raises(DataError, match=r"no column recording.*dvc repro -f ingest"):
        run(store)


# --- the suites of tables that later stages write


@pytest.fixture
def scored(store):
    """Scores of one model, and an index of one feature."""
    run(store)
    for split in ("train", "validation", "test"):
        truth = store.read_truth(split)
        store.write_scores("crnn", split, truth.astype(float) * 0.5 + 0.25)
    tracks = store.read_tracks().index
    index = {"track_id": tracks, "frames": 1812, "lowest": -80.0, "highest": 12.0}
    folder = store.empty("features", "logmel")
    pd.DataFrame(index).to_parquet(folder / "index.parquet", index=False)
    return store


def test_faultless_features_and_scores_pass(scored):
    expectations.check_features(scored, "logmel")
    expectations.check_scores(scored, {"crnn": SPLITS})
    docs = scored.place("reports", "data_docs")
    assert (docs / "features_logmel" / "index.html").is_file()
    assert (docs / "scores" / "index.html").is_file()


@without_pages
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": 0}, r"has no frames \(track04\)"),
        ({"lowest": np.nan}, r"has no lowest \(track04\)"),
        ({"lowest": 20.0}, r"lowest value above its highest \(track04\)"),
        ({"track_id": "track05"}, r"is in the store twice \(track05\)"),
    ],
)
def test_features_that_cannot_be_learnt_from_are_named(scored, change, message):
    path = scored.place("features", "logmel", "index.parquet")
    index = pd.read_parquet(path)
    for name, value in change.items():
        index.loc[4, name] = value
    index.to_parquet(path, index=False)
    with pytest.raises(DataError, match=message):
        expectations.check_features(scored, "logmel")


def test_features_of_too_few_tracks_are_refused(scored):
    path = scored.place("features", "logmel", "index.parquet")
    pd.read_parquet(path).iloc[1:].to_parquet(path, index=False)
    with pytest.raises(DataError, match="does not hold every track"):
        expectations.check_features(scored, "logmel")


def test_scores_beyond_one_are_named(scored):
    scores = scored.read_scores("crnn", "test")
    scores.loc["track03", "tone"] = 1.5
    scored.write_scores("crnn", "test", scores)
    with pytest.raises(DataError, match=r"score 1\.5 of crnn for 'tone'.*\(track03\)"):
        expectations.check_scores(scored, {"crnn": SPLITS})


def test_nan_scores_are_refused(scored):
    scores = scored.read_scores("crnn", "test")
    scores.loc["track03", "tone"] = np.nan
    scored.write_scores("crnn", "test", scores)
    with pytest.raises(DataError, match="NaN"):
        expectations.check_scores(scored, {"crnn": SPLITS})


# --- the files of expectations/


def test_the_suites_are_as_authored(tmp_path):
    expectations.author(tmp_path)
    for path in tmp_path.glob("*.json"):
        kept = (ROOT / "expectations" / path.name).read_text("utf-8")
        assert path.read_text("utf-8") == kept


def test_there_is_a_suite_for_every_table():
    names = {path.stem for path in (ROOT / "expectations").glob("*.json")}
    assert names == {"tracks", "annotations", "splits", "features", "scores"}


def test_a_missing_suite_is_named(tmp_path):
    with pytest.raises(MissingError, match="author-expectations"):
        Inspection(tmp_path).check("tracks", pd.DataFrame({"track_id": ["a"]}))


def test_somebodys_own_expectation_needs_no_reason(tmp_path):
    own = {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": "licence", "value_set": ["CC0"]},
    }
    suite = {"name": "tracks", "meta": {"row": ["track_id"]}, "expectations": [own]}
    (tmp_path / "tracks.json").write_text(json.dumps(suite))
    table = pd.DataFrame({"track_id": ["a", "b"], "licence": ["CC0", "none"]})
    [finding] = Inspection(tmp_path).check("tracks", table)
    assert (finding.severity, finding.row) == ("critical", "b")
    assert finding.reason == "does not meet expect_column_values_to_be_in_set"
