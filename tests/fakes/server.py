"""A server of files on this machine that fails when it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Server(ThreadingHTTPServer):
    """Serves a folder.

    Attributes:
        folder: What it serves.
        ranges: Whether it can begin in the middle of a file.
        sizes: Whether it answers HEAD with a size.
        cuts: After how many bytes the connection of each next download breaks.
        states: HTTP states with which it answers the next requests instead.
        got: `(method, first byte)` of every request.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.ranges = True
        self.sizes = True
        self.cuts: list[int] = []
        self.states: list[int] = []
        self.got: list[tuple[str, int]] = []

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server

    def do_HEAD(self) -> None:
        content = self._content("HEAD", 0)
        if content is not None:
            self.send_response(HTTPStatus.OK)
            if self.server.sizes:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "bytes=0-")
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        content = self._content("GET", begin)
        if content is None:
            return
        if not self.server.ranges:
            begin = 0
        if begin and begin >= len(content):
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self.send_response(HTTPStatus.PARTIAL_CONTENT if begin else HTTPStatus.OK)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[begin:][:cut])

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _content(self, method: str, begin: int) -> bytes | None:
        """Return the file's bytes, or answer that there are none."""
        self.server.got.append((method, begin))
        path = self.server.folder / self.path.lstrip("/")
        if self.server.states:
            self.send_error(self.server.states.pop(0))
        elif not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            return path.read_bytes()
        return None


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve a folder for a while."""
    with Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
