"""Where the work of a stage runs: one function over many items, on every core.

An engine decides only *where* an item is worked on. What is finished shows in the files
that the function wrote, so resuming and retrying do not depend on it.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar, assert_never

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from tagsmith.config import Engine
from tagsmith.errors import MissingError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

REPORTS = 10  # lines in a log for one pass over the items


def each(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    config: Engine,
    *,
    label: str,
) -> Iterator[Result]:
    """Call `function` with every item and yield the results as they come, in any order.

    Args:
        function: Pure but for the files it writes, and importable by a worker. What it
            raises ends the pass, so an item that may be bad is its own business.
        items: What to work on; one item costs more than sending it to a worker.
        config: Which engine, with how many workers (-1: one per core).
        label: What is being done, for the bar or the log.

    Yields:
        One result per item.

    Raises:
        MissingError: The system ended a worker, as it does when memory runs out.
    """
    with _explained(config, label):
        results = _results(function, items, config, order="generator_unordered")
        yield from progress(results, total=len(items), label=label)


def gathered(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    config: Engine,
    *,
    label: str,
) -> list[Result]:
    """Call `function` with every item and return the results in the items' order.

    Raises:
        MissingError: The system ended a worker, as it does when memory runs out.
    """
    with _explained(config, label):
        return list(_results(function, items, config, order="generator"))


@contextmanager
def _explained(config: Engine, label: str) -> Iterator[None]:
    try:
        yield
    except TerminatedWorkerError as error:
        raise MissingError(
            f"{label}: the system ended a worker, most likely for want of memory; "
            f"lower engine.workers (now {config.workers}) and run the same command: "
            "what is finished is kept"
        ) from error


def _results(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    config: Engine,
    *,
    order: str,
) -> Iterator[Result]:
    match config.kind:
        case "loky":
            return _loky(function, items, config.workers, order)
        case _:
            assert_never(config.kind)


def _loky(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, order: str
) -> Iterator[Result]:
    if len(items) <= 1:  # not worth a process
        return map(function, items)
    parallel = Parallel(n_jobs=workers, return_as=order)
    results: Iterator[Result] = parallel(delayed(function)(item) for item in items)
    return results


def progress(results: Iterable[Result], *, total: int, label: str) -> Iterator[Result]:
    """Pass results on, with a bar on a terminal and some lines in a log."""
    if sys.stderr.isatty():
        yield from tqdm(results, total=total, desc=label, unit="")
        return
    step = max(total // REPORTS, 1)
    for done, result in enumerate(results, start=1):
        yield result
        if done % step == 0 or done == total:
            logger.info("%s: %d of %d", label, done, total)
