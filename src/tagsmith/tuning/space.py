"""From `tuning.spaces` to what Optuna draws from, and from what it drew to values."""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tagsmith.config import (
    ChoiceSpace,
    FloatSpace,
    IntSpace,
    Params,
    Space,
    nearest,
    value_at,
)
from tagsmith.errors import ConfigError

Spaces = Mapping[str, Space]
DIGITS = 3  # of a number: what people can read, and more than a tuning can tell


def spaces_of(params: Params, model: str) -> Spaces:
    """Return what is searched for a model.

    Raises:
        ConfigError: There is no such model, or nothing is searched for it.
    """
    params.model(model)
    spaces = params.tuning.spaces.get(model)
    if not spaces:
        known = [name for name, its in params.tuning.spaces.items() if its]
        raise ConfigError(
            f"tuning.spaces has nothing for {model!r}{nearest(model, known)}; it has "
            f"{sorted(known)}"
        )
    return spaces


def distributions(spaces: Spaces) -> dict[str, BaseDistribution]:
    """Return what Optuna draws each parameter from."""
    return {key: _distribution(space) for key, space in spaces.items()}


def defaults(params: Params, model: str) -> dict[str, Any]:
    """Return the values that `params.yaml` has for what is searched.

    Raises:
        ConfigError: One lies outside its space, so that no trial could try it.
    """
    tree = params.model(model).model_dump(mode="json")
    values = {key: value_at(tree, key) for key in spaces_of(params, model)}
    for key, space in spaces_of(params, model).items():
        if not _holds(space, values[key]):
            raise ConfigError(
                f"models.{model}.{key} is {values[key]!r}, outside of "
                f"tuning.spaces.{model}.{key} ({_described(space)}): the first trial "
                "is what params.yaml has; widen the space"
            )
    return values


def drawn(spaces: Spaces, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in Optuna's terms."""
    return {
        key: _label(values[key]) if isinstance(space, ChoiceSpace) else values[key]
        for key, space in spaces.items()
    }


def values_of(spaces: Spaces, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Optuna drew as values of the model's parameters."""
    return {key: _value(space, drawn[key]) for key, space in spaces.items()}


def _distribution(space: Space) -> BaseDistribution:
    match space:
        case FloatSpace(low=low, high=high, log=log):
            return FloatDistribution(low, high, log=log)
        case IntSpace(low=low, high=high, log=log):
            return IntDistribution(low, high, log=log)
        case ChoiceSpace(choices=choices):
            return CategoricalDistribution([_label(choice) for choice in choices])
        case _:
            assert_never(space)


def _value(space: Space, drawn: Any) -> Any:  # noqa: ANN401 - a number or a choice
    match space:
        case FloatSpace(low=low, high=high):
            return min(max(float(f"{drawn:.{DIGITS}g}"), low), high)
        case IntSpace():
            return int(drawn)
        case ChoiceSpace(choices=choices):
            return next(choice for choice in choices if _label(choice) == drawn)
        case _:
            assert_never(space)


def _label(choice: Any) -> Any:  # noqa: ANN401 - a choice
    """Return what stands for a choice in a study, which keeps no lists."""
    plain = choice is None or isinstance(choice, bool | int | float | str)
    return choice if plain else json.dumps(choice)


def _holds(space: Space, value: Any) -> bool:  # noqa: ANN401 - a parameter
    if isinstance(space, ChoiceSpace):
        return value in space.choices
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and space.low <= value <= space.high


def _described(space: Space) -> str:
    if isinstance(space, ChoiceSpace):
        return f"one of {list(space.choices)}"
    return f"{space.low:g} to {space.high:g}"
