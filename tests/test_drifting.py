"""`tagsmith drift`: from files and a bundle to a verdict, a page and an exit code."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from tagsmith import drifting
from tagsmith.cli import app
from tagsmith.config import AcousticBrainzDataset
from tagsmith.core import reference
from tagsmith.errors import DataError, MissingError
from tagsmith.reporting import drift as layout
from tagsmith.stages import promote
from tagsmith.stages import reference as stage
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import drifting as fakes
from tests.fakes import ensembles, heard
from tests.fakes.experiments import tiny_params

PARAMS = tiny_params(**{"engine.workers": 1})


@pytest.fixture
def bundle(tmp_path, rng, monkeypatch):
    ensembles.put_in_place(monkeypatch)
    return fakes.bundle(tmp_path, rng, PARAMS)


@pytest.fixture
def drift_of(bundle, tmp_path):
    def drift_of(manifest, model=bundle, params=PARAMS):
        found = drifting.answer(manifest, tmp_path / "out", str(model), params)
        return found, json.loads(found.json)

    return drift_of


def shifted(facts):
    changes = facts["comparison"]["changes"]
    return {each["name"] for each in changes if each["shifted"]}


def test_more_of_the_same_is_stable(drift_of, rng, tmp_path):
    found, facts = drift_of(fakes.music(tmp_path / "new", rng))
    assert (found.exit_code, facts["comparison"]["verdict"]) == (0, "stable")
    assert "like the reference" in found.text
    assert facts["tracks"] == facts["reference"]["tracks"] == 40


def test_louder_audio_is_named_and_so_is_what_the_model_makes_of_it(
    drift_of, rng, tmp_path
):
    found, facts = drift_of(fakes.music(tmp_path / "new", rng, gain=2.5))
    assert found.exit_code == 1
    assert {"level_db", "surest", "flute"} <= shifted(facts)
    assert "centroid_hz" not in shifted(facts)
    assert found.text.startswith("The new tracks are unlike the reference: louder")


def test_a_higher_tone_is_brighter_and_nothing_else(drift_of, rng, tmp_path):
    found, facts = drift_of(fakes.music(tmp_path / "new", rng, hz=3000.0))
    assert shifted(facts) == {"centroid_hz"}
    assert "spectral centroid: median" in found.text


def test_the_page_and_the_facts_are_written_and_the_scores_kept(
    drift_of, rng, tmp_path
):
    _, facts = drift_of(fakes.music(tmp_path / "new", rng))
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"drift.html", "drift.json", "scores.parquet"} == left
    assert json.loads((tmp_path / "out" / "drift.json").read_text()) == facts


def test_a_bad_file_is_named_and_left_out(drift_of, rng, tmp_path, caplog):
    folder = fakes.music(tmp_path / "new", rng)
    (folder / "bad.wav").write_bytes(b"no audio")
    found, facts = drift_of(folder)
    assert (found.exit_code, facts["tracks"]) == (0, 40)
    assert [each["path"] for each in facts["failed"]] == ["bad.wav"]
    assert "bad.wav is left out" in caplog.text
    assert "1 could not be heard" in found.text


def test_few_tracks_are_not_judged(drift_of, rng, tmp_path):
    found, facts = drift_of(fakes.music(tmp_path / "new", rng, 5, gain=3))
    assert (found.exit_code, shifted(facts)) == (2, set())
    assert "a verdict needs 30 of each" in found.text


def test_a_model_without_a_reference_says_how_to_get_one(
    bundle, drift_of, rng, tmp_path
):
    (bundle / "reference.json").unlink()
    with pytest.raises(MissingError, match="`dvc repro promote`"):
        drift_of(fakes.music(tmp_path / "new", rng, 2))


def test_a_manifest_that_lists_nothing_is_refused(drift_of, tmp_path):
    (tmp_path / "empty.csv").write_text("path\n")
    with pytest.raises(DataError, match="lists no tracks"):
        drift_of(tmp_path / "empty.csv")


def test_equal_audio_makes_equal_references(bundle, tmp_path):
    first = (bundle / "reference.json").read_bytes()
    again = fakes.bundle(tmp_path / "again", np.random.default_rng(1883), PARAMS)
    assert (again / "reference.json").read_bytes() == first
    assert len(json.loads(first)["numbers"]["level_db"]) == 40


def test_a_data_set_of_documents_has_a_reference_of_scores(tmp_path, rng):
    documents = AcousticBrainzDataset.model_construct(kind="acousticbrainz")
    params = tiny_params().model_copy(update={"dataset": documents})
    store = ensembles.store(tmp_path / "data", rng)
    stage.run(params, store, MemoryRecorder())
    known = store.read_report("reference", made_by="reference")
    assert (set(known["numbers"]), known["kinds"]) == ({"tags", "surest"}, {})


@pytest.mark.usefixtures("mlflow_database")
def test_the_command_asks_the_champion_and_exits_by_the_verdict(
    tmp_path, rng, monkeypatch
):
    ensembles.put_in_place(monkeypatch)
    overrides = {"promotion.bootstrap_samples": 100, "promotion.floor": 0.6}
    store = ensembles.store(tmp_path / "data", rng, noise=0.6)
    promote.run(tiny_params(**overrides), store, MemoryRecorder())
    shutil.copy(ROOT / "params.yaml", tmp_path)
    folder = fakes.music(tmp_path / "new", rng, 31)
    command = ["drift", str(folder), "--set", "engine.workers=1", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1  # its reference was drawn, not heard
    assert json.loads(result.stdout)["model"] == "models:/tagsmith/1"


# --- the page

TAGS = ["banjo", "choir", "clarinet", "dance", "fast", "flute", "guitar", "march"]
TAGS += ["minor", "organ", "piano", "reel", "slow", "strings", "trumpet", "violin"]


@pytest.fixture
def facts(monkeypatch):
    monkeypatch.setattr(heard, "TAGS", TAGS)
    draw = np.random.default_rng
    new = heard.tracks(draw(1), 240, louder_db=5, stereo=0.9)
    bent = heard.tracks(draw(2), 240, surer=1.6)
    for tag in ("organ", "choir"):
        new.scores[tag] = bent.scores[tag].to_numpy()
        new.decisions[tag] = bent.decisions[tag].to_numpy()
    old = reference.summary(heard.tracks(draw(3), 120), split="test")
    made = drifting._facts(old, new, PARAMS)
    failed = [{"track_id": "x", "path": "<b>bad</b>.mp3", "reason": "is not audio"}]
    return made | {
        "model": "models:/tagsmith/1",
        "manifest": "new.csv",
        "failed": failed,
    }


def test_the_page_says_the_verdict_and_draws_both_sides(facts, page, picture):
    page.set_content(layout.render(facts))
    assert "louder" in page.locator("h1").inner_text()
    assert page.locator("header .badge").inner_text() == "shifted"
    assert page.locator("#heard .panels > .card").count() == 9
    assert page.locator("#heard path.before").count() == 6
    assert page.locator("#tags tbody tr").count() == len(TAGS)
    page.set_viewport_size({"width": 1280, "height": 1270})
    page.screenshot(path=picture("drift.png"))


def test_the_tags_that_shifted_come_first_and_columns_sort(facts, page):
    page.set_content(layout.render(facts))
    first = page.locator("#tags tbody tr td:first-child")
    assert {first.nth(0).inner_text(), first.nth(1).inner_text()} == {"organ", "choir"}
    page.locator("#tags th button").first.click()
    assert first.nth(0).inner_text() == "banjo"


def test_names_of_files_are_no_markup(facts):
    assert "&lt;b&gt;bad&lt;/b&gt;.mp3" in layout.render(facts)


def test_equal_facts_make_equal_pages(facts):
    assert layout.render(facts) == layout.render(facts)
