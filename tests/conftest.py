"""What every test may ask for."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A shared machine may stall for a second; that says nothing about a property.
settings.register_profile("shared machine", deadline=None, max_examples=50)
settings.load_profile("shared machine")

ROOT = Path(__file__).parents[1]
FIXTURES = Path(
    os.environ.get("TAGSMITH_FIXTURES", ROOT.parent / "shared" / "fixtures")
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make pictures` keep what the browser shows."""
    keep, show = "keep screenshots in this folder", "show this folder's runs and data"
    parser.addoption("--pictures", type=_resolved, help=keep)
    parser.addoption("--run", type=_resolved, help=show)


def _resolved(path: str) -> Path:
    return Path(path).resolve()  # tests go elsewhere


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what makes no picture where pictures are wanted."""
    if config.getoption("--pictures"):
        fixtures = (getattr(each, "fixturenames", ()) for each in items)
        asked = ["picture" in names for names in fixtures]
        items[:] = [each for each, wanted in zip(items, asked, strict=True) if wanted]


@pytest.fixture
def page() -> "Iterator[Page]":
    """A page of a headless browser; an error in a page's script fails the test."""
    from playwright.sync_api import sync_playwright

    programs = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    program = next(filter(None, programs), None)
    if program is None:
        pytest.skip("no browser on PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
    assert not errors


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """Say where a screenshot goes: to be thrown away, unless it was asked for."""
    folder = request.config.getoption("--pictures") or tmp_path
    return lambda name: folder / name


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator."""
    return np.random.default_rng(1883)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of reference material that may not be committed."""
    if not FIXTURES.is_dir():
        pytest.skip(f"reference material is not at {FIXTURES}; set TAGSMITH_FIXTURES")
    return FIXTURES


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with all its tables, which take a second to make."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_database(
    migrated_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A fresh MLflow database in a fresh current folder, and nothing in between."""
    import mlflow

    path = Path(shutil.copy(migrated_database, tmp_path))
    with closing(sqlite3.connect(path)) as database, database:
        folder = f"{tmp_path}/mlruns/0"  # of the experiment `Default`
        database.execute("UPDATE experiments SET artifact_location = ?", [folder])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    yield path
    while mlflow.active_run():
        mlflow.end_run()
