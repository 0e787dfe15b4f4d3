"""`mlflow models serve` and the page say what `tagsmith tag` says, and both live on."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tagsmith.models import ensemble
from tagsmith.tracking import pyfunc, recordings, registry
from tests.fakes import ensembles
from tests.fakes.experiments import tiny_params

pytestmark = [pytest.mark.slow, pytest.mark.keras]
PATIENCE_SECONDS = 300


@pytest.fixture
def uri(tmp_path, rng, mlflow_database):
    """A registered ensemble of real, tiny networks."""
    assert mlflow_database
    params = tiny_params()
    store = ensembles.store(tmp_path / "data", rng)
    ensembles.give_networks(store)
    ensemble.write_bundle(
        store,
        tmp_path / "bundle",
        calibration=params.calibration,
        test_set_sha256="0" * 64,
        metrics={},
    )
    return registry.register(tmp_path / "bundle", "tagsmith", {}, served_by=pyfunc).uri


@pytest.fixture
def start(tmp_path):
    """Start a server; its children end with it."""
    running = []

    def start(*command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        env = {k: v for k, v in os.environ.items() if k != recordings.ACCEPTS}
        programs = str(Path(sys.executable).parent)  # MLflow calls uvicorn
        env["PATH"] = os.pathsep.join([programs, env["PATH"]])
        words = [sys.executable, "-m", *command, "--port", str(port)]
        log = (tmp_path / f"{port}.log").open("w")
        child = subprocess.Popen(
            words, env=env, stdout=log, stderr=log, start_new_session=True
        )
        running.append(child)
        address = f"http://127.0.0.1:{port}"
        wait_for(address, child)
        return address

    yield start
    for child in running:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait_for(address, child):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert child.poll() is None
        try:
            urlopen(f"{address}/health", timeout=5)  # noqa: S310
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail("the server does not answer")


def posted(address, body, kind):
    request = Request(address, body, {"Content-Type": kind})  # noqa: S310
    try:
        with urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def invoked(address, *sent):
    body = {
        "dataframe_split": {"columns": ["audio"], "data": [[each] for each in sent]}
    }
    return posted(
        f"{address}/invocations", json.dumps(body).encode(), "application/json"
    )


@pytest.mark.timeout(900)
def test_served_and_command_line_answers_are_equal_and_hostile_ones_get_a_4xx(
    uri, start, tmp_path
):
    recording = ensembles.tone(tmp_path / "tone.flac")
    command = [sys.executable, "-m", "tagsmith", "tag", "--json", "--top", "99"]
    said = subprocess.check_output([*command, str(recording), "--model", uri])
    (expected,) = (each["tags"] for each in json.loads(said))
    page = start("tagsmith", "serve", "--model", uri)
    mlflow = start("mlflow", "models", "serve", "-m", uri, "--env-manager", "local")

    def of_page(_):
        state, text = posted(f"{page}/api/tags", recording.read_bytes(), "audio/flac")
        return state, json.loads(text)["tags"]

    coded = base64.b64encode(recording.read_bytes()).decode()

    def of_mlflow(_):
        state, text = invoked(mlflow, coded)
        return state, json.loads(text)["predictions"][0]["tags"]

    for served in (of_page, of_mlflow):
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(served, range(200))) == [(200, expected)] * 200

    hostile = [str(recording), recording.as_uri(), "/etc/passwd", "http://127.0.0.1/"]
    hostile += [
        "http://169.254.169.254/",
        "la la la",
        "",
        coded[: len(coded) // 2 * 2 - 1],
    ]
    for sent in [*hostile, "A" * (110 << 20)]:
        state, text = invoked(mlflow, sent)
        assert state == 400 and "Traceback" not in text, (sent[:80], text[:300])
    for body in (b"{", b"[]", b'{"dataframe_split": 7}', b"\xff", b"null"):
        state, text = posted(f"{mlflow}/invocations", body, "application/json")
        assert 400 <= state < 500, (body, state, text[:300])
    assert invoked(mlflow, *["la"] * 101)[0] == 400
    assert of_mlflow(0) == of_page(0) == (200, expected)
