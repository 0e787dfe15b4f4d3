"""Large files from a server that may be slow, far away, or gone for a while.

A broken download goes on where it stopped, in this run or the next. What is waited for,
and how often, does not depend on the size of a file: only attempts that bring nothing
count.
"""

import http.client
import logging
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from tqdm import tqdm

from tagsmith.datasets.files import GB
from tagsmith.errors import MissingError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60.0  # without a byte
ATTEMPTS = 6  # in a row that bring nothing
BACKOFF_SECONDS = 1.0  # before the second attempt; twice as long before each further
CHUNK_BYTES = 1 << 20
TRANSIENT = {408, 416, 425, 429, 500, 502, 503, 504}  # HTTP states worth another try

Tick = Callable[[int], object]  # told how many bytes came; negative: were lost

_NETWORK = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)


class Remote(Protocol):
    """A file that is fetched."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def part(self) -> Path:
        """Where it grows."""

    @property
    def total_bytes(self) -> int:
        """Its size; 0 if the server does not say."""


Found = TypeVar("Found", bound=Remote)


def left(remotes: Iterable[Remote]) -> int:
    """Return how many bytes of files are still to come."""
    return sum(max(each.total_bytes - there(each.part), 0) for each in remotes)


def announce(
    remotes: Sequence[Remote], folder: Path, *, label: str, kind: str, server: str
) -> None:
    """Log how much will come and how much room there is.

    Args:
        remotes: What will come.
        folder: Where to.
        label: The data set's name.
        kind: What the files are: `tars`.
        server: Where they are served.
    """
    unsized = sum(not each.total_bytes for each in remotes)
    logger.info(
        "%s: %d %s of %s are still to come, %.1f GB%s; %.1f GB are free at %s",
        label,
        len(remotes),
        kind,
        server,
        left(remotes) / GB,
        f" and {unsized} of unknown size" if unsized else "",
        shutil.disk_usage(folder).free / GB,
        folder,
    )


def counted(remotes: Sequence[Found], *, label: str) -> Iterator[tuple[Found, Tick]]:
    """Yield each file with what tells a progress bar of it; log those that are there.

    Args:
        remotes: The files, all of which the bar counts.
        label: The data set's name.
    """
    # disable=None: no bar where nobody looks, in a log.
    with tqdm(
        total=sum(each.total_bytes for each in remotes),
        initial=sum(there(each.part) for each in remotes),
        unit="B",
        unit_scale=True,
        disable=None,
    ) as bar:
        for number, each in enumerate(remotes, start=1):
            yield each, bar.update
            logger.info(
                "%s: %s is there, %d of %d", label, each.name, number, len(remotes)
            )


def size(address: str) -> int:
    """Ask how many bytes a file has; 0 if the server does not say.

    Raises:
        MissingError: The server does not answer, or does not have the file.
    """
    found = 0

    def ask() -> None:
        nonlocal found
        with _opened(urllib.request.Request(address, method="HEAD")) as response:  # noqa: S310 - the publisher's address
            found = int(response.headers["Content-Length"] or 0)

    _insist(ask, address, progress=lambda: 0)
    return found


def fetch(address: str, path: Path, *, total_bytes: int, tick: Tick) -> None:
    """Download a file; what is at `path` already is taken for its beginning.

    Args:
        address: Where it is served.
        path: Where it goes; half of it stays there if this fails.
        total_bytes: Its size; 0 if nobody knows.
        tick: Told of every chunk.

    Raises:
        MissingError: The server does not answer any more, or does not have the file.
    """
    _insist(
        lambda: _receive(address, path, total_bytes, tick),
        address,
        progress=lambda: there(path),
    )


def there(path: Path) -> int:
    """Return how many bytes of a file are there."""
    return path.stat().st_size if path.exists() else 0


def _receive(address: str, path: Path, total_bytes: int, tick: Tick) -> None:
    begun = there(path)
    if total_bytes and begun == total_bytes:
        return
    headers = {"Range": f"bytes={begun}-"} if begun else {}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the publisher's address
    try:
        response = _opened(request)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            path.unlink()  # longer than the file that is served: not of it
            tick(-begun)
        raise
    with response:
        if begun and response.status != http.HTTPStatus.PARTIAL_CONTENT:
            tick(-begun)  # a server that knows no ranges begins again
            begun = 0
        expected = begun + int(response.headers["Content-Length"] or 0)
        with path.open("ab" if begun else "wb") as file:
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                tick(len(chunk))
    # A connection that is closed early looks like the end of the file.
    if there(path) < expected:
        raise ConnectionError(f"it ended after {there(path)} of {expected} bytes")


def _opened(request: urllib.request.Request) -> http.client.HTTPResponse:
    response: http.client.HTTPResponse = urllib.request.urlopen(  # noqa: S310 - the publisher's address
        request, timeout=TIMEOUT_SECONDS
    )
    return response


def _insist(
    action: Callable[[], None], address: str, *, progress: Callable[[], int]
) -> None:
    """Try until it works, or until nothing has come of `ATTEMPTS` attempts in a row."""
    attempt, best = 0, progress()
    while True:
        try:
            action()
        except _NETWORK as error:
            failure = error
        else:
            return
        if _is_final(failure):
            break
        attempt = 0 if progress() > best else attempt + 1
        best = max(best, progress())
        if attempt == ATTEMPTS:
            break
        pause_seconds = BACKOFF_SECONDS * 2**attempt
        logger.info("%s: %s; again in %g s", address, failure, pause_seconds)
        time.sleep(pause_seconds)
    raise MissingError(
        f"{address} cannot be fetched ({failure}); what has come is kept: run again "
        "when the network is there, or bring the files by other means and switch "
        "dataset.fetch off (none, or false)"
    ) from failure


def _is_final(failure: Exception) -> bool:
    return isinstance(failure, urllib.error.HTTPError) and failure.code not in TRANSIENT
