"""Systems against the first, on the same resamples, and what may not be compared."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from tagsmith.config import Evaluation
from tagsmith.core import comparison
from tagsmith.core.bootstrap import Interval
from tagsmith.core.comparison import System
from tagsmith.errors import DataError

TAGS = ["cello", "flute", "null", "slow"]
CONFIG = Evaluation(bootstrap_samples=200, confidence=0.95)


def truth(tracks=80, seed=1):
    has = np.random.default_rng(seed).random((tracks, len(TAGS))) < 0.4
    return pd.DataFrame(has, [f"t{n:03d}" for n in range(tracks)], TAGS)


def system(name, true, noise=1.0, seed=2):
    wrong = np.random.default_rng(seed).normal(size=true.shape)
    return System(name, true + noise * wrong, true, "5e" * 32)


def compared(systems, true, metric="ROC-AUC-macro"):
    return comparison.compare(true, systems, metric, config=CONFIG, seed=1)


def test_figures_are_those_of_scikit_learn():
    true = truth()
    one, two = system("one", true), system("two", true, seed=3)
    first, second = compared([one, two], true)
    measures = {"ROC-AUC": roc_auc_score, "PR-AUC": average_precision_score}
    for name, measure in measures.items():
        values = [measure(true, each.scores, average="macro") for each in (one, two)]
        assert first.figures[f"{name}-macro"].value == pytest.approx(values[0])
        assert second.figures[f"{name}-macro"].value == pytest.approx(values[1])


@pytest.mark.parametrize("metric", ["ROC-AUC-macro", "PR-AUC-macro"])
def test_the_gain_is_the_mean_of_the_tags_gains(metric):
    true = truth()
    systems = [system("one", true), system("two", true, seed=3)]
    _, second = compared(systems, true, metric)
    assert second.gain.value == pytest.approx(second.tags["difference"].mean())
    gains = second.tags["other"] - second.tags["first"]
    assert np.allclose(gains, second.tags["difference"])


def test_a_system_is_surely_better_than_one_that_hears_less():
    true = truth()
    _, better = compared([system("deaf", true, 3.0), system("keen", true, 0.3)], true)
    _, worse = compared([system("keen", true, 0.3), system("deaf", true, 3.0)], true)
    assert comparison.sure(better.gain) and better.gain.low > 0
    assert comparison.sure(worse.gain) and worse.gain.high < 0


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_what_includes_0_is_not_sure(one, other):
    low, high = sorted((one, other))
    found = comparison.sure(Interval((low + high) / 2, low, high, 0.5))
    assert found == (not low <= 0 <= high)


def test_the_order_of_tracks_and_tags_makes_no_difference():
    true = truth()
    one, two = system("one", true), system("two", true, seed=3)
    mixed = replace(two, scores=two.scores.iloc[::-1, ::-1])
    straight, turned = (compared([one, each], true)[1] for each in (two, mixed))
    assert straight.gain == turned.gain
    assert straight.tags.equals(turned.tags)


def test_a_tag_of_every_track_is_left_out():
    true = truth().assign(slow=True)
    _, second = compared([system("one", true), system("two", true, seed=3)], true)
    assert set(second.tags["tag"]) == {"cello", "flute", "null"}


def test_the_most_different_tags_are_the_ends_of_the_list():
    true = truth()
    _, second = compared([system("one", true), system("two", true, seed=3)], true)
    up, down = second.most_different(1)
    gains = second.tags.set_index("tag")["difference"]
    assert list(up["tag"]) == ([gains.idxmax()] if gains.max() > 0 else [])
    assert list(down["tag"]) == ([gains.idxmin()] if gains.min() < 0 else [])


def agreed(one, other):
    return comparison.agreed_truth([one, other], lambda: one)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (truth(81), "1 tracks of the former only, such as 't080'"),
        (truth(79), "1 tracks of the latter only, such as 't079'"),
        (truth().rename(columns={"slow": "fast"}), "1 tags of the former only, .*fast"),
        (truth(seed=2), "audio or truth differ .a1a1a1a1 and 5e5e5e5e"),
    ],
)
def test_what_was_measured_on_something_else_says_what_differs(other, said):
    strange = replace(system("two", other), truth_sha256="a1" * 32)
    with pytest.raises(DataError, match=rf"two and one were not measured .*{said}"):
        agreed(system("one", truth()), strange)


def test_a_system_without_truth_is_judged_by_that_of_another():
    true = truth()
    bare = replace(system("bare", true), truth=None)
    assert agreed(bare, system("two", true)).equals(true)


def test_without_any_truth_the_fallback_counts_if_it_is_of_the_same_tracks():
    bare = replace(system("bare", truth()), truth=None)
    other = replace(system("data", truth(81)), truth_sha256="a1" * 32)
    with pytest.raises(DataError, match="bare and data were not measured"):
        comparison.agreed_truth([bare, bare], lambda: other)


def test_scores_that_lack_a_track_are_an_error_that_names_it():
    true = truth()
    short = replace(system("two", true), scores=system("two", true).scores.iloc[1:])
    with pytest.raises(DataError, match=r"two must score 80 .*lacks 1 tracks.*'t000'"):
        compared([system("one", true), short], true)
