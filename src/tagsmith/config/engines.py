"""Where the work of a stage, or of `tagsmith predict`, runs; it changes no result."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

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


class Dask(Section):
    """A cluster with a Dask scheduler; its workers reach the same folders."""

    kind: Literal["dask"]
    address: Annotated[
        str, StringConstraints(pattern=r"^(tcp|tls)://[^:/@]+:\d+$")
    ]  # of the scheduler: tcp://HOST:8786
    workers: Workers  # items under way at once; -1: as many as the cluster takes


class Ray(Section):
    """A Ray cluster; its nodes reach the same folders."""

    kind: Literal["ray"]
    address: Annotated[
        str, StringConstraints(pattern=r"^(auto|(ray://)?[^:/@]+:\d+)$")
    ]  # auto: the cluster that this machine is in | HOST:6379 | ray://HOST:10001
    workers: Workers  # items under way at once; -1: as many as the cluster takes


Engine = Annotated[Loky | Dask | Ray, Field(discriminator="kind")]
