"""Optuna's dashboard opens what studies are kept in, and shows them in a browser."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tagsmith.tuning.storage import opened
from tests.fakes import storages, studies
from tests.fakes.processes import answers, free_port, wait_for

TRIALS = 24
SHOWN = [storages.sqlite, storages.postgresql]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(params=SHOWN, ids=lambda made: made.__name__)
def study(request, tmp_path):
    """Keep a study in a storage; return where, and what it is called."""
    studies.store(tmp_path)
    with request.param(tmp_path) as address:
        studies.work(tmp_path, address, TRIALS)
        (found,) = opened(address).get_all_studies()
        yield address, found.study_name


@pytest.fixture
def dashboard(study, tmp_path):
    """Start the dashboard as the README does; return its address."""
    if importlib.util.find_spec("optuna_dashboard") is None:
        pytest.skip("no optuna-dashboard: pip install 'tagsmith[dashboard]'")
    program = shutil.which("optuna-dashboard", path=Path(sys.executable).parent)
    port = free_port()
    command = [program, study[0], "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "dashboard.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(port), server)
        yield f"http://127.0.0.1:{port}/dashboard"
    finally:
        server.kill()
        server.wait()


def test_the_dashboard_shows_a_study_by_its_name(study, dashboard, page, picture):
    page.goto(dashboard, wait_until="domcontentloaded", timeout=120_000)
    page.get_by_text(study[1]).first.click(timeout=120_000)
    page.get_by_text("Best Trial").first.wait_for(timeout=120_000)
    page.locator(".js-plotly-plot .main-svg").nth(3).wait_for(timeout=120_000)
    page.wait_for_timeout(3000)  # curves are drawn after they are there
    page.screenshot(path=picture("optuna_dashboard.png"))
    assert page.get_by_text(study[1]).count()
