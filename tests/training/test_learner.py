"""What an optimizer is, and the learning rate that it gets, by phase."""

from types import SimpleNamespace

import numpy as np
import pytest

from tagsmith.config import Phase
from tests.fakes.experiments import tiny_params

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


def test_by_inverse_time_every_step_divides_by_a_bit_more():
    found = rates(4, 5, decay={"per_step": 0.1})
    assert found == pytest.approx([1e-3 / (1 + 0.1 * step) for step in range(20)])


def test_sgd_is_nesterovs_with_the_momentum_of_the_siamese_networks_authors():
    import keras

    from tagsmith.training.learner import compile_for

    params = tiny_params(**{"architectures.siamese.training.optimizer": "sgd"})
    training, truth = params.models["siamese"].training, np.ones((1, 2), bool)
    lessons = SimpleNamespace(training=training, truth=truth, per_epoch=1)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    compile_for(lessons, network, training.phases[0])
    assert isinstance(network.optimizer, keras.optimizers.SGD)
    assert (network.optimizer.momentum, network.optimizer.nesterov) == (0.9, True)


@pytest.mark.parametrize("decay", [(20, 40), (30, 20), (5, 5), (41,)])
def test_steps_that_do_not_rise_within_the_phase_are_refused(decay):
    with pytest.raises(ValueError, match="rising numbers of epochs below epochs"):
        Phase(epochs=40, learning_rate=1e-3, decay=decay)
