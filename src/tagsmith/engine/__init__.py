"""Where work runs: one function over many items, on every core or on a cluster.

An engine decides only *where* an item is worked on. What is finished shows in the files
that the function wrote, so resuming and retrying do not depend on it. On a cluster,
machines share the folder in which the command runs, under one path.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar, assert_never

from tqdm import tqdm

from tagsmith.config import Dask, Engine, Loky, Ray
from tagsmith.engine import dask, loky, ray

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
        config: Which engine, with how many workers (-1: all there are).
        label: What is being done, for the bar or the log.

    Yields:
        One result per item.

    Raises:
        MissingError: The engine's package or cluster is not there, or workers died, as
            they do when memory runs out.
    """
    found = (result for _, result in _results(function, items, config))
    yield from progress(found, total=len(items), label=label)


def gathered(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    config: Engine,
    *,
    label: str,
) -> list[Result]:
    """Call `function` with every item and return the results in the items' order.

    Raises:
        MissingError: As for `each`.
    """
    logger.debug("%s: %d items", label, len(items))
    found = dict(_results(function, items, config))
    return [found[number] for number in range(len(items))]


def _results(
    function: Callable[[Item], Result], items: Sequence[Item], config: Engine
) -> Iterator[tuple[int, Result]]:
    """Yield every item's number and result, as they come."""
    if not items:
        return iter(())
    match config:
        case Loky():
            return loky.results(function, items, config)
        case Dask():
            return dask.results(function, items, config)
        case Ray():
            return ray.results(function, items, config)
        case _:
            assert_never(config)


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
