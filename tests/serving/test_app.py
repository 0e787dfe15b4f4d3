"""The page's server: answers, refuses, and lives."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.fakes import audio as sounds
from tests.fakes import ensembles
from tests.fakes.experiments import TAGS


def asked(address, path, body=None, method=None, **headers):
    """Send a request; return its state, its headers and what it answers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(address + path, body, named, method=method)  # noqa: S310
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, answer.headers, json.loads(answer.read())
    except HTTPError as error:
        return error.code, error.headers, json.loads(error.read() or "{}")


@pytest.fixture
def tone(tmp_path):
    return ensembles.tone(tmp_path / "tone.flac").read_bytes()


def test_tags_are_those_that_the_ensemble_says_of_the_file(
    address, hearing, tone, tmp_path
):
    state, _, answer = asked(address, "/api/tags", tone)
    assert state == 200
    heard = hearing.listen(tmp_path / "tone.flac")
    assert answer == {"seconds": 1.0, "tags": [asdict(each) for each in heard]}
    assert asked(address, "/api/tags?top=1", tone)[2]["tags"] == answer["tags"][:1]


def test_a_taggram_has_a_row_of_scores_for_every_tag(address, tmp_path):
    path = sounds.write(tmp_path / "tone.wav", sounds.sine(seconds=9))
    _, _, answer = asked(address, "/api/taggram", path.read_bytes())
    assert answer["tags"] == TAGS
    assert answer["starts"] == [0, 2, 4]
    assert [len(row) for row in answer["scores"]] == [3] * len(TAGS)


def test_two_hundred_requests_eight_at_once_are_all_answered(address, tone):
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: asked(address, "/api/tags", tone), range(200))
        )
    assert [state for state, *_ in answers] == [200] * 200
    assert all(answer == answers[0][2] for *_, answer in answers)


JSON = {"Content_Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "state"),
    [
        ("/api/tags", b"", {}, 400),
        ("/api/tags", b"la la la" * 99, {}, 422),
        ("/api/tags?top=none", b"la", {}, 400),
        ("/api/tags?top=-1", b"la", {}, 400),
        ("/api/tags", bytes(1_000_001), {}, 413),
        ("/api/tags", b"{", JSON, 400),
        ("/api/tags", b"[" * 9999, JSON, 400),
        ("/api/tags", b"[]", JSON, 400),
        ("/api/tags", b'{"url": 7}', JSON, 400),
        ("/api/tags", b" " * 20_000, JSON, 413),
        ("/api/tags", b'{"url": "file:///etc/passwd"}', JSON, 422),
        ("/api/tags", b'{"url": "/etc/passwd"}', JSON, 422),
        ("/api/tags", b'{"url": "http://127.0.0.1:22/"}', JSON, 422),
        ("/api/tags", b'{"url": "http://169.254.169.254/latest"}', JSON, 422),
        ("/api/tags", b'{"url": "http://[::1]/"}', JSON, 422),
        ("/../../etc/passwd", None, {}, 404),
        ("/page/page.js", None, {}, 404),
        ("/api/tags", None, {}, 405),
    ],
    ids=str,
)
def test_what_is_wrong_gets_a_sentence_and_the_server_lives(
    address, path, body, headers, state
):
    found, _, answer = asked(address, path, body, **headers)
    assert found == state
    assert answer["error"] and "Traceback" not in answer["error"]
    assert "/tmp" not in answer["error"]  # noqa: S108 - where it lay
    assert asked(address, "/health")[2] == {"status": "ok"}


def test_a_long_recording_in_few_bytes_is_refused(address, tmp_path):
    path = sounds.write(tmp_path / "silence.flac", sounds.silence(seconds=30))
    state, _, answer = asked(address, "/api/tags", path.read_bytes())
    assert (state, answer["error"]) == (
        422,
        "the recording is longer than 20 s; send an excerpt",
    )


def test_a_body_of_unknown_length_is_bounded_too(address):
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
    blocks = (bytes(100_000) for _ in range(11))
    connection.request("POST", "/api/tags", blocks, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_who_is_one_too_many_is_told_to_come_back(served, settings, hearing, tone):
    with (
        served(replace(settings, at_once=1, waiting=1)) as address,
        ThreadPoolExecutor(2) as pool,
    ):
        with hearing.turn:  # so that nobody else is heard
            waiting = [pool.submit(asked, address, "/api/tags", tone) for _ in range(2)]
            time.sleep(1)
            state, headers, _ = asked(address, "/api/tags", tone)
        assert (state, headers["Retry-After"]) == (503, "2")
        assert [each.result()[0] for each in waiting] == [200, 200]


def test_what_takes_too_long_is_given_up_and_keeps_its_turn(
    served, settings, hearing, tone
):
    few = replace(settings, at_once=1, waiting=0, work_seconds=0.3)
    with served(few) as address:
        with hearing.turn:
            assert asked(address, "/api/tags", tone)[0] == 503
            assert "too many" in asked(address, "/api/tags", tone)[2]["error"]
        time.sleep(0.5)
        assert asked(address, "/api/tags", tone)[0] == 200


def test_addresses_can_be_ruled_out(served, settings):
    with served(replace(settings, fetch=False)) as address:
        body = b'{"url": "https://example.org/song.mp3"}'
        assert asked(address, "/api/tags", body, **JSON)[0] == 403
        assert asked(address, "/api/model")[2]["fetch"] is False


def test_a_mistake_of_ours_is_not_explained_to_strangers(
    address, hearing, tone, monkeypatch, caplog
):
    def broken(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(type(hearing), "listen", broken)
    state, _, answer = asked(address, "/api/tags", tone)
    assert state == 500 and "secret" not in answer["error"]
    assert "secret" in caplog.text


def test_nothing_stays_behind(address, tone, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    for body in (tone, b"no audio", b""):
        asked(address, "/api/tags", body)
    assert not list((tmp_path / "temporary").iterdir())


def test_the_page_loads_nothing_from_elsewhere(address):
    with urlopen(address) as answer:  # noqa: S310
        policy = answer.headers["Content-Security-Policy"]
        assert "//" not in answer.read().decode().replace("https://example.org", "")
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert threading.active_count() < 50
