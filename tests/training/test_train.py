"""Stage `train`: what it writes, and that a killed run ends as an undisturbed one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import SPLITS
from tagsmith.stages import train
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes.experiments import store_with_features, tiny_params

pytestmark = pytest.mark.keras
NAME = "crnn_lstm"


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is tidied up."""


class Killer(MemoryRecorder):
    """A recorder during whose second epoch the process dies."""

    def metrics(self, values, step=0):
        if step == 2:
            raise Killed
        super().metrics(values, step)


@pytest.fixture
def store(tmp_path, rng):
    return store_with_features(tmp_path, rng)


@pytest.fixture
def params():
    return tiny_params(
        **{
            "architectures.crnn.dropout": 0.5,
            "architectures.crnn.recurrent_dropout": 0.2,
            "architectures.crnn.training.phases": [
                {
                    "epochs": 3,
                    "learning_rate": 0.01,
                    "decay": "cosine",
                    "train_trunk": False,
                },
                {
                    "epochs": 2,
                    "learning_rate": 0.002,
                    "decay": "none",
                    "train_trunk": True,
                },
            ],
        }
    )


def outcome(store):
    folder = store.place("models", NAME)
    scores = {split: store.read_scores(NAME, split) for split in SPLITS}
    history = pd.read_csv(folder / "history.csv")
    return (folder / "network.weights.h5").read_bytes(), scores, history


def test_it_scores_every_split_and_writes_what_load_reads(store, params):
    from tagsmith.models import load

    train.run(params, store, MemoryRecorder(), NAME)
    _, scores, history = outcome(store)
    assert list(history["epoch"]) == [1, 2, 3, 4, 5]
    assert load(store.place("models", NAME)).tags == tuple(scores["test"].columns)
    assert train.interrupted_run(params, store, NAME) is None


def test_a_killed_run_ends_as_an_undisturbed_one(store, params):
    train.run(params, store, MemoryRecorder(), NAME)
    undisturbed = outcome(store)
    with pytest.raises(Killed):
        train.run(params, store, Killer("the first run"), NAME)
    assert train.interrupted_run(params, store, NAME) == "the first run"
    train.run(params, store, MemoryRecorder("the first run"), NAME)
    resumed = outcome(store)
    assert resumed[0] == undisturbed[0]
    pd.testing.assert_frame_equal(resumed[2], undisturbed[2])
    for split in SPLITS:
        np.testing.assert_array_equal(resumed[1][split], undisturbed[1][split])


def test_a_checkpoint_of_other_parameters_is_not_continued(store, params):
    with pytest.raises(Killed):
        train.run(params, store, Killer(), NAME)
    other = params.override({f"models.{NAME}.dropout": 0.4})
    assert train.interrupted_run(other, store, NAME) is None


def test_it_learns_tags_that_draw_their_own_stripes(store):
    phase = {"epochs": 8, "learning_rate": 0.01, "decay": "cosine", "train_trunk": True}
    params = tiny_params(
        **{
            "architectures.crnn.training.phases": [phase],
            "architectures.crnn.training.clips_per_track": 20,
        }
    )
    recorder = MemoryRecorder()
    train.run(params, store, recorder, NAME)
    best = max(v for n, v, _ in recorder.logged_metrics if n == "validation_roc_auc")
    assert best > 0.9


def test_the_loss_of_an_epoch_is_the_mean_over_its_clips():
    from tagsmith.training import fit

    losses = iter([{"loss": 1.0}, {"loss": 6.0}])
    batches = [(np.zeros((4, 1, 1)), None), (np.zeros((1, 1, 1)), None)]
    clips = SimpleNamespace(epoch=lambda _: iter(batches), per_epoch=5)
    tagger = SimpleNamespace(
        network=SimpleNamespace(train_on_batch=lambda *_, **__: next(losses)),
        score_features=lambda _: np.array([[0.1], [0.9]]),
    )
    validation = fit.Validation([], np.array([[False], [True]]))
    learned, _ = fit._epoch(tagger, clips, validation, 0)
    assert learned["loss"] == 2.0
