"""What people look at, in a real browser: MLflow, the report, the checks of the data.

With `--run DIR`, a folder in which the pipeline ran, its pages are shown instead of
made-up ones; `make pictures` keeps the screenshots in docs/.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tagsmith.config import ENSEMBLE, SPLITS
from tagsmith.quality import expectations
from tagsmith.stages import promote, report
from tagsmith.store import Store
from tagsmith.tracking import registry
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import ensembles, evaluation, mlflow_server, scored
from tests.fakes.experiments import tiny_params

pytestmark = pytest.mark.slow
PATIENCE_MS = 120_000  # a shared machine takes its time to draw
RECURRENCES = "tags.stage = 'train' and tags.architecture = 'crnn'"
# Data docs take it from the net; this is Debian's, of libjs-bootstrap4.
BOOTSTRAP = Path("/usr/share/javascript/bootstrap4/css/bootstrap.min.css")
NO_ASSISTANT = """
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
"""


@pytest.fixture
def browser(page):
    """The page of a browser to which MLflow's own novelties are old."""
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(NO_ASSISTANT)
    return page


@pytest.fixture
def run(request):
    """The folder of a real run, or None."""
    return request.config.getoption("--run")


def experiment_of(database):
    """The number of the experiment `tagsmith`."""
    with closing(sqlite3.connect(database)) as tables:
        asked = "SELECT experiment_id FROM experiments WHERE name = 'tagsmith'"
        return tables.execute(asked).fetchone()[0]


def test_mlflow_shows_in_two_clicks_which_recurrence_is_best(
    browser, picture, run, mlflow_database, tmp_path
):
    if run:
        shutil.copy(run / "mlflow.db", mlflow_database)
    else:
        mlflow_server.trained(scored.params())
    with mlflow_server.serving(mlflow_database, tmp_path / "server.log") as address:
        browser.goto(f"{address}/#/experiments/{experiment_of(mlflow_database)}/runs")
        box = browser.get_by_placeholder("metrics.rmse")
        box.fill(RECURRENCES)
        box.press("Enter")
        browser.get_by_text("3 matching runs").wait_for()
        browser.get_by_label("Select all runs").click()
        browser.get_by_role("button", name="Compare").click()
        browser.get_by_role("button", name="Visualizations").click()
        browser.get_by_label("Toggle sidebar").click()
        for section in ("Parameters", "Metrics"):
            browser.get_by_role("switch", name=f"{section} - Show diff only").click()
        figures = ("cfg.model.recurrence", "validation/ROC-AUC-macro")
        for said in (*figures, *mlflow_server.BEST):
            shown = browser.get_by_text(said, exact=True).filter(visible=True)
            shown.first.wait_for()
        browser.set_viewport_size({"width": 1100, "height": 980})
        browser.screenshot(path=picture("mlflow_compare.png"))


@pytest.fixture
def challenged(mlflow_database, tmp_path, rng, monkeypatch):
    """A registry in which a better challenger was accepted, and a worse one refused."""
    ensembles.put_in_place(monkeypatch)
    params = tiny_params(**{"promotion.bootstrap_samples": 100, "promotion.floor": 0.6})
    store = ensembles.store(tmp_path / "data", rng, noise=0.6)
    reports = []
    for noise in (0.6, 0.1, 0.8):
        ensembles.write_scores(store, noise=noise)
        promote.run(params, store, MemoryRecorder())
        reports.append(store.read_report("promotion", made_by="promote"))
    return mlflow_database, reports


def test_mlflow_shows_why_a_worse_challenger_was_refused(
    browser, picture, challenged, tmp_path
):
    database, (_, better, worse) = challenged
    assert better["promoted"] and not worse["promoted"]
    assert registry.aliased("tagsmith", "champion").number == "2"
    with mlflow_server.serving(database, tmp_path / "server.log") as address:
        for report_ in (better, worse):
            version = report_["version"]
            browser.goto(f"{address}/#/models/tagsmith/versions/{version}")
            browser.get_by_text(f"Version {version}").first.wait_for()
            browser.get_by_text(report_["reason"]).first.wait_for()
        assert browser.get_by_text("challenger").first.is_visible()
        browser.get_by_text(worse["reason"]).first.scroll_into_view_if_needed()
        browser.screenshot(path=picture("mlflow_gate.png"))


def test_the_report_shows_every_system(browser, picture, run, tmp_path):
    page = run / "data" / "reports" / "report.html" if run else reported(tmp_path)
    browser.goto(page.resolve().as_uri())
    assert browser.get_by_text(ENSEMBLE, exact=True).first.is_visible()
    broken = "[...document.images].filter(image => !image.naturalWidth).length"
    assert browser.evaluate(broken) == 0
    browser.screenshot(path=picture("report.png"))


def reported(folder: Path) -> Path:
    """Report on a made-up evaluation."""
    store = Store(folder / "data")
    evaluation.write(store)
    report.run(evaluation.params(), store, MemoryRecorder())
    return store.place("reports", "report.html")


def test_the_data_docs_say_what_was_checked_and_what_came_of_it(
    browser, picture, run, tmp_path, rng, monkeypatch
):
    docs = run / "data" / "reports" / "data_docs" / "tables" if run else None
    if docs is None:
        monkeypatch.chdir(ROOT)
        store = scored.store(tmp_path, rng)
        expectations.check_scores(store, dict.fromkeys(scored.SKILLS, SPLITS))
        docs = store.place("reports", "data_docs", "scores")
    *_, results = sorted(docs.glob("validations/**/*.html"))
    if BOOTSTRAP.is_file():
        browser.route("**/bootstrap.min.css", lambda it: it.fulfill(path=BOOTSTRAP))
    browser.goto(results.resolve().as_uri())
    assert browser.get_by_text("Succeeded").first.is_visible()
    browser.screenshot(path=picture("data_docs.png"))
