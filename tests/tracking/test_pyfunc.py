"""The ensemble as one model: what it takes, what it gives, what it objects to."""

import base64
import functools
import json
import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import mlflow
import pandas as pd
import pytest

from tagsmith import fetching, internet
from tagsmith.admission import Limits
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.models import bundle as bundles
from tagsmith.models import ensemble
from tagsmith.tracking import pyfunc, recordings, registry
from tests.fakes import ensembles
from tests.fakes.experiments import TAGS, tiny_params


def write(store, folder):
    ensemble.write_bundle(
        store,
        folder,
        calibration=tiny_params().calibration,
        test_set_sha256="0" * 64,
        metrics={"ROC-AUC-macro": 0.9},
    )


@pytest.fixture
def bundle(tmp_path, rng, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    folder = tmp_path / "bundle"
    write(ensembles.store(tmp_path / "data", rng), folder)
    return folder


@pytest.fixture
def stranger(bundle):
    """What a stranger is told."""
    model = pyfunc.AudioTagger()
    model.load_context(SimpleNamespace(artifacts={"bundle": str(bundle)}))

    def tags_of(*sent, **params):
        table = pd.DataFrame({"audio": [str(each) for each in sent]})
        return list(model.predict(None, table, params)["tags"])

    return tags_of


@pytest.fixture
def tags_of(stranger, monkeypatch):
    """What a caller is told whom the process trusts."""
    monkeypatch.setenv(recordings.ACCEPTS, "data urls files")
    return stranger


@pytest.fixture
def recording(tmp_path):
    return ensembles.tone(tmp_path / "a tone.wav")


@pytest.fixture
def address(tmp_path, monkeypatch):
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serve = functools.partial(server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        # This machine stands in for the public internet.
        monkeypatch.setattr(internet, "is_public", lambda _: True)
        monkeypatch.setitem(fetching.PORTS, "http", server.server_port)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_recording_gets_tags_with_scores_and_decisions(tags_of, recording):
    (heard,) = tags_of(recording)
    assert [each["tag"] for each in heard] == TAGS
    loudness = 0.8 * (0.75 + 0.25 * 0.5)
    assert heard[0]["score"] == pytest.approx(loudness, abs=0.01)
    assert [each["decision"] for each in heard] == [True, False, False]


def test_the_likeliest_tag_is_first_and_top_limits_their_number(tags_of, recording):
    (heard,) = tags_of(recording, top=2)
    assert len(heard) == 2
    assert heard[0]["score"] >= heard[1]["score"]


def test_path_url_and_base64_of_a_recording_are_the_same(tags_of, recording, address):
    coded = base64.b64encode(recording.read_bytes()).decode()
    ways = [
        recording,
        recording.as_uri(),
        f"{address}/a%20tone.wav",
        coded,
        f"data:audio/wav;base64,{coded}",
    ]
    heard = tags_of(*ways)
    assert all(each == heard[0] for each in heard)


def test_every_row_gets_its_own_tags(tags_of, tmp_path):
    loud = ensembles.tone(tmp_path / "loud.wav", 0.9)
    quiet = ensembles.tone(tmp_path / "quiet.wav", 0.1)
    first, second, third = tags_of(loud, quiet, loud)
    assert first == third
    assert first[0]["score"] > second[0]["score"]


def test_what_is_neither_file_nor_url_nor_base64_is_said_to_be(tags_of):
    with pytest.raises(DataError, match=r"nowhere\.mp3 is neither .*, nor a file here"):
        tags_of("nowhere.mp3")


def test_a_stranger_reads_no_file_and_reaches_no_inner_address(stranger, recording):
    loopback = "http://127.0.0.1/tone.wav"
    for sent in (str(recording), recording.as_uri(), "/etc/passwd", loopback):
        with pytest.raises(recordings.RefusedError) as refusal:
            stranger(sent)
        assert refusal.value.get_http_status_code() == 400
        assert recording.name not in str(refusal.value).replace(sent, "")


def test_a_stranger_sends_base64_of_a_bounded_length(stranger, recording, monkeypatch):
    coded = base64.b64encode(recording.read_bytes()).decode()
    assert stranger(coded)[0][0]["tag"] == TAGS[0]
    monkeypatch.setattr(recordings, "LIMITS", Limits(longest_seconds=0.5))
    with pytest.raises(recordings.RefusedError, match=r"longer than 0\.5 s"):
        stranger(coded)
    monkeypatch.setattr(recordings, "LIMITS", Limits(most_bytes=1000))
    with pytest.raises(recordings.RefusedError, match="MB; send an excerpt"):
        stranger(coded)


def test_a_stranger_sends_a_bounded_number_of_recordings(stranger):
    with pytest.raises(recordings.RefusedError, match="100 recordings at most"):
        stranger(*["no audio"] * 101)


def test_what_is_accepted_must_be_spelt_right(stranger, monkeypatch):
    monkeypatch.setenv(recordings.ACCEPTS, "everything")
    with pytest.raises(DataError, match="lists some of data urls files"):
        stranger("no audio")
    with pytest.raises(ConfigError):
        recordings.accepted()


def test_addresses_can_be_ruled_out(stranger, monkeypatch):
    monkeypatch.setenv(recordings.ACCEPTS, "data")
    with pytest.raises(DataError, match="neither the base64 of an audio file;"):
        stranger("https://example.org/song.mp3")


def test_a_page_that_is_not_there_is_named(tags_of, address):
    with pytest.raises(DataError, match=r"/nothing\.mp3 cannot be fetched.*404"):
        tags_of(f"{address}/nothing.mp3")


def test_base64_of_something_else_is_no_audio(tags_of):
    letter = base64.b64encode(b"Dear sir or madam, " * 9).decode()
    with pytest.raises(DataError, match=rf"^{letter[:80]}\.\.\. is not audio"):
        tags_of(letter)


def test_a_member_without_weight_is_left_at_home(bundle):
    assert sorted(path.name for path in (bundle / "models").iterdir()) == [
        "loud",
        "quiet",
    ]


def test_equal_ensembles_are_equal_bytes(tmp_path, rng):
    made = ensembles.store(tmp_path / "data", rng)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        write(made, folder)
    assert bundles.sha256(folders[0]) == bundles.sha256(folders[1])
    (folders[1] / "tags.txt").write_text("flute\n")
    assert bundles.sha256(folders[0]) != bundles.sha256(folders[1])


def test_a_bundle_that_lost_a_file_says_so(bundle):
    (bundle / "thresholds.tsv").unlink()
    with pytest.raises(MissingError, match=r"no thresholds\.tsv"):
        ensemble.Ensemble.load(bundle)


def test_a_member_that_scores_other_tags_is_refused(bundle):
    (bundle / "tags.txt").write_text("flute\n")
    with pytest.raises(DataError, match="promote it again"):
        ensemble.Ensemble.load(bundle)


@pytest.mark.usefixtures("mlflow_database")
def test_a_registered_ensemble_tags_audio(bundle, recording, monkeypatch):
    monkeypatch.setenv(recordings.ACCEPTS, "files")
    said = {"profile": "tiny"}
    version = registry.register(bundle, "tagsmith", said, served_by=pyfunc)
    model = mlflow.pyfunc.load_model(version.uri)
    table = pd.DataFrame({"audio": [str(recording)]})
    (heard,) = model.predict(table, params={"top": 1})["tags"]
    assert heard[0]["tag"] == TAGS[0]
    assert model.metadata.signature.inputs.input_names() == ["audio"]


ELSEWHERE = """
import json, sys
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
heard = model.predict(pandas.DataFrame({"audio": [sys.argv[2]]}))["tags"][0]
print(json.dumps({"code": sys.modules["tagsmith"].__file__, "heard": heard}))
"""


@pytest.fixture
def real_bundle(tmp_path, rng):
    store = ensembles.store(tmp_path / "data", rng)
    ensembles.give_networks(store)
    write(store, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.usefixtures("mlflow_database")
def test_a_registered_ensemble_hears_the_same_without_the_repository(
    real_bundle, recording, tmp_path
):
    version = registry.register(real_bundle, "tagsmith", {}, served_by=pyfunc)
    here = ensemble.Ensemble.load(real_bundle).listen(recording)
    command = [sys.executable, "-c", ELSEWHERE, version.uri, str(recording)]
    elsewhere = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    elsewhere[recordings.ACCEPTS] = "files"
    said = subprocess.check_output(command, cwd=tmp_path, env=elsewhere, text=True)
    there = json.loads(said.splitlines()[-1])
    assert there["code"].startswith(str(tmp_path / "mlruns"))
    assert [each["tag"] for each in there["heard"]] == [each.tag for each in here]
    scores = [each["score"] for each in there["heard"]]
    assert scores == pytest.approx([each.score for each in here], abs=1e-5)
