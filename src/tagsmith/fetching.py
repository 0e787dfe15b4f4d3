"""Fetches what strangers point at, and reaches nothing but the public internet.

A host is looked up once, every address found must be public, and the connection goes to
the one that was checked, so that a name that is looked up again cannot lead elsewhere.
Each redirection is checked like the first address. Proxies of the environment are not
used: they would look names up themselves.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from tagsmith.errors import DataError
from tagsmith.internet import public_address, shown

PORTS = {"http": 80, "https": 443}  # schemes, and the only ports
MOST_REDIRECTIONS = 5
BLOCK_BYTES = 1 << 16
AGENT = "tagsmith"
MOVED = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
SAFE = "/%:=&?~#+!$,;'@()*[]-._"  # of what follows the host, left as it is


@dataclass(frozen=True)
class Bounds:
    """How much is fetched at most.

    Attributes:
        bytes: Of the body.
        seconds: From the first look-up to the last byte, redirections included.
    """

    bytes: int
    seconds: float


def fetch(url: str, path: Path, bounds: Bounds) -> None:
    """Write what a public address holds into a file.

    Args:
        url: `http` or `https`, on their own ports, without a user's name.
        path: Where to.
        bounds: How much at most.

    Raises:
        DataError: The address is none that may be fetched, does not answer, answers
            with a failure, or with too much.
    """
    deadline, place = time.monotonic() + bounds.seconds, url
    try:
        for _ in range(1 + MOST_REDIRECTIONS):
            moved = _visit(place, path, bounds.bytes, deadline)
            if moved is None:
                return
            place = moved
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        if time.monotonic() >= deadline:
            raise _late(url) from error
        raise DataError(f"{shown(url)} cannot be fetched: {_told(error)}") from error
    raise DataError(
        f"{shown(url)} cannot be fetched: more than {MOST_REDIRECTIONS} redirections; "
        "give the address at their end"
    )


def _visit(url: str, path: Path, most_bytes: int, deadline: float) -> str | None:
    """Fetch one address; return where it redirects to, if it does."""
    parts = _checked(url)
    with (
        closing(_connection(parts, deadline)) as connection,
        _ended(connection, deadline),
    ):
        connection.request("GET", _target(parts), headers={"User-Agent": AGENT})
        answer = connection.getresponse()
        if answer.status in MOVED and (place := answer.getheader("Location")):
            return urljoin(url, place)
        if answer.status != HTTPStatus.OK:
            raise DataError(
                f"{shown(url)} cannot be fetched: the server answers {answer.status} "
                f"{shown(answer.reason)}"
            )
        _keep(answer, path, most_bytes, url)
        if time.monotonic() >= deadline:
            raise _late(url)
    return None


def _checked(url: str) -> SplitResult:
    """Take an address apart, if it is one that may be fetched."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise DataError(f"{shown(url)} is no address: {error}") from error
    if parts.scheme not in PORTS or not host:
        raise DataError(f"{shown(url)} is no address that starts with http or https")
    if parts.username is not None or parts.password is not None:
        raise DataError("an address must hold neither a user's name nor a password")
    if port not in (None, PORTS[parts.scheme]):
        raise DataError(
            f"{shown(url)} is fetched from port {PORTS[parts.scheme]} only, not {port}"
        )
    return parts


def _target(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path or '/'}{query}", safe=SAFE)


def _connection(parts: SplitResult, deadline: float) -> "_Pinned":
    assert parts.hostname is not None
    host = (
        parts.hostname.encode("idna").decode()
        if ":" not in parts.hostname
        else parts.hostname
    )
    address = public_address(host, PORTS[parts.scheme])
    kind = _Secured if parts.scheme == "https" else _Pinned
    seconds = max(deadline - time.monotonic(), 0.001)
    return kind(host, address, seconds)


class _Pinned(http.client.HTTPConnection):
    """Speaks to a host at an address that was checked."""

    def __init__(self, host: str, address: str, seconds: float) -> None:
        super().__init__(host, PORTS["http"], timeout=seconds)
        self._address = address
        self._reached: socket.socket | None = None

    def connect(self) -> None:
        """Connect to that address, whatever the host is now."""
        place = (self._address, self.port)
        self.sock = self._reached = socket.create_connection(place, self.timeout)

    def end(self) -> None:
        """Let whoever reads or writes find an end; a closed connection is let be."""
        # Not `sock`: http.client forgets it where the answer ends the connection.
        if self._reached is not None:
            with suppress(OSError):
                self._reached.shutdown(socket.SHUT_RDWR)


class _Secured(_Pinned):
    """The same, and the host must have a certificate for its name."""

    default_port = PORTS["https"]

    def __init__(self, host: str, address: str, seconds: float) -> None:
        super().__init__(host, address, seconds)
        self.port = PORTS["https"]

    def connect(self) -> None:
        """Connect, and check the certificate."""
        super().connect()
        context = ssl.create_default_context()
        self.sock = self._reached = context.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()  # which can be ended, too


@contextmanager
def _ended(connection: "_Pinned", deadline: float) -> Iterator[None]:
    """End a connection at the deadline, however slowly something still comes."""
    timer = threading.Timer(max(deadline - time.monotonic(), 0), connection.end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _keep(
    answer: http.client.HTTPResponse, path: Path, most_bytes: int, url: str
) -> None:
    kept = 0
    with path.open("wb") as file:
        while block := answer.read1(BLOCK_BYTES):
            kept += len(block)
            if kept > most_bytes:
                raise DataError(
                    f"{shown(url)} holds more than {most_bytes / 1e6:.0f} MB, which is "
                    "all that is fetched; send an excerpt"
                )
            file.write(block)


def _late(url: str) -> DataError:
    return DataError(f"{shown(url)} takes too long to fetch; send the recording itself")


def _told(error: Exception) -> str:
    """Say what went wrong on the way, without this machine's affairs."""
    match error:
        case TimeoutError():
            return "the server does not answer in time"
        case ssl.SSLCertVerificationError():
            return "the server's certificate is not valid for it"
        case ConnectionRefusedError():
            return "the server refuses connections"
        case http.client.HTTPException() | UnicodeError():
            return "the address or the answer is not proper HTTP"
        case _:
            return "the connection failed"
