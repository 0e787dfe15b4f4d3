"""Work in processes of this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from tagsmith.config import Loky
from tagsmith.errors import MissingError

Item = TypeVar("Item")
Result = TypeVar("Result")


def results(
    function: Callable[[Item], Result], items: Sequence[Item], config: Loky
) -> Iterator[tuple[int, Result]]:
    """Call `function` with every item; yield numbers and results as they come.

    Raises:
        MissingError: The system ended a worker, as it does when memory runs out.
    """
    if len(items) <= 1:  # not worth a process
        yield from ((number, function(item)) for number, item in enumerate(items))
        return
    parallel = Parallel(n_jobs=config.workers, return_as="generator_unordered")
    with _explained(config.workers):
        yield from parallel(
            delayed(_numbered)(function, number, item)
            for number, item in enumerate(items)
        )


def _numbered(
    function: Callable[[Item], Result], number: int, item: Item
) -> tuple[int, Result]:
    return number, function(item)


@contextmanager
def _explained(workers: int) -> Iterator[None]:
    try:
        yield
    except TerminatedWorkerError as error:
        raise MissingError(
            "the system ended a worker, most likely for want of memory; lower "
            f"engine.workers (now {workers}) and run the same command: what is "
            "finished is kept"
        ) from error
