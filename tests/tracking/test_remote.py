"""A tracking server elsewhere: runs, versions and bundles go there and come back."""

import base64
import json
import os
import subprocess
import sys

import mlflow
import pandas as pd
import pytest
import requests

from tagsmith.stages import promote, promote_zeroshot
from tagsmith.tracking import registry
from tagsmith.tracking.recording import mlflow_run
from tagsmith.tracking.server import STRANGE_NAME
from tests.conftest import ROOT
from tests.fakes import ensembles, wordtaggers
from tests.fakes.experiments import tiny_params
from tests.fakes.objects import object_store
from tests.fakes.postgresql import postgresql
from tests.fakes.tracking import mlflow_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("server"),
]
PARAMS = tiny_params(
    **{
        "promotion.floor": 0.0,
        "promotion.bootstrap_samples": 100,
        "zeroshot.registered": {"siamese": "words"},
    }
)


@pytest.fixture
def objects(monkeypatch):
    with object_store(monkeypatch) as store:
        yield store


@pytest.fixture
def server(tmp_path, monkeypatch, objects):
    """Let MLflow's clients know a server's address, and no key of the object store."""
    assert objects.endpoint == os.environ["MLFLOW_S3_ENDPOINT_URL"]
    with postgresql() as database, mlflow_server(database, tmp_path) as address:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.delenv("MLFLOW_S3_ENDPOINT_URL")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        monkeypatch.chdir(tmp_path)
        yield


def tagsmith(*words, folder):
    """Run a command on what might be another machine."""
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "tagsmith", *words]
    options = {"cwd": folder, "capture_output": True, "text": True}
    return subprocess.run(command, check=False, env=environment, **options)


def test_a_champion_is_promoted_on_a_server_and_tags_from_there(
    objects, tmp_path, rng, monkeypatch
):
    ensembles.put_in_place(monkeypatch)
    store = ensembles.store(tmp_path / "data", rng)
    with mlflow_run(PARAMS, name="promote", stage="promote") as recorder:
        promote.run(PARAMS, store, recorder)
    run = mlflow.get_run(recorder.run_id)
    assert (run.data.tags["status"], run.data.metrics["promoted"]) == ("completed", 1)
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    champion = registry.aliased(PARAMS.promotion.registered_model, "champion")
    assert champion.tags["promoted"] == "true"
    kept = objects.names("mlflow/")
    assert any(name.endswith("model_card.md") for name in kept)
    assert any(name.endswith("thresholds.tsv") for name in kept)
    model = mlflow.pyfunc.load_model(f"models:/{champion.model}@champion")
    tone = ensembles.tone(tmp_path / "tone.wav").read_bytes()
    recordings = pd.DataFrame({"audio": [base64.b64encode(tone).decode()]})
    (told,) = model.predict(recordings, params={"top": 1})["tags"]
    assert told[0]["score"] == pytest.approx(0.7, abs=0.05)
    assert not (tmp_path / "mlflow.db").exists()


def test_the_server_answers_only_to_names_that_it_was_told():
    address = os.environ["MLFLOW_TRACKING_URI"]
    search = f"{address}/api/2.0/mlflow/experiments/search?max_results=1"
    told = requests.get(search, headers={"Host": "x.org"}, timeout=60)
    assert (told.status_code, told.text.startswith(STRANGE_NAME)) == (403, True)


@pytest.mark.keras
def test_another_machine_tags_with_nothing_but_the_address(tmp_path):
    store = wordtaggers.store(tmp_path / "data")
    with mlflow_run(PARAMS, name="promote_zeroshot", stage="promote") as recorder:
        promote_zeroshot.run(PARAMS, store, recorder, "siamese")
    tone = ensembles.tone(tmp_path / "tone.wav")
    words = ("--model", "models:/words@champion", "--tags", "sea shanty", "flute")
    told = tagsmith("tag", str(tone), "--json", *words, folder=tmp_path / "elsewhere")
    assert told.returncode == 0, told.stderr
    (result,) = json.loads(told.stdout)
    assert {heard["tag"] for heard in result["tags"]} == {"sea shanty", "flute"}
