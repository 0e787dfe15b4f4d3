"""What a worker elsewhere checks and sets before it works: version and folder.

Items name files as the process that sends them does, so a worker works in that
process's folder, which machines must share under one path.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import tagsmith
from tagsmith.errors import MissingError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class There(Generic[Item, Result]):
    """A function that works as it would here: in this folder, with this version.

    Attributes:
        function: What to call.
        folder: The current folder of the process that sends it.
        version: The tagsmith of that process.
    """

    function: Callable[[Item], Result]
    folder: Path = field(default_factory=Path.cwd)
    version: str = tagsmith.__version__

    def __call__(self, item: Item) -> Result:
        """Call the function with an item.

        Raises:
            MissingError: The worker has another version, or lacks the folder.
        """
        if tagsmith.__version__ != self.version:
            raise MissingError(
                f"a worker on {socket.gethostname()} has tagsmith "
                f"{tagsmith.__version__}, this is {self.version}; install it there"
            )
        with _place.entered(self.folder):
            return self.function(item)


class _Place:
    """The current folder, which the threads of a process share.

    Threads that work in one folder do so together, those of another wait.
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._users = 0
        self._home = self._here = Path()

    @contextmanager
    def entered(self, folder: Path) -> Iterator[None]:
        with self._change:
            self._change.wait_for(lambda: not self._users or self._here == folder)
            if not self._users:
                self._enter(folder)
            self._users += 1
        try:
            yield
        finally:
            with self._change:
                self._users -= 1
                if not self._users:
                    os.chdir(self._home)
                    self._change.notify_all()

    def _enter(self, folder: Path) -> None:
        home = Path.cwd()
        try:
            os.chdir(folder)
        except OSError as error:
            raise MissingError(
                f"a worker on {socket.gethostname()} has no {folder}; all machines of "
                "a cluster must reach the folder of the command under the same path"
            ) from error
        self._home, self._here = home, folder


_place = _Place()
