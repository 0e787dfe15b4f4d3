"""The learning rate that an optimizer gets, by phase."""

import pytest

from tagsmith.config import Phase

pytestmark = pytest.mark.keras


def rates(epochs, steps, **phase):
    """Return the rate of every step of a phase."""
    from tagsmith.training.learner import learning_rate

    schedule = learning_rate(Phase(epochs=epochs, learning_rate=1e-3, **phase), steps)
    return [float(schedule(step)) for step in range(epochs * steps)]


def test_behind_each_step_of_the_published_schedule_the_rate_is_a_tenth():
    found = rates(40, 5, decay=(20, 30, 35))
    expected = [1e-3] * 100 + [1e-4] * 50 + [1e-5] * 25 + [1e-6] * 25
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_cosine_falls_all_the_way():
    found = rates(4, 5, decay="cosine")
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(1e-3) and found[-1] < 2e-5


@pytest.mark.parametrize("decay", [(20, 40), (30, 20), (5, 5), (41,)])
def test_steps_that_do_not_rise_within_the_phase_are_refused(decay):
    with pytest.raises(ValueError, match="rising numbers of epochs below epochs"):
        Phase(epochs=40, learning_rate=1e-3, decay=decay)
