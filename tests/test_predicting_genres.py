"""What `predict-genres` promises: new tracks in, a MediaEval run out."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tagsmith import cli, genrefiles
from tagsmith.config import Loky
from tagsmith.datasets.acousticbrainz import documents
from tagsmith.errors import DataError, MissingError
from tagsmith.models import ensemble, sources
from tagsmith.predicting import genres
from tagsmith.predicting.output import failed_path, read_failures
from tagsmith.store import write_json, write_text
from tests.fakes import acousticbrainz as fake
from tests.fakes import audio, bundles
from tests.fakes.experiments import TAGS

pytestmark = pytest.mark.keras

ENGINE = Loky(kind="loky", workers=1)
GENRES = ["jazz", "rock", "rock---punk"]
ROWS = fake.rows(8, bad=False)
IDS = sorted(row["recording"] for row in ROWS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """An ensemble of one network that nobody trained; it decides for all but jazz."""
    folder = bundles.write(tmp_path_factory.mktemp("bundle"), ["melband_fcn"])
    for path in (folder / "tags.txt", folder / "models/melband_fcn/model.json"):
        text = path.read_text("utf-8")
        for tag, genre in zip(TAGS, GENRES, strict=True):
            text = re.sub(rf"\b{tag}\b", genre, text)
        write_text(path, text)
    write_text(folder / "thresholds.tsv", "jazz\tinf\nrock\t2.0\nrock---punk\t0.0\n")
    return folder


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """Documents in folders."""
    folder = tmp_path_factory.mktemp("new")
    for number, row in enumerate(ROWS):
        fake.write_document(folder, row, number)
    return folder


def submitted(tracks, out, bundle, **options):
    tracks = [str(each) for each in tracks]
    options = {"parents": False, "engine": ENGINE, **options}
    return genres.submit(tracks, out, str(bundle), **options)


def changed(bundle, copy):
    return Path(shutil.copytree(bundle, copy))


def lines(run):
    return run.read_text("utf-8").splitlines()


def test_a_run_has_what_is_decided_of_every_document_of_a_folder(bundle, new, tmp_path):
    text, failed = submitted([new], tmp_path / "run.tsv", bundle)
    assert lines(tmp_path / "run.tsv") == [f"{each}\trock---punk" for each in IDS]
    assert not failed and "8 tracks" in text
    assert [path.name for path in tmp_path.iterdir()] == ["run.tsv"]


def test_documents_one_by_one_and_at_once_are_decided_alike(bundle, new, tmp_path):
    heard = ensemble.Ensemble.load(bundle)
    alone = {path.stem: heard.score(path) for path in new.rglob("*.json")}
    middle = np.median(list(alone.values()), axis=0)
    limits = zip(GENRES, middle.tolist(), strict=True)
    strict = changed(bundle, tmp_path / "strict")
    write_text(strict / "thresholds.tsv", "".join(f"{g}\t{m}\n" for g, m in limits))
    submitted([new], tmp_path / "together.tsv", strict)
    submitted(sorted(new.rglob("*.json")), tmp_path / "apart.tsv", strict)
    together, apart = (lines(tmp_path / f"{x}.tsv") for x in ("together", "apart"))
    assert sorted(together) == sorted(apart)
    assert len({line.partition("\t")[2] for line in together}) > 1


@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_how_many_are_scored_together_changes_nothing(
    bundle, new, tmp_path, monkeypatch, at_once
):
    monkeypatch.setattr(genres, "AT_ONCE", at_once)
    submitted([new], tmp_path / "run.tsv", bundle)
    assert lines(tmp_path / "run.tsv") == [f"{each}\trock---punk" for each in IDS]


def test_what_was_read_before_and_addresses_will_do(bundle, new, tmp_path):
    documents.read([str(new)], tmp_path / "read", engine=ENGINE)
    for name, root in {"kept": tmp_path / "read", "address": f"file://{new}"}.items():
        submitted([root], tmp_path / f"{name}.tsv", bundle)
        run = lines(tmp_path / f"{name}.tsv")
        assert run == [f"{each}\trock---punk" for each in IDS]


def test_documents_and_audio_may_be_named_one_by_one(bundle, new, tmp_path):
    audio.write(tmp_path / "song.wav", audio.chord(300, 450, seconds=1))
    one = new / fake.document_path(ROWS[0])
    submitted([tmp_path / "song.wav", one], tmp_path / "run.tsv", bundle)
    run = genrefiles.read_run(tmp_path / "run.tsv")
    assert list(run["recording"]) == ["song", ROWS[0]["recording"]]


def test_a_subgenres_genre_comes_with_it_where_it_is_asked_for(bundle, new, tmp_path):
    submitted([new], tmp_path / "run.tsv", bundle, parents=True)
    run = genrefiles.read_run(tmp_path / "run.tsv")
    assert set(run["label"]) == {"rock", "rock---punk"}


def test_what_cannot_be_heard_is_left_out_and_told(bundle, new, tmp_path):
    for name, row in zip(["short", "nan"], ROWS[:2], strict=True):
        bad = {**row, "recording": name, "fault": name}
        fake.write_document(tmp_path / "bad", bad, 20)
    (tmp_path / "letter.mp3").write_text("Dear sir or madam")
    out = tmp_path / "run.tsv"
    tracks = [new, tmp_path / "bad", tmp_path / "letter.mp3", tmp_path / "gone.json"]
    text, failed = submitted(tracks, out, bundle)
    failures = read_failures(failed_path(out)).set_index("track_id")["reason"]
    assert failed and "4 could not be heard" in text and str(failed_path(out)) in text
    assert set(failures.index) == {"short", "nan", "letter", "gone"}
    assert "39 bands" in failures["short"] and "NaN" in failures["nan"]
    assert len(lines(out)) == len(ROWS)


def test_a_killed_command_reads_no_document_twice(bundle, new, tmp_path, monkeypatch):
    out = tmp_path / "run.tsv"
    with monkeypatch.context() as patch:
        patch.setattr(genres, "decide", killed)
        with pytest.raises(KeyboardInterrupt):
            submitted([new], out, bundle)
    assert not out.exists()
    monkeypatch.setattr("tagsmith.datasets.acousticbrainz.chunks.read", killed)
    submitted([new], out, bundle)
    assert len(lines(out)) == len(ROWS)


def killed(*_):
    raise KeyboardInterrupt


def test_two_tracks_of_one_id_are_refused(bundle, new, tmp_path):
    one = new / fake.document_path(ROWS[0])
    with pytest.raises(DataError, match=f"have the id {ROWS[0]['recording']}; rename"):
        submitted([one, new], tmp_path / "run.tsv", bundle)
    assert not (tmp_path / "run.tsv").exists()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no documents: there is no .json"),
        (["a.json"], "all 1 documents.*not JSON"),
    ],
)
def test_documents_that_make_no_run_are_refused(bundle, tmp_path, names, message):
    folder = tmp_path / "new"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("{")
    with pytest.raises(DataError, match=message):
        submitted([folder], tmp_path / "run.tsv", bundle)
    assert not (tmp_path / "run.tsv").exists()


def test_audio_that_cannot_be_heard_makes_no_run(bundle, tmp_path):
    with pytest.raises(DataError, match=r"none of 1 tracks could be heard; .*_failed"):
        submitted([tmp_path / "gone.mp3"], tmp_path / "run.tsv", bundle)


def test_a_model_that_hears_more_than_documents_hold_is_refused(new, tmp_path):
    both = bundles.write(tmp_path / "both")
    with pytest.raises(DataError, match=r"hears \['logmel'\], but documents hold mel"):
        submitted([new], tmp_path / "run.tsv", both)


@pytest.mark.usefixtures("mlflow_database")
def test_without_a_champion_its_name_is_told_and_nothing_is_left(new, tmp_path):
    out = tmp_path / "runs" / "run.tsv"
    with pytest.raises(MissingError, match="no champion of tagsmith-genres"):
        genres.submit([str(new)], out, parents=False, engine=ENGINE)
    assert list(out.parent.iterdir()) == []


# --- other sources


def test_without_other_sources_asking_for_one_says_how_to_have_it(
    bundle, new, tmp_path
):
    with pytest.raises(DataError, match=r"'discogs'; it knows \[\].*genres.submitted"):
        submitted([new], tmp_path / "run.tsv", bundle, source="discogs")


def test_the_target_may_be_asked_for_by_name(bundle, new, tmp_path):
    named = changed(bundle, tmp_path / "bundle")
    told = {"target": "allmusic", "models": {}}
    write_json(named / sources.DESCRIPTION, told)
    submitted([new], tmp_path / "run.tsv", named, source="allmusic")
    assert len(lines(tmp_path / "run.tsv")) == len(ROWS)


# --- what is typed


def test_the_command_says_what_it_wrote_and_fails_if_a_track_is_missing(
    bundle, new, tmp_path, monkeypatch, capsys
):
    typed = [str(new), str(tmp_path / "gone.mp3"), "--out", str(tmp_path / "run.tsv")]
    typed = ["tagsmith", "predict-genres", *typed, "--model", str(bundle)]
    monkeypatch.setattr(sys, "argv", [*typed, "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "8 tracks, by" in capsys.readouterr().out
