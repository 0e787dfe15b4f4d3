"""Every setup is what its letters say, parts add up, and intervals are shared."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from tagsmith.config import Evaluation
from tagsmith.core import unseen
from tagsmith.core.bootstrap import Interval
from tagsmith.core.unseen import Trial
from tagsmith.errors import DataError

WAYS = ("annotation", "retrieval")
SURE = Evaluation(bootstrap_samples=200, confidence=0.95)
FIGURES = ["roc_auc", "average_precision", "hit@1", "hit@2", "precision@1"]
FIGURES.append("precision@2")
every_way = pytest.mark.parametrize("way", WAYS)


def trial(seed, *, tracks=60, parts="abc", skill=1.0):
    """Return a trial of three seen tags and three unseen ones, its parts by truth."""
    rng = np.random.default_rng(seed)
    unseen_tags = np.array([True, False, True, False, False, True])
    part = rng.choice(list(parts), size=tracks)
    has = rng.random((tracks, 6)) < 0.5
    has[:, unseen_tags] &= (part != "a")[:, np.newaxis]
    has[:, ~unseen_tags] &= (part != "c")[:, np.newaxis]
    scores = (skill * has + rng.normal(size=has.shape)).round(1)  # with ties
    rows = np.sort(rng.choice(2 * tracks, size=tracks, replace=False))
    return Trial(has, scores, unseen_tags, part, rows)


trials = st.builds(trial, st.integers(0, 9999), tracks=st.integers(5, 40))


def figures(of, best=(1, 2)):
    """Return the figures by direction, tracks and tags."""
    table = unseen.figures(of, best=best)
    return table.set_index(["direction", "tracks", "tags"])


def of_setup(of, tracks, tags):
    """Return truth and scores of a setup: a row per track."""
    rows = [part in tracks.lower() for part in of.part]
    columns = of.unseen if tags == "Y" else slice(None)
    return of.truth[rows][:, columns], of.scores[rows][:, columns]


def slow(figure, truth, scores):
    """Return the mean over rows that have some items, and not all."""
    pairs = zip(truth, scores, strict=True)
    values = [figure(*row) for row in pairs if 0 < row[0].sum() < row[0].size]
    return np.mean(values) if values else np.nan


# --- figures


@settings(max_examples=10)
@given(trials)
def test_every_setup_has_the_areas_that_scikit_learn_gives_its_tracks_and_tags(of):
    found = figures(of)
    assert len(found) == 2 * 4 * 2
    for (way, tracks, tags), row in found.iterrows():
        pair = of_setup(of, tracks, tags)
        pair = pair if way == "annotation" else [each.T for each in pair]
        expected = [
            slow(each, *pair) for each in (roc_auc_score, average_precision_score)
        ]
        np.testing.assert_allclose(row[FIGURES[:2]].astype(float), expected)


@given(trials)
def test_b_and_c_together_are_their_mean_weighted_by_tracks(of):
    """What the published table of the generalised task does not fulfil."""
    found = figures(of).loc["annotation"]
    for tags in ("Y", "X+Y"):
        b, c, both = (found.loc[(tracks, tags)] for tracks in ("B", "C", "B+C"))
        assume(b["rows"] and c["rows"])
        weighted = [
            np.average([b[f], c[f]], weights=[b["rows"], c["rows"]]) for f in FIGURES
        ]
        np.testing.assert_allclose(both[FIGURES].astype(float), weighted)
        assert both["undefined"] == b["undefined"] + c["undefined"]


@given(trials)
def test_every_track_or_tag_is_counted_or_left_out(of):
    for (way, tracks, tags), row in figures(of).iterrows():
        truth, _ = of_setup(of, tracks, tags)
        rankers = len(truth) if way == "annotation" else truth.shape[1]
        assert row["rows"] + row["undefined"] == rankers


def test_a_small_case_by_hand():
    """Three tracks a, b and c; tags x and y are seen, Z and W are not."""
    truth = np.array([[1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], bool)
    scores = np.array([[9, 1, 1, 2], [9, 8, 7, 1], [5, 1, 3, 2]]) / 10
    of = Trial(truth, scores, np.array([0, 0, 1, 1], bool), list("abc"), np.arange(3))
    areas = figures(of)["roc_auc"]
    assert areas["annotation"].to_dict() == {
        ("B", "Y"): 1.0,  # Z before W
        ("C", "Y"): 0.0,  # W behind Z
        ("B+C", "Y"): 0.5,
        ("A+B+C", "Y"): 0.5,  # a has no unseen tag to rank
        ("B", "X+Y"): 3 / 4,  # x before y and W, Z before W, but not before y
        ("C", "X+Y"): 1 / 3,  # W before y alone
        ("B+C", "X+Y"): pytest.approx((3 / 4 + 1 / 3) / 2),
        ("A+B+C", "X+Y"): pytest.approx((1 + 3 / 4 + 1 / 3) / 3),
    }
    assert areas["retrieval"].dropna().to_dict() == {
        # A single track cannot be ranked: there are no figures of B or C.
        ("B+C", "Y"): 1.0,  # Z finds b before c, W finds c before b
        ("A+B+C", "Y"): 0.875,  # and W ties a with c
        ("B+C", "X+Y"): 1.0,
        ("A+B+C", "X+Y"): pytest.approx((1 + 1 + 0.75) / 3),
    }


@every_way
def test_a_part_without_tracks_has_no_figures(way):
    found = figures(trial(1, parts="ab")).loc[way]
    assert found.loc["C", FIGURES].isna().all(axis=None)
    assert found.loc["C", "rows"].tolist() == [0, 0]
    left_out = {"annotation": [0, 0], "retrieval": [3, 6]}[way]
    assert found.loc[[("C", "Y"), ("C", "X+Y")], "undefined"].tolist() == left_out
    assert found.loc["B", FIGURES].notna().all(axis=None)


def test_the_figures_of_more_ranks_come_with_them():
    table = unseen.figures(trial(1), best=[1, 3])
    assert {"hit@1", "hit@3", "precision@1", "precision@3"} <= set(table.columns)


# --- how sure


@every_way
def test_intervals_hold_the_figure_of_b_and_c_on_unseen_tags(way):
    of = trial(3)
    found = unseen.intervals([of], SURE, seed=1)[way]
    expected = figures(of).loc[(way, "B+C", "Y"), "roc_auc"]
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high
    assert found.above_zero == 1


def test_retrieval_is_scikit_learns_macro_area():
    of = trial(4)
    truth, scores = of_setup(of, "B+C", "Y")
    found = unseen.intervals([of], SURE, seed=1)["retrieval"]
    assert found.value == pytest.approx(roc_auc_score(truth, scores, average="macro"))


@every_way
def test_of_several_trials_the_mean_is_meant(way):
    some = [trial(seed) for seed in (5, 6, 7)]
    alone = [unseen.intervals([each], SURE, seed=1)[way] for each in some]
    found = unseen.intervals(some, SURE, seed=1)[way]
    assert found.value == pytest.approx(np.mean([each.value for each in alone]))
    widths = [each.high - each.low for each in alone]
    assert found.high - found.low < max(widths)


def test_trials_do_not_differ_from_themselves():
    some = [trial(8), trial(9)]
    nothing = Interval(0.0, 0.0, 0.0, 0.0)
    found = unseen.differences(some, some, SURE, seed=1)
    assert found == {"annotation": nothing, "retrieval": nothing}


@every_way
def test_a_difference_is_surer_than_its_sides_and_finds_who_knows_more(way):
    ours = trial(10, skill=1.5)
    theirs = replace(ours, scores=ours.scores - 0.9 * ours.truth)
    found = unseen.differences([ours], [theirs], SURE, seed=1)[way]
    sides = [unseen.intervals([each], SURE, seed=1)[way] for each in (ours, theirs)]
    assert found.value == pytest.approx(sides[0].value - sides[1].value)
    assert found.low > 0 and found.above_zero > 0.99


@every_way
def test_resamples_are_of_the_tracks_that_rows_say_in_whatever_order(way):
    of = trial(11)
    order = np.random.default_rng(1).permutation(len(of.rows))
    turned = {name: getattr(of, name)[order] for name in ("truth", "scores", "part")}
    found = unseen.intervals([of], SURE, seed=1)[way]
    again = replace(of, **turned, rows=of.rows[order])
    assert unseen.intervals([again], SURE, seed=1)[way] == approximately(found)
    elsewhere = replace(of, **turned)
    assert unseen.intervals([elsewhere], SURE, seed=1)[way] != approximately(found)


def approximately(interval):
    return Interval(**{k: pytest.approx(v) for k, v in asdict(interval).items()})


@every_way
def test_tracks_that_are_not_tested_change_no_figure(way):
    of = trial(11)
    later = replace(of, rows=of.rows + 500)
    value = unseen.intervals([of], SURE, seed=1)[way].value
    assert unseen.intervals([later], SURE, seed=1)[way].value == value


@every_way
def test_where_nothing_can_be_ranked_there_is_no_interval(way):
    of = trial(12)
    one = replace(of, unseen=np.arange(6) == 0, truth=of.truth | (np.arange(6) == 0))
    with pytest.raises(DataError, match="a tag with positives and negatives"):
        unseen.intervals([one], SURE, seed=1)[way]


def test_a_summary_tells_each_split_and_the_mean_of_ours_and_the_control():
    ours = [trial(seed, skill=2) for seed in (13, 14)]
    control = [trial(seed, skill=0) for seed in (13, 14)]
    sides = {"glove": ours, "chance": control}
    found = unseen.summary(sides, SURE, control="chance", seed=1)
    values = [split["retrieval"]["difference"]["value"] for split in found["splits"]]
    mean = found["mean"]["retrieval"]
    assert set(mean) == {"glove", "chance", "difference"}
    assert mean["difference"]["value"] == pytest.approx(np.mean(values))
    assert mean["glove"]["low"] > mean["chance"]["high"]
