"""A server in this process, at a free port, on an ensemble of fakes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from tagsmith.admission import Limits
from tagsmith.models import ensemble
from tagsmith.models.ensemble import Ensemble
from tagsmith.serving.app import Service, Settings, application
from tests.fakes import ensembles
from tests.fakes.experiments import tiny_params


@pytest.fixture
def hearing(tmp_path, rng, monkeypatch) -> Ensemble:
    """An ensemble that hears loudness."""
    ensembles.put_in_place(monkeypatch)
    folder = tmp_path / "bundle"
    ensemble.write_bundle(
        ensembles.store(tmp_path / "data", rng),
        folder,
        calibration=tiny_params().calibration,
        test_set_sha256="0" * 64,
        metrics={},
    )
    return Ensemble.load(folder)


@pytest.fixture
def settings() -> Settings:
    """What a server does for strangers; small, so that it can be exceeded."""
    return Settings(Limits(most_bytes=1_000_000, longest_seconds=20), fetch=True)


@pytest.fixture
def served(hearing) -> Callable[[Settings], object]:
    """Serve for a while, and say where."""

    @contextmanager
    def served(settings: Settings) -> Iterator[str]:
        app = application(Service(hearing, "models:/tagsmith@champion", settings))
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            (socket,) = server.servers[0].sockets
            yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

    return served


@pytest.fixture
def address(served, settings) -> Iterator[str]:
    """Where a server is."""
    with served(settings) as address:
        yield address
