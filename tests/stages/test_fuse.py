"""The best fusion on validation is written with its weights, scores and thresholds."""

import json

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import ENSEMBLE, HELD_OUT
from tagsmith.core import metrics, thresholds
from tagsmith.errors import MissingError
from tagsmith.stages import fuse
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import scored

GROUPS = scored.MEMBERS


@pytest.fixture
def recorder():
    return MemoryRecorder()


@pytest.fixture
def store(tmp_path, rng, recorder):
    """A store in which the models have been fused."""
    made = scored.store(tmp_path, rng)
    fuse.run(scored.params(), made, recorder)
    return made


def read_json(store):
    return json.loads(store.place("fusion", "ensemble.json").read_text())


def read_candidates(store):
    return pd.read_csv(store.place("fusion", "candidates.csv"))


def reached(store, model, split="validation"):
    truth, scores = store.read_truth(split), store.read_scores(model, split)
    return metrics.areas(truth, scores)["ROC-AUC-macro"]


def test_the_ensemble_beats_its_best_member_on_validation(store):
    alone = max(reached(store, model) for model in scored.SKILLS)
    assert reached(store, ENSEMBLE) > alone


@pytest.mark.parametrize("split", HELD_OUT)
def test_fused_scores_are_the_weighted_mean_of_the_members(store, split):
    weights = read_json(store)["weights"]
    members = [
        weight * store.read_scores(model, split) for model, weight in weights.items()
    ]
    fused = store.read_scores(ENSEMBLE, split)
    assert np.abs(fused - sum(members)).max(axis=None) < 1e-6


def test_the_choice_says_what_it_reaches(store):
    choice = read_json(store)
    assert choice["metric"] == "roc_auc_macro"
    assert choice["method"] in {"mean", "weighted", "greedy", "subsets"}
    assert sum(choice["weights"].values()) == pytest.approx(1)
    assert choice["validation"] == pytest.approx(reached(store, ENSEMBLE), abs=1e-12)


def test_every_candidate_is_listed_and_one_is_chosen(store):
    table = read_candidates(store)
    names = [*scored.params().models, *GROUPS, *scored.params().fusion.methods]
    assert table["candidate"].tolist() == names
    chosen = table[table["chosen"]]
    assert chosen["method"].tolist() == [read_json(store)["method"]]
    fused = table[~table["method"].isin(["single", "group"])]
    assert chosen["roc_auc_macro"].item() == fused["roc_auc_macro"].max()


def test_weights_of_every_candidate_are_listed(store):
    weights = read_candidates(store).filter(like="weight_")
    assert list(weights) == [f"weight_{model}" for model in scored.params().models]
    assert weights.sum(axis=1).to_numpy() == pytest.approx(1)


def test_only_the_methods_that_were_named_are_tried(store, recorder):
    fuse.run(scored.params(**{"fusion.methods": ["mean"]}), store, recorder)
    assert read_json(store)["method"] == "mean"
    assert set(read_candidates(store)["method"]) == {"single", "group", "mean"}


@pytest.mark.parametrize("split", HELD_OUT)
def test_scores_of_a_group_are_the_mean_of_its_members(store, split):
    members = [store.read_scores(model, split) for model in GROUPS["groups/lstms"]]
    fused = store.read_scores("groups/lstms", split)
    assert np.abs(fused - sum(members) / 2).max(axis=None) < 1e-6


def test_the_members_of_a_group_are_the_models_of_its_pattern():
    assert scored.params().group_members == GROUPS


def test_a_group_gets_thresholds_as_a_model_does(store):
    truth = store.read_truth("validation").to_numpy()
    scores = store.read_scores("groups/lstms", "validation").to_numpy()
    expected = thresholds.fit(truth, scores, scored.params().calibration)
    found = store.read_thresholds("groups/lstms")
    assert found == dict(zip(scored.TAGS, expected, strict=True))


def test_a_group_is_listed_with_what_it_reaches(store):
    table = read_candidates(store).set_index("candidate")
    assert set(table.loc[[*GROUPS], "method"]) == {"group"}
    value = table.loc["groups/lstms", "roc_auc_macro"]
    assert value == pytest.approx(reached(store, "groups/lstms"), abs=1e-12)


def test_a_group_that_is_no_more_leaves_nothing(store, recorder):
    fuse.run(scored.params(**{"fusion.groups": {}}), store, recorder)
    left = {path.name for path in store.place("fusion").rglob("*") if path.is_file()}
    assert left == {
        *("ensemble.json", "candidates.csv", "ensemble.tsv"),
        *(f"{split}.parquet" for split in HELD_OUT),
    }


def test_a_subset_can_be_chosen(store, recorder):
    fuse.run(scored.params(**{"fusion.methods": ["subsets"]}), store, recorder)
    assert read_json(store)["method"] == "subsets"
    weights = [*read_json(store)["weights"].values()]
    assert weights == pytest.approx([1 / len(weights)] * len(weights))


def test_scores_of_a_group_are_missed_with_the_stage_that_makes_them(tmp_path, rng):
    made = scored.store(tmp_path, rng)
    with pytest.raises(MissingError, match=r"groups/crnn.*dvc repro fuse"):
        made.read_scores("groups/crnn", "test")
    with pytest.raises(MissingError, match=r"groups/crnn.*dvc repro fuse"):
        made.read_thresholds("groups/crnn")


def test_the_ensemble_gets_thresholds(store):
    assert list(store.read_thresholds(ENSEMBLE)) == scored.TAGS


def test_stated_weights_are_the_ensembles_whatever_would_be_better(store, recorder):
    stated = {"crnn_gru": 3, "crnn_lstm": 1, "crnn_bilstm": 0}
    fuse.run(scored.params(**{"fusion.weights": stated}), store, recorder)
    told = read_json(store)
    assert told["method"] == recorder.logged_tags["fusion"] == "given"
    assert told["weights"] == {"crnn_gru": 0.75, "crnn_lstm": 0.25}
    assert told["validation"] == pytest.approx(reached(store, ENSEMBLE), abs=1e-12)
    table = read_candidates(store)
    assert table.loc[table["chosen"], "candidate"].tolist() == ["given"]
    assert table["roc_auc_macro"].max() > told["validation"]


def test_test_scores_have_no_say(store, recorder, rng):
    before = read_json(store), store.read_thresholds(ENSEMBLE)
    for model in scored.SKILLS:
        test = store.read_scores(model, "test")
        store.write_scores(model, "test", test * rng.random(test.shape))
    fuse.run(scored.params(), store, recorder)
    assert (read_json(store), store.read_thresholds(ENSEMBLE)) == before


def test_the_same_scores_give_the_same_bytes(store, recorder):
    names = ("ensemble.json", "candidates.csv")
    before = [store.place("fusion", name).read_bytes() for name in names]
    fuse.run(scored.params(), store, recorder)
    assert [store.place("fusion", name).read_bytes() for name in names] == before


def test_the_recorder_learns_every_candidates_value(store, recorder):
    names = [name for name, _, _ in recorder.logged_metrics]
    assert "validation/mean/roc_auc_macro" in names
    assert "validation/crnn_gru/roc_auc_macro" in names
    assert recorder.logged_tags["fusion"] == read_json(store)["method"]
