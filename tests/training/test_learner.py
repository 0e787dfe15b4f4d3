"""What an optimizer is, its learning rate by phase, and which epoch is best."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import Phase
from tagsmith.errors import DataError
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

    from tagsmith.training.learner import compiled

    params = tiny_params(**{"architectures.siamese.training.optimizer": "sgd"})
    training, truth = params.models["siamese"].training, np.ones((1, 2), bool)
    lessons = SimpleNamespace(training=training, truth=truth, per_epoch=1)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    compiled(lessons, network, training.phases[0])
    assert isinstance(network.optimizer, keras.optimizers.SGD)
    assert (network.optimizer.momentum, network.optimizer.nesterov) == (0.9, True)


def progress_of(rows, best_by):
    """Return where a training stands after epochs of (ROC-AUC, loss)."""
    from tagsmith.training.checkpoint import Progress

    progress = Progress("a run")
    for roc_auc, loss in rows:
        row = {"validation_roc_auc": roc_auc, "validation_loss": loss}
        progress.add(row, best_by=best_by)
    return progress


@pytest.mark.parametrize(
    ("best_by", "epoch", "best"), [("roc_auc", 3, 0.9), ("loss", 2, -0.2)]
)
def test_the_best_epoch_is_the_first_with_the_highest_area_or_the_lowest_loss(
    best_by, epoch, best
):
    rows = [(0.6, 0.5), (0.7, 0.2), (0.9, 0.3), (0.9, 0.2)]
    progress = progress_of(rows, best_by)
    assert (progress.best_epoch, progress.best) == (epoch, best)
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4]


@pytest.mark.parametrize(("patience", "over"), [(0, False), (2, True), (3, False)])
def test_patience_ends_when_so_many_epochs_were_no_better(patience, over):
    from tagsmith.training.fit import _is_over

    progress = progress_of([(0.6, 0.4), (0.7, 0.5), (0.8, 0.6)], "loss")
    training = SimpleNamespace(epochs=9, patience_epochs=patience)
    assert _is_over(progress, training) is over


@given(st.integers(2, 80), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_the_areas_are_scikit_learns_ties_and_all(tracks, tags, seed):
    from sklearn.metrics import average_precision_score, roc_auc_score

    from tagsmith.training.figures import ranked

    rng = np.random.default_rng(seed)
    truth = rng.random((tracks, tags)) < rng.random(tags)
    truth[:, 0] = np.arange(tracks) == 0
    scores = np.round(rng.random((tracks, tags)), int(rng.integers(1, 9)))
    known = truth.any(axis=0) & ~truth.all(axis=0)
    expected = {
        "validation_roc_auc": roc_auc_score(truth[:, known], scores[:, known]),
        "validation_pr_auc": average_precision_score(truth[:, known], scores[:, known]),
    }
    found = ranked(truth, scores.astype(np.float32))
    assert found == pytest.approx(expected, abs=1e-12)


def test_no_epoch_is_best_where_no_tag_tells_tracks_apart():
    from tagsmith.training.figures import ranked

    truth = np.array([[True, False], [True, False]])
    with pytest.raises(DataError, match="no epoch can be called best: 2 tracks"):
        ranked(truth, np.zeros((2, 2)))


@pytest.mark.parametrize("row", [0, 2])
def test_scores_that_are_no_numbers_are_refused(row):
    from tagsmith.training.figures import ranked

    scores = np.full((3, 1), 0.5)
    scores[row] = np.nan
    with pytest.raises(DataError, match="training diverged; lower the"):
        ranked(np.array([[True], [False], [False]]), scores)


def test_the_loss_on_validation_is_keras_of_certain_scores_too(rng):
    import keras

    from tagsmith.training.figures import mean_crossentropy

    truth = rng.random((2500, 7)) < 0.3
    scores = rng.random(truth.shape).astype(np.float32)
    scores[::5], scores[1::5] = 0, 1
    expected = keras.losses.BinaryCrossentropy()(np.float32(truth), scores)
    found = mean_crossentropy(truth, scores)
    # In float32, 1 - 1e-7 is 1.2e-7 below 1, which Keras's numbers are made of.
    assert found == pytest.approx(float(expected), rel=1e-2)


@pytest.mark.parametrize("decay", [(20, 40), (30, 20), (5, 5), (41,)])
def test_steps_that_do_not_rise_within_the_phase_are_refused(decay):
    with pytest.raises(ValueError, match="rising numbers of epochs below epochs"):
        Phase(epochs=40, learning_rate=1e-3, decay=decay)
