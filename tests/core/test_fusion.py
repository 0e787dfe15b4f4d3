"""Fusions weigh models by validation, and are never worse than they must be."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagsmith.config import Fusion
from tagsmith.core import fusion, metrics
from tagsmith.core.fusion import Candidate
from tagsmith.errors import DataError

EVERY = ("mean", "subsets", "weighted", "greedy")


def trying(*methods, metric="roc_auc_macro", rounds=8):
    return Fusion(
        methods=methods or EVERY,
        weights={},
        groups={},
        metric=metric,
        greedy_rounds=rounds,
    )


def problem(seed, models=3):
    """Truth of 60 tracks, and models that each know something of it."""
    rng = np.random.default_rng(seed)
    truth = rng.random((60, 4)) < 0.35
    noises = rng.uniform(0.3, 2, models)
    scores = {
        f"model{place}": 1
        / (1 + np.exp(-1 * truth - noise * rng.normal(size=truth.shape)))
        for place, noise in enumerate(noises)
    }
    return truth, scores


def search(truth, scores, config, **groups):
    return fusion.search(truth, scores, config, groups=groups)


def alike(members):
    return dict.fromkeys(members, 1 / len(members))


def by_method(candidates):
    return {candidate.method: candidate for candidate in candidates}


@settings(max_examples=12)
@given(st.integers(0, 999), st.sampled_from(["roc_auc_macro", "pr_auc_macro"]))
def test_every_candidate_reaches_what_it_says(seed, metric):
    truth, scores = problem(seed)
    name = metrics.OFFICIAL[metric]
    for candidate in search(truth, scores, trying(metric=metric)):
        fused = fusion.fuse(scores, candidate.weights)
        reached = metrics.areas(truth, fused)[name]
        assert candidate.value == pytest.approx(reached, abs=1e-12)


@settings(max_examples=12)
@given(st.integers(0, 999))
def test_weights_of_every_candidate_sum_to_one(seed):
    for candidate in search(*problem(seed), trying()):
        assert sum(candidate.weights.values()) == pytest.approx(1)
        assert min(candidate.weights.values()) >= 0


@settings(max_examples=12)
@given(st.integers(0, 999))
def test_weighted_is_no_worse_than_the_mean_and_any_model(seed):
    candidates = search(*problem(seed), trying())
    singles = [each.value for each in candidates if each.method == fusion.SINGLE]
    found = by_method(candidates)
    assert found["weighted"].value >= max(*singles, found["mean"].value)
    assert found["greedy"].value >= max(singles)


@settings(max_examples=12)
@given(st.integers(0, 999), st.sampled_from(["roc_auc_macro", "pr_auc_macro"]))
def test_subsets_is_the_best_of_all_means_of_two_models_or_more(seed, metric):
    truth, scores = problem(seed, models=5)
    reached = {
        members: metrics.areas(truth, fusion.fuse(scores, alike(members)))
        for size in range(2, 6)
        for members in itertools.combinations(scores, size)
    }
    best = max(figures[metrics.OFFICIAL[metric]] for figures in reached.values())
    found = search(truth, scores, trying("subsets", metric=metric))[-1]
    assert found.value == pytest.approx(best, abs=1e-12)


def test_nine_models_have_502_subsets():
    subsets = list(fusion._subsets(9))
    assert len({tuple(weights) for weights in subsets}) == 502
    assert {np.count_nonzero(weights) for weights in subsets} == set(range(2, 10))


def test_of_equal_subsets_the_smaller_is_taken_then_the_earlier_models():
    truth, scores = problem(1, models=1)
    same = dict.fromkeys("dbca", scores["model0"])
    found = search(truth, same, trying("subsets"))[-1]
    assert found.weights == {"d": 0.5, "b": 0.5, "c": 0, "a": 0}


def test_a_model_that_knows_nothing_is_left_out_of_the_best_subset(rng):
    truth, scores = problem(7, models=4)
    scores["noise"] = rng.random(truth.shape)
    assert search(truth, scores, trying("subsets"))[-1].weights["noise"] == 0


def test_too_many_models_for_subsets_are_refused_at_once():
    truth, scores = problem(0, models=17)
    with pytest.raises(DataError, match="at most 16 models, got 17; use `greedy`"):
        search(truth, scores, trying("subsets"))


@pytest.mark.parametrize("seed", range(5))
def test_weighted_comes_near_the_best_of_a_fine_grid(seed):
    truth, scores = problem(seed)
    matrices = list(scores.values())
    best = max(
        metrics.areas(truth, a * matrices[0] + b * matrices[1] + c * matrices[2])[
            "ROC-AUC-macro"
        ]
        for a, b, c in itertools.product(range(11), repeat=3)
        if a + b + c == 10
    )
    found = search(truth, scores, trying("weighted"))[-1]
    assert found.value >= best - 0.004


def test_greedy_is_the_best_bag_that_one_more_model_can_reach():
    truth, scores = problem(3)
    value = lambda bag: metrics.areas(  # noqa: E731
        truth, np.mean([scores[model] for model in bag], axis=0)
    )["ROC-AUC-macro"]
    bag, reached = [], []
    for _ in range(8):
        bag.append(max(scores, key=lambda model: value([*bag, model])))
        reached.append(value(bag))
    found = search(truth, scores, trying("greedy"))[-1]
    assert found.value == pytest.approx(max(reached))


def test_the_search_repeats_itself():
    assert search(*problem(5), trying()) == search(*problem(5), trying())


def test_a_group_is_the_mean_of_its_members():
    truth, scores = problem(4)
    group = search(truth, scores, trying("mean"), some=["model2", "model0"])[3]
    assert (group.name, group.method) == ("some", fusion.GROUP)
    assert group.weights == {"model0": 0.5, "model1": 0, "model2": 0.5}


def test_a_group_may_have_one_member():
    truth, scores = problem(4)
    candidates = search(truth, scores, trying("mean"), alone=["model1"])
    assert candidates[3].weights == candidates[1].weights
    assert candidates[3].value == candidates[1].value


@pytest.mark.parametrize("members", [[], ["model0", "gone"]])
def test_a_group_without_its_models_is_refused(members):
    with pytest.raises(DataError, match=r"must be some of \['model0'.*got \["):
        search(*problem(0), trying("mean"), some=members)


def test_a_group_is_never_chosen():
    truth, scores = problem(1)
    scores["perfect"] = truth.astype(float)
    candidates = search(truth, scores, trying("mean"), ideal=["perfect"])
    assert fusion.best(candidates).method == "mean"


def test_single_models_are_listed_first_and_never_chosen():
    truth, scores = problem(1)
    scores["perfect"] = truth.astype(float)
    candidates = search(truth, scores, trying("mean"))
    assert [each.method for each in candidates] == ["single"] * 4 + ["mean"]
    assert candidates[3].value == 1
    assert fusion.best(candidates).method == "mean"


def test_the_best_on_validation_is_chosen():
    weights = {"a": 0.5, "b": 0.5}
    worse = Candidate("mean", "mean", weights, 0.8)
    better = Candidate("greedy", "greedy", weights, 0.9)
    assert fusion.best([worse, better]) == better


def test_of_equals_the_one_with_fewer_members_is_chosen_then_the_earlier():
    both = Candidate("mean", "mean", {"a": 0.5, "b": 0.5}, 0.9)
    one = Candidate("weighted", "weighted", {"a": 1.0, "b": 0.0}, 0.9)
    other = Candidate("greedy", "greedy", {"a": 0.0, "b": 1.0}, 0.9)
    assert fusion.best([both, one, other]) == one


def test_a_single_model_is_its_own_fusion():
    truth, scores = problem(2, models=1)
    for candidate in search(truth, scores, trying()):
        assert candidate.weights == {"model0": 1.0}


@given(st.integers(0, 999))
def test_fusing_a_model_with_itself_changes_nothing(seed):
    _, scores = problem(seed, models=1)
    twice = {"a": scores["model0"], "b": scores["model0"]}
    fused = fusion.fuse(twice, {"a": 0.25, "b": 0.75})
    assert fused == pytest.approx(scores["model0"], abs=1e-6)
    assert fused.dtype == np.float32


def test_models_without_weight_need_no_scores():
    _, scores = problem(0)
    weights = {"model0": 1.0, "absent": 0.0}
    assert fusion.fuse(scores, weights) == pytest.approx(scores["model0"], abs=1e-6)


def test_the_mean_keeps_the_precision_of_its_members():
    matrix = np.full((2, 2), 0.1, np.float32)
    assert fusion.mean([matrix, matrix, matrix]).dtype == np.float32


@pytest.mark.parametrize(
    ("weights", "evidence"),
    [
        ({"model0": 0.5}, "sum to 1, got {'model0': 0.5}"),
        ({"model0": 2.0, "model1": -1.0}, "0 or more"),
        ({}, "sum to 1, got {}"),
        ({"gone": 1.0}, r"weighs \['gone'\], but only \['model0'"),
    ],
)
def test_weights_that_make_no_mean_are_refused(weights, evidence):
    with pytest.raises(DataError, match=evidence):
        fusion.fuse(problem(0)[1], weights)


def test_nothing_to_fuse_is_refused():
    with pytest.raises(DataError, match="at least one model's scores, got none"):
        fusion.mean([])


def test_models_that_disagree_about_the_tracks_are_named():
    _, scores = problem(0)
    scores["model1"] = scores["model1"][1:]
    with pytest.raises(DataError, match=r"'model0': \(60, 4\), 'model1': \(59, 4\)"):
        fusion.fuse(scores, {"model0": 0.5, "model1": 0.5})


def test_a_search_without_a_fusion_has_no_best():
    with pytest.raises(DataError, match="no candidate is a fusion"):
        fusion.best([Candidate("a", fusion.SINGLE, {"a": 1.0}, 0.9)])
