"""Who may work when: some at once, some in a queue, nobody else."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class BusyError(Exception):
    """The queue is full."""


class SlowError(Exception):
    """The work takes longer than anybody waits."""


class Turns:
    """Runs work in threads, a bounded amount of it.

    Args:
        at_once: How many threads work.
        waiting: How many more may wait for one of them.
        seconds: How long work may take.
    """

    def __init__(self, *, at_once: int, waiting: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._here = 0
        self._seconds = seconds

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Wait for a turn, work, and return what comes of it.

        Raises:
            BusyError: Too many are waiting.
            SlowError: It takes too long. The thread goes on, and keeps its turn.
        """
        if self._here >= self._most:
            raise BusyError
        self._here += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._here -= 1
            raise
        working = asyncio.ensure_future(asyncio.to_thread(work))
        working.add_done_callback(self._leave)
        try:
            return await asyncio.wait_for(asyncio.shield(working), self._seconds)
        except TimeoutError as error:
            raise SlowError from error

    def _leave(self, working: "asyncio.Future[Answer]") -> None:
        self._here -= 1
        self._free.release()
        if not working.cancelled():
            working.exception()  # has been seen, whether anybody still waits or not
