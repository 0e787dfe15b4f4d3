"""How items go to a cluster: a bounded number under way, what is done comes back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tagsmith.config.engines import ALL

Item = TypeVar("Item")
Result = TypeVar("Result")

# Enough for any cluster that reads from one folder; a scheduler's memory is no store.
MOST_UNDER_WAY = 512


@dataclass(frozen=True)
class Cluster(Generic[Item, Result]):
    """What of a cluster is needed to work on items; a future is the cluster's own.

    Attributes:
        submit: Sends an item, and returns its future.
        finished: Waits for at least one of some futures, and returns those that are
            done.
        result: Returns what came of a future that is done, or raises what was raised.
    """

    submit: Callable[[Item], Any]
    finished: Callable[[Sequence[Any]], Sequence[Any]]
    result: Callable[[Any], Result]


def through(
    cluster: Cluster[Item, Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result]]:
    """Work on items, and yield each one's number and result as they come.

    Args:
        cluster: Where.
        items: What to work on.
        workers: How many are under way at once; -1 for as many as the cluster takes.
    """
    limit = MOST_UNDER_WAY if workers == ALL else workers
    under_way: dict[Any, int] = {}
    sent = 0
    while sent < len(items) or under_way:
        while sent < len(items) and len(under_way) < limit:
            under_way[cluster.submit(items[sent])] = sent
            sent += 1
        for future in cluster.finished(list(under_way)):
            yield under_way.pop(future), cluster.result(future)
