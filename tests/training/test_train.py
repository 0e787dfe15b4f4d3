"""Stage `train`: what it writes, and that a killed run ends as an undisturbed one."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import SPLITS
from tagsmith.stages import train
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.training.batches import Clips
from tests.fakes.experiments import (
    TAGS,
    WITHHELD,
    store_with_features,
    tiny_params,
    write_vectors,
)

pytestmark = pytest.mark.keras
CRNN, SEQUENCES, MULTISCALE = "crnn_lstm", "ds_1s_gru", "multiscale"
SIAMESE, MELBAND_FCN = "siamese", "melband_fcn"
every_architecture = pytest.mark.parametrize(
    "name", [CRNN, SEQUENCES, MULTISCALE, SIAMESE, MELBAND_FCN]
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is tidied up."""


class Killer(MemoryRecorder):
    """A recorder during one of whose epochs the process dies."""

    def __init__(self, run_id="memory", epoch=2):
        super().__init__(run_id)
        self.epoch = epoch

    def metrics(self, values, step=0):
        if step == self.epoch:
            raise Killed
        super().metrics(values, step)


@pytest.fixture
def store(tmp_path, rng):
    return store_with_features(tmp_path, rng)


@pytest.fixture
def params():
    first = {"epochs": 3, "learning_rate": 0.01, "decay": "cosine"}
    second = {"epochs": 2, "learning_rate": 0.002, "decay": "none"}
    return tiny_params(
        **{
            "architectures.crnn.dropout": 0.5,
            "architectures.crnn.recurrent_dropout": 0.2,
            "architectures.crnn.training.frozen_clips_per_track": 2,
            "architectures.crnn.training.phases": [
                {**first, "train_trunk": False},
                {**second, "train_trunk": True},
            ],
            "architectures.deep_spectrum_rnn.dropout": 0.5,
            "architectures.deep_spectrum_rnn.recurrent_dropout": 0.2,
            "architectures.deep_spectrum_rnn.training.phases": [first, second],
            "architectures.multiscale.dropout": 0.5,
            "architectures.multiscale.training.phases": [
                {**first, "decay": [1, 2]},
                second,
            ],
            "architectures.melband_fcn.dropout": 0.5,
            "architectures.melband_fcn.training.best_by": "loss",
            "architectures.melband_fcn.training.phases": [first, second],
            "architectures.siamese.dropout": 0.5,
            "architectures.siamese.warm_start_epochs": 1,
            "architectures.siamese.training.phases": [
                {**first, "epochs": 5, "decay": {"per_step": 0.01}}
            ],
        }
    )


def outcome(store, name):
    folder = store.place("models", name)
    scores = {split: store.read_scores(name, split) for split in SPLITS}
    history = pd.read_csv(folder / "history.csv")
    return (folder / "network.weights.h5").read_bytes(), scores, history


def assert_same(ended, undisturbed):
    assert ended[0] == undisturbed[0]
    pd.testing.assert_frame_equal(ended[2], undisturbed[2])
    for split in SPLITS:
        np.testing.assert_array_equal(ended[1][split], undisturbed[1][split])


@every_architecture
def test_it_scores_every_split_and_writes_what_load_reads(store, params, name):
    from tagsmith.models import load

    train.run(params, store, MemoryRecorder(), name)
    _, scores, history = outcome(store, name)
    assert list(history["epoch"]) == [1, 2, 3, 4, 5]
    assert load(store.place("models", name)).tags == tuple(scores["test"].columns)
    assert train.interrupted_run(params, store, name) is None


@pytest.mark.parametrize(
    ("name", "epoch"),
    [
        pytest.param(CRNN, 2, id="while the trunk is frozen"),
        pytest.param(CRNN, 3, id="when it is about to thaw"),
        pytest.param(CRNN, 4, id="after it has", marks=pytest.mark.slow),
        pytest.param(SEQUENCES, 2, id="sequences", marks=pytest.mark.slow),
        pytest.param(SIAMESE, 2, id="pairs"),
        pytest.param(MELBAND_FCN, 2, id="whole tracks"),
    ],
)
def test_a_killed_run_ends_as_an_undisturbed_one(store, params, name, epoch):
    train.run(params, store, MemoryRecorder(), name)
    undisturbed = outcome(store, name)
    with pytest.raises(Killed):
        train.run(params, store, Killer("the first run", epoch), name)
    assert train.interrupted_run(params, store, name) == "the first run"
    train.run(params, store, MemoryRecorder("the first run"), name)
    assert_same(outcome(store, name), undisturbed)


