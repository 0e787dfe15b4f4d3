"""`tagsmith predict`: a manifest in, a table of scores out, whatever comes between."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tagsmith import cli, predicting
from tagsmith.config import Loky
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.predicting import manifest, shards, worker
from tagsmith.stages import promote
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import audio, bundles, ensembles
from tests.fakes.experiments import TAGS, tiny_params

ONE = Loky(kind="loky", workers=1)


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    return str(ensembles.bundle(tmp_path / "bundle"))


@pytest.fixture
def music(tmp_path):
    return bundles.tracks(tmp_path / "music", 5, seconds=0.1)


def table(path, rows, columns=("track_id", "path")):
    pd.DataFrame(rows, columns=list(columns)).to_csv(path, index=False)
    return path


# --- what comes out


def test_every_track_has_a_score_of_every_tag(bundle, music, tmp_path):
    done = predicting.scores(music, tmp_path / "scores.parquet", bundle, ONE)
    assert list(done.scores.index) == [f"track{number:03d}" for number in range(5)]
    assert list(done.scores.columns) == TAGS and done.scores.index.name == "track_id"
    assert set(done.scores.dtypes) == {np.dtype(np.float32)}
    assert done.scores.to_numpy().min() > 0 and done.failed.empty


def test_the_file_says_what_made_it(bundle, music, tmp_path):
    done = predicting.scores(music, tmp_path / "scores.parquet", bundle, ONE)
    told = shards.told(tmp_path / "scores.parquet")
    assert told == done.model
    assert told["version"] == bundle and told["tags"] == TAGS
    assert {len(told[key]) for key in told if key.endswith("sha256")} == {64}


def test_decisions_are_the_ensembles(bundle, music, tmp_path):
    out = tmp_path / "scores.parquet"
    done = predicting.predict(music, out, bundle, ONE, decisions=True)
    decided = pd.read_parquet(tmp_path / "scores_decisions.parquet")
    pd.testing.assert_frame_equal(decided, done.scores >= 0.2)


def test_nothing_but_the_output_is_left(bundle, music, tmp_path):
    predicting.scores(music, tmp_path / "out" / "scores.parquet", bundle, ONE)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scores.parquet"]


@pytest.mark.usefixtures("mlflow_database")
def test_the_champion_scores_where_no_model_is_named(music, tmp_path, rng, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    store = ensembles.store(tmp_path / "data", rng)
    params = tiny_params(**{"promotion.floor": 0.0})
    promote.run(params, store, MemoryRecorder())
    done = predicting.scores(music, tmp_path / "scores.parquet", None, ONE)
    assert done.model["version"] == "models:/tagsmith/1"
    assert len(done.scores) == 5


# --- which tracks


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".txt"])
def test_a_manifest_may_be_a_table_or_a_list(music, suffix):
    path = music.parent / f"list{suffix}"
    rows = pd.DataFrame({"path": ["music/track001.wav", str(music / "track002.wav")]})
    match suffix:
        case ".parquet":
            rows.to_parquet(path)
        case ".txt":
            path.write_text("# mine\n\n" + "\n".join(rows["path"]))
        case _:
            rows.to_csv(path, sep="\t" if suffix == ".tsv" else ",", index=False)
    found = manifest.read(path)
    assert [each.file for each in found] == [music / f"track00{n}.wav" for n in (1, 2)]
    assert found[0].track_id == "music/track001"


def test_a_folder_is_its_audio_however_deep(music):
    audio.write(music / "deep" / "er" / "one.flac", audio.sine(seconds=0.1))
    (music / "notes.pdf").touch()
    found = [each.track_id for each in manifest.read(music)]
    assert found == [*(f"track{n:03d}" for n in range(5)), "deep/er/one"]


@pytest.mark.parametrize(
    ("rows", "columns", "error", "message"),
    [
        ([("a", "b")], ("id", "file"), DataError, "no column 'path'; .*'id', 'file'"),
        ([], ("track_id", "path"), DataError, "lists no tracks"),
        ([("a", "")], ("track_id", "path"), DataError, "track 1 has no path"),
        ([("", "a.wav")], ("track_id", "path"), DataError, r"a\.wav has no track_id"),
        (
            [("a", "x.wav"), ("a", "y.wav")],
            ("track_id", "path"),
            DataError,
            "lists a more than once",
        ),
        ([("a", "x.wav")], ("track_id", "path"), MissingError, "none of its 1 files"),
    ],
)
def test_a_manifest_that_is_wrong_is_one_sentence(
    tmp_path, rows, columns, error, message
):
    with pytest.raises(error, match=message):
        manifest.read(table(tmp_path / "list.csv", rows, columns))


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("gone.csv", None, MissingError, "is not there; expected a table"),
        ("list.xls", b"x", DataError, "is no manifest: expected a table"),
        ("list.csv", b"path\n\xff\xfe\n", DataError, "cannot be read as a .csv"),
        ("list.txt", b"\xff\xfe", DataError, "not a list of paths in UTF-8"),
        ("list.parquet", b"PAR?", DataError, "cannot be read as a .parquet"),
        ("list.csv", b"", DataError, "cannot be read as a .csv"),
    ],
)
def test_a_file_that_is_no_manifest_is_one_sentence(
    tmp_path, name, content, error, message
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        manifest.read(tmp_path / name)


# --- what goes wrong


def test_a_track_that_cannot_be_scored_is_told_and_left_out(bundle, music, tmp_path):
    audio.text(music / "text.wav")
    audio.zero_byte(music / "zero.mp3")
    rows = [(name, f"music/{name}") for name in ("text.wav", "zero.mp3", "gone.ogg")]
    listed = table(tmp_path / "list.csv", [*rows, ("good", "music/track000.wav")])
    done = predicting.scores(listed, tmp_path / "scores.parquet", bundle, ONE)
    assert list(done.scores.index) == ["good"]
    assert list(done.failed["track_id"]) == ["text.wav", "zero.mp3", "gone.ogg"]
    for reason, words in zip(
        done.failed["reason"], ("is not audio", "is empty", "is not there"), strict=True
    ):
        assert words in reason
    assert "3 could not be scored" in done.sentence


def test_where_no_track_can_be_scored_no_scores_are_written(bundle, tmp_path):
    audio.text(tmp_path / "text.wav")
    listed = table(tmp_path / "list.csv", [("a", "text.wav")])
    with pytest.raises(DataError, match=r"none of the 1 tracks .*scores_failed\.csv"):
        predicting.scores(listed, tmp_path / "scores.parquet", bundle, ONE)
    assert not (tmp_path / "scores.parquet").exists()


def test_what_is_no_ensemble_is_refused(music, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="is no ensemble"):
        predicting.scores(music, tmp_path / "s.parquet", str(tmp_path / "empty"), ONE)
    with pytest.raises(ConfigError, match=r"should end in \.parquet"):
        predicting.scores(music, tmp_path / "scores.csv", None, ONE)


def test_one_process_at_a_time_makes_an_output(bundle, music, tmp_path, monkeypatch):
    out = tmp_path / "scores.parquet"

    def meanwhile(*_, **__):
        with pytest.raises(DataError, match="another process is making"):
            predicting.scores(music, out, bundle, ONE)
        return iter(())

    monkeypatch.setattr("tagsmith.predicting.run.each", meanwhile)
    with pytest.raises(FileNotFoundError):  # as nothing was scored
        predicting.scores(music, out, bundle, ONE)


def command(monkeypatch, *typed):
    monkeypatch.setenv("TAGSMITH_PARAMS", str(ROOT / "params.yaml"))
    monkeypatch.setattr(sys, "argv", ["tagsmith", "predict", *map(str, typed)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_command_ends_with_2_if_a_track_failed(
    bundle, music, tmp_path, monkeypatch, capsys
):
    options = ["--model", bundle, "--set", "engine.workers=1"]
    out = ["--out", tmp_path / "scores.parquet"]
    assert command(monkeypatch, music, *out, *options) in {0, None}
    audio.text(music / "text.wav")
    assert command(monkeypatch, music, *out, *options) == 2
    assert "1 could not be scored" in capsys.readouterr().out


def test_an_engine_that_does_not_exist_is_named_with_those_that_do(
    monkeypatch, capsys, tmp_path
):
    options = ["--out", tmp_path / "s.parquet", "--set", "engine.kind=spark"]
    assert command(monkeypatch, tmp_path, *options) == 2
    said = capsys.readouterr().err
    assert "engine:" in said and "'spark'" in said and "'dask'" in said


# --- killed, and asked again


def count_calls(monkeypatch):
    calls = []
    score = worker.score

    def counted(shard, bundle):
        calls.append(shard.number)
        return score(shard, bundle)

    monkeypatch.setattr(worker, "score", counted)
    return calls


def test_what_is_there_is_not_made_again(bundle, music, tmp_path, monkeypatch):
    out = tmp_path / "scores.parquet"
    predicting.scores(music, out, bundle, ONE)
    calls = count_calls(monkeypatch)
    predicting.predict(music, out, bundle, ONE, decisions=True)
    assert not calls and (tmp_path / "scores_decisions.parquet").exists()


def test_a_file_that_changed_is_scored_again(bundle, music, tmp_path):
    out = tmp_path / "scores.parquet"
    before = predicting.scores(music, out, bundle, ONE).scores
    audio.write(music / "track001.wav", 0.1 * audio.sine(seconds=0.2))
    after = predicting.scores(music, out, bundle, ONE).scores
    changed = (before != after).any(axis=1)
    assert list(changed[changed].index) == ["track001"]


SLOWLY = """
import time
from pathlib import Path
from tests.fakes import ensembles
from tagsmith import predicting
from tagsmith.config import Loky
from tagsmith.predicting import worker
ensembles.install()
score = worker.score
def slowly(shard, bundle):
    time.sleep(0.5)
    return score(shard, bundle)
