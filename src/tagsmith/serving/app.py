"""The page and what it asks: recordings in, tags and taggrams out.

    POST /api/tags      {"seconds", "tags": [{"tag", "score", "decision"}]}
    POST /api/taggram   {"seconds", "window_seconds", "starts", "tags", "scores"}
    GET  /api/model     the model's name, its tags and thresholds, and the limits
    GET  /health        {"status": "ok"}

What is wrong with a request is a state from 400 to 499 and `{"error": sentence}`.
"""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tagsmith import admission, fetching
from tagsmith.admission import Limits
from tagsmith.errors import TagsmithError
from tagsmith.models.ensemble import Ensemble
from tagsmith.models.sound import Sound
from tagsmith.models.taggram import WINDOW_SECONDS, taggram
from tagsmith.serving.receiving import receive
from tagsmith.serving.turns import BusyError, SlowError, Turns

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2
PAGE = {"": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src "
    "'self'; connect-src 'self'; img-src data:; media-src blob: http: https:; base-uri "
    "'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Work = Callable[[Sound], dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """How much a server does for strangers.

    Attributes:
        limits: How large a recording may be.
        fetch: Whether public addresses are fetched.
        at_once: Requests that are worked on at the same time.
        waiting: Requests that may wait for it.
        receive_seconds: How long a client may take to send a recording.
        work_seconds: How long a recording may take.
    """

    limits: Limits
    fetch: bool
    at_once: int = 2
    waiting: int = 32
    receive_seconds: float = 60.0
    work_seconds: float = 120.0


class Service:
    """Answers requests with an ensemble.

    Args:
        ensemble: It is loaded once, before the first request.
        model: What it is called.
        settings: How much it does.
    """

    def __init__(self, ensemble: Ensemble, model: str, settings: Settings) -> None:
        self._ensemble = ensemble
        self._model = model
        self._settings = settings
        self._turns = Turns(
            at_once=settings.at_once,
            waiting=settings.waiting,
            seconds=settings.work_seconds,
        )

    async def health(self, _: Request) -> Response:
        """Say that it lives."""
        return _json({"status": "ok"})

    async def model(self, _: Request) -> Response:
        """Say what is served, and how much it takes."""
        limits = zip(self._ensemble.tags, self._ensemble.thresholds, strict=True)
        return _json(
            {
                "model": self._model,
                "thresholds": {
                    tag: float(limit) if np.isfinite(limit) else None
                    for tag, limit in limits
                },
                "most_bytes": self._settings.limits.most_bytes,
                "longest_seconds": self._settings.limits.longest_seconds,
                "fetch": self._settings.fetch,
            }
        )

    async def tags(self, request: Request) -> Response:
        """Tag a recording, exactly as `tagsmith tag` does."""
        return await self._answer(request, self._tags)

    async def taggram(self, request: Request) -> Response:
        """Tag the moments of a recording."""
        return await self._answer(request, self._taggram)

    async def _answer(
        self, request: Request, work: Callable[[Sound, int | None], dict[str, Any]]
    ) -> Response:
        top, settings = _top(request), self._settings
        with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
            path = Path(folder) / "recording"
            url = await receive(
                request, path, settings.limits, seconds=settings.receive_seconds
            )
            if url is not None and not settings.fetch:
                raise HTTPException(
                    403, "this server fetches nothing; send the recording itself"
                )
            heard = partial(self._heard, path, url, lambda sound: work(sound, top))
            return _json(await self._turns.run(heard))

    def _heard(self, path: Path, url: str | None, work: Work) -> dict[str, Any]:
        """Do the work of a request, in a thread."""
        try:
            if url is not None:
                fetching.fetch(url, path, self._settings.limits.bounds)
            seconds = admission.admit(path, self._settings.limits)
            return {"seconds": round(seconds, 3), **work(Sound(path))}
        except TagsmithError as error:
            sentence = str(error).replace(str(path), "the recording")
            raise HTTPException(422, sentence) from error

    def _tags(self, sound: Sound, top: int | None) -> dict[str, Any]:
        return {"tags": [asdict(each) for each in self._ensemble.listen(sound, top)]}

    def _taggram(self, sound: Sound, top: int | None) -> dict[str, Any]:
        found = taggram(self._ensemble, sound)
        order = np.argsort(-found.scores.mean(axis=0), kind="stable")[:top]
        return {
            "window_seconds": WINDOW_SECONDS,
            "starts": [round(float(start), 3) for start in found.starts_seconds],
            "tags": [self._ensemble.tags[tag] for tag in order],
            "scores": np.round(found.scores.T[order].astype(float), 4).tolist(),
        }


def application(service: Service) -> Starlette:
    """Return what a server runs."""
    routes = [Route(f"/{name}", partial(_page, name), methods=["GET"]) for name in PAGE]
    routes += [
        Route("/health", service.health, methods=["GET"]),
        Route("/api/model", service.model, methods=["GET"]),
        Route("/api/tags", service.tags, methods=["POST"]),
        Route("/api/taggram", service.taggram, methods=["POST"]),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _refused,
            BusyError: _busy,
            SlowError: _busy,
            Exception: _broken,
        },
    )


async def _page(name: str, _: Request) -> Response:
    content = (files("tagsmith.serving") / "page" / (name or "page.html")).read_bytes()
    return Response(content, media_type=PAGE[name], headers=HEADERS)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json({"error": error.detail}, error.status_code, error.headers)


async def _busy(_: Request, error: Exception) -> Response:
    slow = isinstance(error, SlowError)
    text = "this took too long" if slow else "too many are waiting"
    retry = {"Retry-After": str(RETRY_SECONDS)}
    return _json({"error": f"{text}; try again soon"}, 503, retry)


async def _broken(_: Request, error: Exception) -> Response:
    logger.error("a request failed", exc_info=error)
    text = "something broke here, not with you; the server's log knows more"
    return _json({"error": text}, 500)


def _json(tree: Any, status: int = 200, headers: Any = None) -> Response:  # noqa: ANN401 - Starlette's
    return JSONResponse(tree, status, headers={**HEADERS, **(headers or {})})


def _top(request: Request) -> int | None:
    text = request.query_params.get("top")
    if text is None:
        return None
    if not text.isdecimal() or not int(text[:9]) > 0:
        raise HTTPException(400, "top is a number of tags, 1 or more")
    return int(text[:9])
