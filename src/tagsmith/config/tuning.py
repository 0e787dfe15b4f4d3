"""Tuning: which parameters of a model are searched, how, and where a study is kept."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from tagsmith.config.section import Name, Section

SCHEMES = ("sqlite:///FILE", "journal://FILE", "postgresql://...", "grpc://HOST:PORT")
PASSWORD = re.compile(r"^[^:/]+://[^/@]*:[^/@]*@")


def storage_address(address: str) -> str:
    """Return an address where studies can be kept.

    Raises:
        ValueError: It is of no known kind, or says a password, which every run's record
            of the parameters would repeat.
    """
    known = r"sqlite:///.+|journal://.+|postgresql(\+\w+)?://.+|grpc://[^:/]+:\d+"
    if not re.fullmatch(known, address):
        raise ValueError(f"storage must be one of {', '.join(SCHEMES)}")
    if PASSWORD.match(address):
        raise ValueError(
            "storage must not say a password, which would be recorded with every run; "
            "set PGPASSWORD or write a ~/.pgpass"
        )
    return address


class TpeSampler(Section):
    """Tree-structured Parzen estimator: Bergstra et al., NeurIPS 2011."""

    kind: Literal["tpe"]
    startup_trials: NonNegativeInt  # at random, before anything is estimated
    candidates: PositiveInt  # drawn for each trial; the likeliest is tried
    multivariate: bool  # whether parameters are estimated together
    constant_liar: bool  # whether what other workers try now is taken for bad


class RandomSampler(Section):
    """Every trial at random."""

    kind: Literal["random"]


class MedianPruner(Section):
    """A trial ends if its best epoch so far is below the others' median by then."""

    kind: Literal["median"]
    startup_trials: NonNegativeInt  # that run to their end before any is pruned
    warmup_epochs: NonNegativeInt  # of every trial
    least_trials: PositiveInt  # that must have got as far


class NoPruner(Section):
    """Every trial runs to its end."""

    kind: Literal["none"]


class _Range(Section):
    """Numbers from low to high, both included; `log` draws their logarithms evenly."""

    low: float
    high: float
    log: bool

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(
                f"low ({self.low:g}) must be above 0 for log; set log to false"
            )
        return self


class FloatSpace(_Range):
    """A number; it is rounded to three digits, so that people can read it."""

    kind: Literal["float"]


class IntSpace(_Range):
    """A whole number."""

    kind: Literal["int"]
    low: int
    high: int


class ChoiceSpace(Section):
    """One of some values, which may be lists."""

    kind: Literal["choice"]
    choices: tuple[Any, ...] = Field(min_length=2)


Space = Annotated[FloatSpace | IntSpace | ChoiceSpace, Field(discriminator="kind")]


class Tuning(Section):
    """How parameters of a model are searched; changes nothing until adopted.

    `spaces` are by model, then by key below the model's section, with a number for a
    place in a list: `training.phases.0.learning_rate`. Trials are judged by `metric` on
    validation, at their best epoch.
    """

    storage: Annotated[str, AfterValidator(storage_address)]
    metric: Literal["pr_auc_macro"]
    sampler: Annotated[TpeSampler | RandomSampler, Field(discriminator="kind")]
    pruner: Annotated[MedianPruner | NoPruner, Field(discriminator="kind")]
    stale_seconds: PositiveFloat  # without a sign of life: the worker was killed
    retries: NonNegativeInt  # of a trial whose worker was killed
    spaces: dict[Name, dict[str, Space]]
