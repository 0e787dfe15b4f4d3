"""Keeps the remarks of C libraries from the terminal: they go past Python's stderr.

mpg123 comments on every odd mp3, TensorFlow on missing GPUs; whatever matters in them
comes as an exception too.
"""

import os
import threading


class _Quiet:
    """Sends what C libraries write to stderr nowhere while it is entered.

    Threads that enter at the same time share one redirection; the last one ends it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._stderr = -1

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._stderr = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                os.dup2(self._stderr, 2)
                os.close(self._stderr)


native_libraries = _Quiet()
