"""A siamese model as one MLflow model: words are asked for with the recording."""

import base64
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import mlflow
import pandas as pd
import pytest

from tagsmith.errors import DataError
from tagsmith.models.wordtagger import WordTagger, write_bundle
from tagsmith.tracking import pyfunc_words, recordings, registry
from tests.fakes import ensembles, wordtaggers
from tests.fakes.experiments import TAGS

pytestmark = pytest.mark.keras
ASKED = ["sea shanty", "hurdy gurdy"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle that nobody changes."""
    made = wordtaggers.store(tmp_path_factory.mktemp("made"))
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(made, "siamese", folder)
    return folder


@pytest.fixture(scope="module")
def tags_of(bundle):
    model = pyfunc_words.AudioWordTagger()
    model.load_context(SimpleNamespace(artifacts={"bundle": str(bundle)}))

    def tags_of(*recordings, **params):
        table = pd.DataFrame({"audio": [str(each) for each in recordings]})
        return list(model.predict(None, table, params)["tags"])

    return tags_of


@pytest.fixture(autouse=True)
def trusting(monkeypatch):
    """Let callers name files, in this process and those that it starts."""
    monkeypatch.setenv(recordings.ACCEPTS, "data urls files")


@pytest.fixture
def recording(tmp_path):
    return ensembles.tone(tmp_path / "tone.wav")


def test_words_get_scores_and_no_decisions(tags_of, recording):
    (heard,) = tags_of(recording, tags=ASKED)
    assert {each["tag"] for each in heard} == {*ASKED}
    assert all(set(each) == {"tag", "score"} for each in heard)
    assert heard[0]["score"] >= heard[1]["score"]


@pytest.mark.parametrize("params", [{}, {"tags": []}], ids=str)
def test_without_words_the_tags_that_it_learnt_are_scored(tags_of, recording, params):
    (heard,) = tags_of(recording, **params)
    assert {each["tag"] for each in heard} == {*TAGS}


def test_top_limits_the_words(tags_of, recording):
    (all_of_them,) = tags_of(recording, tags=ASKED)
    (heard,) = tags_of(recording, tags=ASKED, top=1)
    assert heard == all_of_them[:1]


def test_base64_of_a_recording_is_heard_as_the_file(tags_of, recording):
    coded = base64.b64encode(recording.read_bytes()).decode()
    first, second = tags_of(recording, coded, tags=ASKED)
    assert first == second


def test_a_stranger_names_no_file(tags_of, recording, monkeypatch):
    monkeypatch.delenv(recordings.ACCEPTS)
    with pytest.raises(recordings.RefusedError, match="files of this machine need"):
        tags_of(recording, tags=ASKED)


def test_words_are_refused_before_anything_is_heard(tags_of):
    with pytest.raises(DataError, match=wordtaggers.LACKS):
        tags_of(tags=[wordtaggers.LACKS])


@pytest.mark.usefixtures("mlflow_database")
def test_a_registered_model_takes_words_or_none(bundle, recording):
    version = registry.register(bundle, "words", {}, served_by=pyfunc_words)
    model = mlflow.pyfunc.load_model(version.uri)
    table = pd.DataFrame({"audio": [str(recording)]})
    (learnt,) = model.predict(table)["tags"]
    (asked,) = model.predict(table, params={"tags": ASKED, "top": 1})["tags"]
    assert (len(learnt), len(asked)) == (len(TAGS), 1)
    assert asked[0]["tag"] in ASKED


ELSEWHERE = """
import json, sys
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
table = pandas.DataFrame({"audio": [sys.argv[2]]})
heard = model.predict(table, params={"tags": sys.argv[3:]})["tags"][0]
print(json.dumps({"code": sys.modules["tagsmith"].__file__, "heard": heard}))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("mlflow_database")
def test_a_registered_model_hears_the_same_without_the_repository(
    bundle, recording, tmp_path
):
    version = registry.register(bundle, "words", {}, served_by=pyfunc_words)
    here = WordTagger.load(bundle).listen(recording, ASKED)
    command = [sys.executable, "-c", ELSEWHERE, version.uri, str(recording), *ASKED]
    elsewhere = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    said = subprocess.check_output(command, cwd=tmp_path, env=elsewhere, text=True)
    there = json.loads(said.splitlines()[-1])
    assert there["code"].startswith(str(tmp_path / "mlruns"))
    assert [each["tag"] for each in there["heard"]] == [each.tag for each in here]
    scores = [each["score"] for each in there["heard"]]
    assert scores == pytest.approx([each.score for each in here], abs=1e-5)
