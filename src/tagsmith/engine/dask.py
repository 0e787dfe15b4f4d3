"""Work on a cluster with a Dask scheduler.

Dask itself sends the items of a worker that died to another one; an item whose workers
died `distributed.scheduler.allowed-failures` times (3) ends the pass.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tagsmith.config import Dask
from tagsmith.engine.there import There
from tagsmith.engine.window import Cluster, through
from tagsmith.errors import MissingError

if TYPE_CHECKING:
    from distributed import Client, Future

Item = TypeVar("Item")
Result = TypeVar("Result")

ANSWER_SECONDS = 5.0  # in which a scheduler, and a worker, must show itself


def results(
    function: Callable[[Item], Result], items: Sequence[Item], config: Dask
) -> Iterator[tuple[int, Result]]:
    """Call `function` with every item; yield numbers and results as they come.

    Raises:
        MissingError: Dask is not installed, the scheduler cannot be reached, it has no
            workers, or they died or lack tagsmith.
    """
    with _connected(config.address) as client, _explained(config.address):
        yield from through(_cluster(client, function), items, config.workers)


def _cluster(
    client: "Client", function: Callable[[Item], Result]
) -> Cluster[Item, Result]:
    from distributed import as_completed

    completed = as_completed(loop=client.loop)
    there = There(function)

    def submit(item: Item) -> "Future":
        future = client.submit(there, item, pure=False)
        completed.add(future)
        return future

    return Cluster(submit, lambda _: completed.next_batch(), lambda each: each.result())


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingError(
            'engine dask needs a package: pip install "tagsmith[dask]"'
        ) from error
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except OSError as error:
        raise MissingError(
            f"no Dask scheduler answers at {address}; start one (`dask scheduler`) or "
            "correct engine.address"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError as error:
            raise MissingError(
                f"the Dask scheduler at {address} has no workers; start some: "
                f"`dask worker {address} --nworkers auto --nthreads 1`"
            ) from error
        yield client


@contextmanager
def _explained(address: str) -> Iterator[None]:
    from distributed import CancelledError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise MissingError(
            f"Dask at {address}: an item's workers died, one after another, most "
            "likely for want of memory; start fewer on each machine and run the same "
            "command: what is finished is kept"
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise MissingError(
            f"the Dask scheduler at {address} is gone; start it again and run the same "
            "command: what is finished is kept"
        ) from error
    except ModuleNotFoundError as error:
        raise MissingError(
            f"a worker of Dask at {address} lacks a package ({error}); install what "
            "this environment has there too"
        ) from error
