"""`tagsmith tag`: files in, tags out, and a sentence for what went wrong."""

import json

import pytest

from tagsmith import tagging
from tagsmith.errors import MissingError, TrackingError
from tagsmith.stages import promote
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import ensembles
from tests.fakes.experiments import TAGS, tiny_params

CHAMPION = "models:/tagsmith@champion"


@pytest.fixture
def recording(tmp_path):
    return ensembles.tone(tmp_path / "tone.flac")


@pytest.fixture
def registered(mlflow_database, tmp_path, rng, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    promote.run(
        tiny_params(**{"promotion.floor": 0.0}),
        ensembles.store(tmp_path / "data", rng),
        MemoryRecorder(),
    )
    return mlflow_database


@pytest.mark.usefixtures("registered")
def test_json_is_a_list_of_paths_and_tags(recording):
    text, failed = tagging.tag([recording], CHAMPION, top=2, as_json=True)
    (result,) = json.loads(text)
    assert not failed
    assert result["path"] == str(recording)
    assert [heard["tag"] for heard in result["tags"]] == TAGS[:2]
    assert {*result["tags"][0]} == {"tag", "score", "decision"}


@pytest.mark.usefixtures("registered")
def test_text_marks_what_the_ensemble_decides_for(recording):
    text, _ = tagging.tag([recording], CHAMPION, as_json=False)
    path, first, *others = text.splitlines()
    assert path == str(recording)
    assert first.split() == ["0.700", "yes", TAGS[0]]
    assert not any("yes" in line for line in others)


@pytest.mark.usefixtures("registered")
def test_a_bad_file_does_not_stop_the_others(recording, tmp_path, caplog):
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "letter.mp3").write_text("Dear sir or madam")
    bad = [tmp_path / name for name in ("empty.mp3", "letter.mp3", "gone.mp3")]
    text, failed = tagging.tag([*bad, recording], CHAMPION, as_json=True)
    assert failed
    assert [result["path"] for result in json.loads(text)] == [str(recording)]
    assert all(str(path) in caplog.text for path in bad)


@pytest.mark.usefixtures("registered")
def test_an_alias_that_nothing_has_is_named(recording):
    with pytest.raises(MissingError, match="no hero of tagsmith"):
        tagging.tag([recording], "models:/tagsmith@hero", as_json=True)


@pytest.mark.usefixtures("registered")
def test_a_version_that_is_not_there_is_named(recording):
    with pytest.raises(TrackingError, match="version=99"):
        tagging.tag([recording], "models:/tagsmith/99", as_json=True)


@pytest.mark.usefixtures("mlflow_database")
def test_without_a_champion_the_way_to_one_is_named(recording):
    with pytest.raises(MissingError, match="make repro"):
        tagging.tag([recording], CHAMPION, as_json=True)


def test_a_registry_that_does_not_answer_is_one_sentence(recording, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with pytest.raises(TrackingError, match="cannot be reached"):
        tagging.tag([recording], CHAMPION, as_json=True)
