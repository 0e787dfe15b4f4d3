"""`tagsmith tag`: files in, tags out, and a sentence for what went wrong."""

import json
import sys

import pytest

from tagsmith import cli, tagging
from tagsmith.errors import ConfigError, DataError, MissingError, TrackingError
from tagsmith.stages import promote, promote_zeroshot
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import ensembles, wordtaggers
from tests.fakes.experiments import TAGS, tiny_params

CHAMPION = "models:/tagsmith@champion"
ANY_WORDS = "models:/tagsmith-zeroshot@champion"
WORDS = ["hurdy gurdy", "sea shanty", "Flute"]


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


@pytest.fixture
def knows_words(mlflow_database, tmp_path):
    store = wordtaggers.store(tmp_path / "zeroshot")
    params = tiny_params(**{"zeroshot.registered": {"siamese": "tagsmith-zeroshot"}})
    promote_zeroshot.run(params, store, MemoryRecorder(), "siamese")
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


# --- any words


@pytest.mark.keras
@pytest.mark.usefixtures("knows_words")
def test_any_words_are_scored_best_first_and_not_decided(recording):
    text, failed = tagging.tag([recording], words=WORDS, as_json=True)
    (heard,) = (each["tags"] for each in json.loads(text))
    assert not failed
    assert {each["tag"] for each in heard} == {*WORDS}
    assert all(set(each) == {"tag", "score"} for each in heard)
    scores = [each["score"] for each in heard]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.keras
@pytest.mark.usefixtures("knows_words")
def test_text_of_words_has_scores_and_words(recording):
    text, _ = tagging.tag([recording], words=WORDS, top=2, as_json=False)
    path, *lines = text.splitlines()
    assert (path, len(lines)) == (str(recording), 2)
    (score, word), *_ = [line.split(maxsplit=1) for line in lines]
    assert 0 <= float(score) <= 1
    assert word in WORDS


@pytest.mark.keras
@pytest.mark.usefixtures("knows_words")
def test_a_word_without_a_vector_is_one_sentence_for_all_files(recording, caplog):
    files, words = [recording, recording], ["flute", wordtaggers.LACKS]
    with pytest.raises(DataError, match=wordtaggers.LACKS):
        tagging.tag(files, words=words, as_json=True)
    assert not caplog.records


@pytest.mark.keras
@pytest.mark.usefixtures("knows_words")
def test_a_model_for_words_wants_some(recording):
    with pytest.raises(ConfigError, match=r"zeroshot@champion .* add --tags WORDS"):
        tagging.tag([recording], ANY_WORDS, as_json=True)


@pytest.mark.usefixtures("registered")
def test_an_ensemble_takes_no_words(recording):
    with pytest.raises(ConfigError, match=f"only the tags that it learnt.*{ANY_WORDS}"):
        tagging.tag([recording], CHAMPION, words=WORDS, as_json=True)


@pytest.mark.usefixtures("mlflow_database")
def test_without_a_model_for_words_the_way_to_one_is_named(recording):
    with pytest.raises(MissingError, match="tagsmith promote-zeroshot"):
        tagging.tag([recording], words=WORDS, as_json=True)


# --- what was typed


@pytest.fixture
def asks(monkeypatch):
    """What the command asks of `tagging.tag` for the words of a command line."""

    def asks(*typed):
        asked = {}

        def tag(files, model, **options):
            asked.update(files=[str(each) for each in files], model=model, **options)
            return "", False

        monkeypatch.setattr(tagging, "tag", tag)
        monkeypatch.setattr(sys, "argv", ["tagsmith", "tag", *typed])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code in {0, None}
        return asked

    return asks


@pytest.mark.parametrize(
    "typed",
    [
        ["song.mp3", "--tags", "hurdy gurdy", "sea shanty", "--json"],
        ["--tags", "hurdy gurdy", "sea shanty", "--json", "song.mp3"],
        ["--json", "--tags", "hurdy gurdy", "sea shanty", "--", "song.mp3"],
        ["--tags", "hurdy gurdy", "--json", "song.mp3", "--tags", "sea shanty"],
        ["--tags=hurdy gurdy", "song.mp3", "--json", "--tags", "sea shanty"],
    ],
    ids=" ".join,
)
def test_words_go_up_to_the_next_option(asks, typed):
    asked = asks(*typed)
    assert asked["files"] == ["song.mp3"]
    assert asked["words"] == ["hurdy gurdy", "sea shanty"]
    assert asked["as_json"]
    assert (asked["model"], asked["top"]) == (None, None)


def test_without_words_five_tags_of_the_champion_are_asked_for(asks):
    asked = asks("song.mp3", "other.mp3")
    assert asked["files"] == ["song.mp3", "other.mp3"]
    assert (asked["words"], asked["model"], asked["top"]) == (None, None, 5)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["song.mp3", "--tags"], "tagsmith: --tags needs words"),
        (["--tags", "--json", "song.mp3"], "tagsmith: --tags needs words"),
        (["--tags", "jig", "song.mp3"], "tagsmith: no files: what follows --tags"),
    ],
    ids=str,
)
def test_what_was_typed_wrongly_is_one_sentence(monkeypatch, capsys, typed, sentence):
    monkeypatch.setattr(sys, "argv", ["tagsmith", "tag", *typed])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(sentence)