worker.score = slowly
predicting.scores(
    Path("music"), Path("killed.parquet"), "bundle", Loky(kind="loky", workers=1)
)
"""


@pytest.mark.usefixtures("bundle")
def test_a_killed_command_goes_on_and_ends_as_an_undisturbed_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundles.tracks(tmp_path / "music", 4 * shards.TRACKS, seconds=0.05)
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen([sys.executable, "-c", SLOWLY], env=environment) as process:
        while not list(tmp_path.glob("killed.parquet.unfinished/shard-*.parquet")):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    calls = count_calls(monkeypatch)
    for name in ("killed.parquet", "undisturbed.parquet"):
        predicting.scores(Path("music"), Path(name), "bundle", ONE)
    assert 4 < len(calls) < 8  # of the first output, what was missing
    assert (
        Path("killed.parquet").read_bytes() == Path("undisturbed.parquet").read_bytes()
    )


# --- real networks


@pytest.mark.slow
@pytest.mark.keras
def test_real_networks_score_alike_on_any_number_of_workers(tmp_path):
    bundle = str(bundles.write(tmp_path / "bundle"))
    music = bundles.tracks(tmp_path / "music", shards.TRACKS + 3)
    found = {}
    for workers in (1, 2):
        engine = Loky(kind="loky", workers=workers)
        out = tmp_path / f"{workers}.parquet"
        found[workers] = predicting.scores(music, out, bundle, engine).scores
    pd.testing.assert_frame_equal(found[1], found[2], rtol=1e-5)
    alone = worker.loaded(Path(bundle)).score(music / "track034.wav")
    np.testing.assert_allclose(found[2].loc["track034"], alone, rtol=1e-5)
    assert pq.read_metadata(tmp_path / "2.parquet").num_rows == len(found[2])