def test_a_run_that_was_killed_while_its_trunk_heard_ends_as_an_undisturbed_one(
    store, params, monkeypatch
):
    train.run(params, store, MemoryRecorder(), CRNN)
    undisturbed = outcome(store, CRNN)
    with monkeypatch.context() as patched:
        patched.setattr(Clips, "drawn", killed_in_the_second)
        with pytest.raises(Killed):
            train.run(params, store, MemoryRecorder(), CRNN)
    assert len(list(store.scratch.rglob("draw-*.npy"))) == 1
    train.run(params, store, MemoryRecorder(), CRNN)
    assert_same(outcome(store, CRNN), undisturbed)


def killed_in_the_second(self, draw, drawn=Clips.drawn):
    if draw:
        raise Killed
    return drawn(self, draw)


@pytest.mark.parametrize("epoch", [3, 5])
def test_a_trunk_that_learns_or_is_done_leaves_nothing_behind(store, params, epoch):
    with pytest.raises(Killed):
        train.run(params, store, Killer(epoch=epoch), CRNN)
    assert bool(list(store.scratch.rglob("draw-*.npy"))) == (epoch == 3)
    train.run(params, store, MemoryRecorder(), CRNN)
    assert not list(store.scratch.rglob("*.np[yz]"))


def test_a_checkpoint_of_other_parameters_is_not_continued(store, params):
    with pytest.raises(Killed):
        train.run(params, store, Killer(), CRNN)
    other = params.override({f"models.{CRNN}.dropout": 0.4})
    assert train.interrupted_run(other, store, CRNN) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [CRNN, SEQUENCES, MULTISCALE, SIAMESE, "texture"])
def test_it_learns_tags_that_leave_their_own_marks(store, name):
    phase = {"epochs": 8, "learning_rate": 0.01, "decay": "cosine"}
    sequences = {**phase, "epochs": 40}
    params = tiny_params(
        **{
            "architectures.crnn.training.phases": [{**phase, "train_trunk": True}],
            "architectures.crnn.training.clips_per_track": 20,
            "architectures.deep_spectrum_rnn.training.phases": [sequences],
            "architectures.multiscale.training.phases": [{**phase, "epochs": 16}],
            "architectures.multiscale.training.clips_per_track": 20,
            "architectures.siamese.training.phases": [phase],
            "architectures.siamese.training.clips_per_track": 20,
        }
    )
    recorder = MemoryRecorder()
    train.run(params, store, recorder, name)
    best = max(v for n, v, _ in recorder.logged_metrics if n == "validation_roc_auc")
    assert best > 0.9
    kept = {n: v for n, v, _ in recorder.logged_metrics if "/" in n}
    assert kept["validation/ROC-AUC-macro"] == pytest.approx(best, abs=1e-3)
    assert 0.5 < kept["validation/PR-AUC-macro"] <= 1


# --- a siamese network


def without_tags(store, track):
    """Take the tags of a track away, and return the truth that is left."""
    said = store.read_table("annotations")
    store.write_table("annotations", said[said["track_id"] != track])
    return store.read_truth("train")


def test_a_track_without_tags_is_not_learnt_but_scored(store, params, monkeypatch):
    truth = without_tags(store, store.read_truth("train").index[1])
    kept = truth.any(axis=1) & ~truth.all(axis=1)
    taught = []
    monkeypatch.setattr(
        "tagsmith.training.teach.fit", lambda *given: taught.append(given[1]) or []
    )
    train.run(params, store, MemoryRecorder(), SIAMESE)
    np.testing.assert_array_equal(taught[0].truth, truth[kept])
    assert len(taught[0].clips.tracks) == kept.sum() < len(truth)
    assert list(store.read_scores(SIAMESE, "train").index) == list(truth.index)


def test_a_checkpoint_of_other_vectors_is_another(store, params):
    before = train.checkpoint_of(params, store, SIAMESE).path
    write_vectors(store, [*TAGS[::-1], *WITHHELD])
    assert train.checkpoint_of(params, store, SIAMESE).path != before


def test_the_loss_of_an_epoch_is_the_mean_over_its_clips():
    from tagsmith.training import fit

    losses = iter([{"loss": 1.0}, {"loss": 6.0}])
    batches = [(np.zeros((4, 1, 1)), None), (np.zeros((1, 1, 1)), None)]
    pupil = SimpleNamespace(
        network=SimpleNamespace(train_on_batch=lambda *_, **__: next(losses)),
        lessons=SimpleNamespace(epoch=lambda _: iter(batches), per_epoch=5),
        score=lambda: np.array([[0.1], [0.9]]),
    )
    learned, _ = fit._epoch(pupil, np.array([[False], [True]]), 0)
    assert learned["loss"] == 2.0
