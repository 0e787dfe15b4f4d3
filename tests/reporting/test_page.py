"""Axes are round and hold what they are made for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.reporting.page import SKILL, Scale

values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(values)
def test_every_value_lies_on_its_axis(numbers):
    ticks = Scale.around(numbers).ticks
    assert ticks[0] <= min(numbers) + 1e-6
    assert max(numbers) - 1e-6 <= ticks[-1]


@given(values)
def test_an_axis_has_few_ticks_at_even_steps(numbers):
    scale = Scale.around(numbers)
    places = [scale.percent(tick) for tick in scale.ticks]
    assert 2 <= len(places) <= 7
    assert places == pytest.approx(
        [100 * n / scale.steps for n in range(len(places))], abs=0.1
    )


def test_an_undefined_value_asks_for_no_room():
    assert Scale.around([0.9, float("nan"), 0.95]) == Scale.around([0.9, 0.95])


def test_what_is_below_chance_has_no_bar():
    assert SKILL.percent(0.3) == 0
    assert SKILL.percent(1.0) == 100
