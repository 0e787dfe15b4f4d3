"""Where the work of a stage, or of `tagsmith predict`, runs; it changes no result."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tagsmith.config.section import Section

ALL = -1


def _count(workers: int) -> int:
    if workers != ALL and workers < 1:
        raise ValueError(f"workers must be {ALL} (all there are) or at least 1")
    return workers


Workers = Annotated[int, AfterValidator(_count)]


class Loky(Section):
    """Processes of this machine."""

    kind: Literal["loky"]
    workers: Workers  # -1: one per core


def _dask_address(address: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://[^:/@]+:\d+", address):
        raise ValueError(
            "address must be a Dask scheduler's: tcp://HOST:PORT, or tls://"
        )
    return address


def _ray_address(address: str) -> str:
    if not re.fullmatch(r"auto|(ray://)?[^:/@]+:\d+", address):
        raise ValueError(
            "address must be a Ray cluster's: auto (the one that this machine is in), "
            "HOST:PORT or ray://HOST:PORT"
        )
    return address


class Dask(Section):
    """A cluster with a Dask scheduler; its workers reach the same folders."""

    kind: Literal["dask"]
    address: Annotated[str, AfterValidator(_dask_address)]  # of the scheduler
    workers: Workers  # items under way at once; -1: as many as the cluster takes


class Ray(Section):
    """A Ray cluster; its nodes reach the same folders."""

    kind: Literal["ray"]
    address: Annotated[str, AfterValidator(_ray_address)]
    workers: Workers  # items under way at once; -1: as many as the cluster takes


Engine = Annotated[Loky | Dask | Ray, Field(discriminator="kind")]
