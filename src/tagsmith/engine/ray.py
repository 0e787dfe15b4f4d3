"""Work on a Ray cluster, a task for each item.

Ray itself repeats the task of a worker or node that died, `RETRIES` times.
"""

import socket
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from tagsmith.config import Ray
from tagsmith.engine.there import There
from tagsmith.engine.window import Cluster, through
from tagsmith.errors import MissingError

Item = TypeVar("Item")
Result = TypeVar("Result")

RETRIES = 3
ANSWER_SECONDS = 5.0  # in which a head node must show itself
TOLD_CHARACTERS = 300  # of what Ray says
AUTO = "auto"


def results(
    function: Callable[[Item], Result], items: Sequence[Item], config: Ray
) -> Iterator[tuple[int, Result]]:
    """Call `function` with every item; yield numbers and results as they come.

    Raises:
        MissingError: Ray is not installed, the cluster cannot be reached, or its
            workers died or lack tagsmith.
    """
    with _connected(config.address), _explained(config.address):
        yield from through(_cluster(function), items, config.workers)


def _cluster(function: Callable[[Item], Result]) -> Cluster[Item, Result]:
    import ray

    call = ray.remote(max_retries=RETRIES)(_call)
    there = ray.put(There(function))  # sent once
    return Cluster(
        lambda item: call.remote(there, item),
        lambda futures: ray.wait(list(futures), num_returns=1)[0],
        ray.get,
    )


def _call(function: There[Item, Result], item: Item) -> Result:
    return function(item)


@contextmanager
def _connected(address: str) -> Iterator[None]:
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise MissingError(
            'engine ray needs a package: pip install "tagsmith[ray]"'
        ) from error
    if ray.is_initialized():  # by who calls us, who will end it
        yield
        return
    _check(address)
    try:
        ray.init(address, logging_level="warning", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise MissingError(_shut(address, error)) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check(address: str) -> None:
    """Knock at a node's door: Ray itself would knock for minutes.

    Raises:
        MissingError: Nobody answers.
    """
    if address == AUTO:
        return
    host, _, port = address.removeprefix("ray://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise MissingError(
            f"no Ray cluster answers at {address}; start one (`ray start --head`) or "
            "correct engine.address"
        ) from error


def _shut(address: str, error: Exception) -> str:
    """Say what keeps us out of a cluster whose port, where it has one, answers."""
    where = "on this machine" if address == AUTO else f"at {address}"
    told = textwrap.shorten(str(error), TOLD_CHARACTERS, placeholder=" ...")
    return (
        f"no Ray cluster {where} lets us in: {told}; start one (`ray start --head`), "
        "correct engine.address or, if the cluster asks for a token, set "
        "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless ~/.ray/auth_token is its token"
    )


@contextmanager
def _explained(address: str) -> Iterator[None]:
    from ray import exceptions

    try:
        yield
    except exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, ModuleNotFoundError):
            raise MissingError(
                f"a worker of Ray ({address}) lacks a package ({cause}); install what "
                "this environment has there too"
            ) from error
        raise cause from error  # as the function raised it
    except exceptions.RayError as error:
        raise MissingError(
            f"Ray ({address}): an item's workers died, one after another, most likely "
            "for want of memory, or the cluster is gone; run the same command when it "
            "is well again: what is finished is kept"
        ) from error
