"""`tagsmith serve`: loads an ensemble, warms it up, and answers until it is stopped."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import uvicorn

from tagsmith.models.ensemble import Ensemble
from tagsmith.serving.app import Service, Settings, application
from tagsmith.tagging import ensemble_of
from tagsmith.tracking.registry import ENSEMBLE

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 64  # more are answered 503 at once; bounds what lies on the disk
KEEP_ALIVE_SECONDS = 10
WARM_SECONDS = 30.0  # of noise, as long as most excerpts
WARM_RATE_HZ = 44100


def serve(model_uri: str | None, *, host: str, port: int, settings: Settings) -> None:
    """Serve a registered ensemble until a signal ends it.

    Args:
        model_uri: `models:/NAME@ALIAS`, `models:/NAME/VERSION`; None for the champion.
        host: The address to listen at.
        port: 0 chooses a free one; the log says which.
        settings: How much is done for strangers.

    Raises:
        ConfigError: The model scores words that are to be named.
        MissingError: No version has that alias.
        TrackingError: The registry cannot be reached, or refuses.
    """
    uri = model_uri or ENSEMBLE
    ensemble = ensemble_of(uri)
    warm_up(ensemble)
    app = application(Service(ensemble, uri, settings))
    logger.info("%s answers at http://%s:%d", uri, host, port)
    uvicorn.run(
        app,
        host=host,
        port=port,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        server_header=False,
        log_level="warning",
    )


def warm_up(ensemble: Ensemble) -> None:
    """Let an ensemble hear something, so that Keras has traced every network."""
    noise = np.random.default_rng(0).normal(0, 0.1, round(WARM_SECONDS * WARM_RATE_HZ))
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        path = Path(folder) / "noise.wav"
        soundfile.write(path, noise, WARM_RATE_HZ)
        ensemble.listen(path)
