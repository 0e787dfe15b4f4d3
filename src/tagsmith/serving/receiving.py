"""What comes with a request: the bytes of a recording, or an address of one.

Names that a client gives its files are never looked at.
"""

import asyncio
import json
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from tagsmith.admission import MEGABYTE, Limits

MOST_LETTERS = 16_384  # of a request that only names an address
JSON = "application/json"


async def receive(
    request: Request, path: Path, limits: Limits, *, seconds: float
) -> str | None:
    """Write what a client sends into a file, or return the address that it names.

    Args:
        request: Its body is an audio file, or `{"url": "https://..."}` as JSON.
        path: Where to.
        limits: How large the file may be.
        seconds: How long a client may take.

    Raises:
        HTTPException: It sends nothing, too much, too slowly, or other JSON.
    """
    is_json = request.headers.get("content-type", "").partition(";")[0] == JSON
    most = MOST_LETTERS if is_json else limits.most_bytes
    _check_promised(request, most)
    try:
        async with asyncio.timeout(seconds):
            size = await _write(request, path, most)
    except TimeoutError as error:
        raise HTTPException(408, "the recording did not come in time") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the request broke off") from error
    if not size:
        raise HTTPException(
            400,
            "the request is empty: its body must be an audio file, or JSON with a url",
        )
    return _address(path) if is_json else None


def _check_promised(request: Request, most: int) -> None:
    promised = request.headers.get("content-length", "0")
    if not promised.isdecimal():
        raise HTTPException(400, "Content-Length must be a number")
    if int(promised) > most:
        raise _too_large(most)


async def _write(request: Request, path: Path, most: int) -> int:
    size = 0
    with path.open("wb") as file:
        async for block in request.stream():
            size += len(block)
            if size > most:
                raise _too_large(most)
            file.write(block)
    return size


def _address(path: Path) -> str:
    try:
        tree = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the request says JSON, and is none") from error
    url = tree.get("url") if isinstance(tree, dict) else None
    if not isinstance(url, str) or not url:
        raise HTTPException(400, 'JSON must be {"url": "https://..."}')
    return url


def _too_large(most: int) -> HTTPException:
    return HTTPException(
        413, f"a request may have {most / MEGABYTE:g} MB; send an excerpt"
    )
