"""Runs: what is recorded, how they end, and how one goes on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest

from tagsmith.config import Params
from tagsmith.errors import TrackingError
from tagsmith.tracking.recording import MemoryRecorder, digest, mlflow_run
from tagsmith.tracking.server import answering, connect
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("mlflow_database")


@pytest.fixture(scope="module")
def params():
    return Params.load(ROOT / "params.yaml")


def only_run() -> mlflow.entities.Run:
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    return run


def test_a_run_that_ends_well_is_completed(params):
    with mlflow_run(params, name="crnn_gru", stage="train") as recorder:
        assert only_run().data.tags["status"] == "started"
    run = mlflow.get_run(recorder.run_id)
    assert run.data.tags["status"] == "completed"
    assert run.info.status == "FINISHED"


def test_a_run_that_raises_is_failed(params):
    with (
        pytest.raises(KeyError),
        mlflow_run(params, name="crnn_gru", stage="train"),
    ):
        raise KeyError
    assert only_run().data.tags["status"] == "failed"
    assert only_run().info.status == "FAILED"


def test_a_run_says_from_what_it_was_made(params):
    git = ("git", "-c", "user.name=ada", "-c", "user.email=ada@example.org")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Begin"], check=True)
    with mlflow_run(params, name="fuse", stage="fuse"):
        pass
    tags = only_run().data.tags
    assert (tags["stage"], tags["profile"]) == ("fuse", params.profile)
    assert len(tags["git_commit"]) == 40
    assert tags["git_dirty"] == "false"


def test_training_records_the_load_of_the_machine(params, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    with mlflow_run(params, name="crnn_gru", stage="train"):
        time.sleep(0.5)
    assert "system/cpu_utilization_percentage" in only_run().data.metrics


def test_a_run_is_in_the_experiment_of_the_parameters(params):
    with mlflow_run(params, name="fuse", stage="fuse"):
        pass
    experiment = mlflow.get_experiment(only_run().info.experiment_id)
    assert experiment.name == params.experiment


def test_models_are_recorded_under_the_same_names_so_that_they_compare(params):
    for name in ("crnn_gru", "crnn_lstm"):
        with mlflow_run(params, name=name, stage="train"):
            pass
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    recorded = {run.data.params["cfg.model.recurrence"] for run in runs}
    assert recorded == {"gru", "lstm"}
    assert not any("models." in key for run in runs for key in run.data.params)


def test_models_carry_the_tags_by_which_the_ui_finds_them(params):
    for name in ("crnn_gru", "crnn_lstm", "multiscale"):
        with mlflow_run(params, name=name, stage="train"):
            pass
    recurrent = mlflow.search_runs(
        search_all_experiments=True,
        filter_string="tags.stage = 'train' and tags.architecture = 'crnn'",
        output_format="list",
    )
    tags = {run.data.tags["model"]: run.data.tags for run in recurrent}
    found = {name: own["recurrence"] for name, own in tags.items()}
    assert found == {"crnn_gru": "gru", "crnn_lstm": "lstm"}
    assert tags["crnn_gru"]["feature"] == "logmel"
    assert tags["crnn_gru"]["profile"] == params.profile


def test_only_models_have_the_tags_of_models(params):
    for name in ("fuse", "multiscale"):
        with mlflow_run(params, name=name, stage="any"):
            pass
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    tags = {run.info.run_name: run.data.tags for run in runs}
    assert not {"model", "architecture"} & tags["fuse"].keys()
    assert tags["multiscale"]["architecture"] == "multiscale"
    assert "recurrence" not in tags["multiscale"]


def test_the_parameters_of_mlflow_run_are_not_in_the_way(params, monkeypatch):
    run = mlflow.MlflowClient().create_run("0")
    mlflow.MlflowClient().log_param(run.info.run_id, "rnn", "gru")
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    with mlflow_run(params, name="crnn_gru", stage="train") as recorder:
        recorder.params({"rnn": "GRU"})
    assert recorder.run_id == run.info.run_id
    assert only_run().data.params.items() >= {"rnn": "gru", "cfg.rnn": "GRU"}.items()


def test_a_resumed_training_goes_on_in_its_run(params):
    with mlflow_run(params, name="crnn_gru", stage="train") as first:
        first.metrics({"loss": 2.0}, step=0)
    with mlflow_run(params, name="crnn_gru", stage="train", run_id=first.run_id) as run:
        run.metrics({"loss": 1.0}, step=1)
    curve = mlflow.MlflowClient().get_metric_history(only_run().info.run_id, "loss")
    assert [(point.step, point.value) for point in curve] == [(0, 2.0), (1, 1.0)]


def test_the_run_of_mlflow_run_says_where_a_resumed_training_went_on(
    params, monkeypatch
):
    with mlflow_run(params, name="crnn_gru", stage="train") as old:
        pass
    fresh = mlflow.MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", fresh)
    with mlflow_run(params, name="crnn_gru", stage="train", run_id=old.run_id) as run:
        assert run.run_id == old.run_id
    tags = mlflow.get_run(fresh).data.tags
    assert tags["tagsmith.continued_in"] == old.run_id
    assert old.run_id in tags["mlflow.note.content"]


def test_a_run_that_this_database_does_not_know_is_not_gone_on_with(params, caplog):
    with mlflow_run(params, name="crnn_gru", stage="train", run_id="0" * 32) as run:
        assert run.run_id != "0" * 32
    assert "0" * 32 in caplog.text


def test_a_run_that_goes_on_keeps_the_parameters_it_began_with(params):
    with mlflow_run(params, name="crnn_gru", stage="train") as first:
        pass
    other = params.override({"engine.workers": 7})
    with mlflow_run(other, name="crnn_gru", stage="train", run_id=first.run_id):
        pass
    assert only_run().data.params["cfg.engine.workers"] == str(params.engine.workers)


def test_a_tag_with_an_ampersand_can_be_measured(params):
    with mlflow_run(params, name="evaluate", stage="evaluate") as run:
        run.metrics({"f_score/r&b": 0.5, "f_score/rnb": 0.25})
    (renamed,) = {*only_run().data.metrics} - {"f_score/rnb"}
    assert only_run().data.metrics[renamed] == 0.5
    assert only_run().data.tags[f"metric.{renamed}"] == "f_score/r&b"


def test_the_resolved_parameters_are_kept_as_a_file(params, tmp_path):
    with mlflow_run(params, name="fuse", stage="fuse") as run:
        pass
    kept = mlflow.artifacts.download_artifacts(
        run_id=run.run_id, artifact_path="params.yaml", dst_path=str(tmp_path / "kept")
    )
    assert Params.load(Path(kept)) == params


def test_files_and_folders_are_kept(params, tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "roc.png").touch()
    with mlflow_run(params, name="evaluate", stage="evaluate") as run:
        run.artifact(tmp_path / "plots")
        run.artifact(tmp_path / "plots" / "roc.png", "pictures")
    client = mlflow.MlflowClient()
    assert client.list_artifacts(run.run_id, "plots")[0].path == "plots/roc.png"
    assert client.list_artifacts(run.run_id, "pictures")[0].path == "pictures/roc.png"


def test_the_data_set_is_named_by_the_bytes_of_its_tables(params, tmp_path):
    table = tmp_path / "tracks.parquet"
    table.write_bytes(b"one")
    with mlflow_run(params, name="crnn_gru", stage="train") as run:
        run.dataset("scores", [table])
    (used,) = only_run().inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("scores", digest([table]))
    table.write_bytes(b"two")
    assert used.dataset.digest != digest([table])


def test_a_server_that_does_not_answer_is_one_sentence_within_seconds(
    monkeypatch, params
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    began = time.monotonic()
    with (
        pytest.raises(TrackingError, match=r"http://127\.0\.0\.1:9 cannot be reached"),
        mlflow_run(params, name="fuse", stage="fuse"),
    ):
        pass
    assert time.monotonic() - began < 10


def test_a_dead_server_is_given_up_sooner_than_by_mlflow_itself(monkeypatch):
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    connect()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"


def test_a_server_that_does_not_know_its_name_is_one_sentence():
    said = (
        "error code 403. Response body: 'Invalid Host header - possible DNS rebinding"
    )
    with pytest.raises(TrackingError, match="--allowed-hosts"), answering("open a run"):
        raise mlflow.MlflowException(said)


def test_only_the_first_answer_of_a_server_is_waited_for_impatiently(monkeypatch):
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT as PATIENCE

    monkeypatch.delenv(PATIENCE.name, raising=False)
    seen = []
    search = mlflow.search_experiments
    monkeypatch.setattr(
        mlflow,
        "search_experiments",
        lambda **options: seen.append(PATIENCE.get()) or search(**options),
    )
    connect()
    assert (seen, PATIENCE.get()) == ([10], 120)


def test_what_the_user_told_mlflow_stays(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "9")
    connect()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "9"


@pytest.mark.slow
def test_processes_that_start_at_once_share_a_new_database(tmp_path):
    code = "from tagsmith.tracking.server import connect; connect()"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    environment.pop("MLFLOW_TRACKING_URI", None)
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment)
        for _ in range(3)
    ]
    assert [process.wait() for process in started] == [0] * 3
    assert (tmp_path / "mlflow.db").exists()


def test_a_list_takes_what_mlflow_takes(tmp_path):
    recorder = MemoryRecorder()
    recorder.params({"crop": {"seconds": 4}})
    recorder.metrics({"loss": 1.0}, step=3)
    recorder.tags({"device": "cpu"})
    recorder.artifact(tmp_path)
    assert recorder.logged_params == {"crop.seconds": "4"}
    assert recorder.logged_metrics == [("loss", 1.0, 3)]
    assert recorder.logged_artifacts == [(tmp_path, None)]


def test_a_parameters_name_that_mlflow_refuses_is_changed(params):
    with mlflow_run(params, name="fuse", stage="fuse") as recorder:
        recorder.params({"weights.crnn_*": 3})
        recorder.params({"weights.crnn_*": 4})  # the first value stays
    logged = mlflow.get_run(recorder.run_id).data.params
    (name,) = (each for each in logged if each.startswith("cfg.weights.crnn__."))
    assert logged[name] == "3"
