"""Published runs of MediaEval 2019 come out as published, whichever are there.

`expected.json` names the runs `folder/run`. Beside a run's predictions and decisions
lie its thresholds, if they were published, and score matrices it may be a mean of.
"""

import functools
import itertools
import json

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from tagsmith import submissions
from tagsmith.config import Calibration
from tagsmith.core import metrics, thresholds
from tests.conftest import FIXTURES

FOLDER = FIXTURES / "mediaeval2019"
TRUTH, TAGS, FIGURES = (
    FOLDER / name for name in ("groundtruth.npy", "tags.txt", "expected.json")
)
PARTS = ("predictions", "decisions", "thresholds")
STRICT = Calibration(rule="f1", comparison="strict", fallback_to_top_tag=False)

load = functools.cache(np.load)
expected = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}


# --- what is there


def part(run, name):
    """The file that holds a part of a run, however its name is joined; else None."""
    folder, stem = (FOLDER / run).parent, (FOLDER / run).name
    return next(iter(sorted(folder.glob(f"{stem}[-_]{name}.*"))), None)


def loose(folder):
    """The score matrices of a folder that belong to no run."""
    paths = sorted(folder.glob("*.npy"))
    return [path for path in paths if not path.stem.endswith(PARTS)]


@functools.cache
def mean_of(run):
    """The fewest matrices, of all that belong to no run, whose mean is this run."""
    head = load(part(run, "predictions"))[:20]
    matrices = [path for folder in sorted(FOLDER.glob("*")) for path in loose(folder)]
    for size in range(2, len(matrices) + 1):
        for some in itertools.combinations(matrices, size):
            mean = np.mean([load(path)[:20] for path in some], axis=0)
            if np.abs(mean - head).max() <= 1e-6:
                return list(some)
    raise AssertionError(f"{run} is no mean of {matrices}")


def limits(path):
    """Thresholds by tag."""
    lines = (line.split("\t") for line in path.read_text().splitlines())
    return {tag: float(value) for tag, value in lines}


def each(name, values):
    """Parametrize a test by what is there, and say so where nothing is."""
    reason = f"{FOLDER} holds nothing of the kind; set TAGSMITH_FIXTURES"
    absent = pytest.param(None, marks=pytest.mark.skip(reason=reason))
    names = [str(value).removeprefix(f"{FOLDER}/") for value in values]
    return pytest.mark.parametrize(name, list(values) or [absent], ids=names or None)


decided = [run for run in expected if part(run, "thresholds")]
fused = [run for run in expected if loose((FOLDER / run).parent)]
matrices = [part(run, "predictions") for run in expected]
matrices += [path for folder in sorted(FOLDER.glob("*")) for path in loose(folder)]


# --- what comes out


@each("run", expected)
def test_the_ten_figures_of_a_run_are_the_published_ones(run, tmp_path):
    out = tmp_path / "figures.json"
    scores, decisions = (part(run, name) for name in ("predictions", "decisions"))
    submissions.evaluate(TRUTH, scores, decisions, TAGS, out)
    figures = json.loads(out.read_text())
    assert list(figures) == list(metrics.NAMES)
    assert {name: round(figures[name], 6) for name in figures} == expected[run]


@each("run", decided)
def test_strict_thresholds_of_a_run_make_its_decisions(run):
    by_tag = limits(part(run, "thresholds"))
    ordered = [by_tag[tag] for tag in TAGS.read_text().split()]
    made = thresholds.decide(load(part(run, "predictions")), ordered, STRICT)
    assert (made == load(part(run, "decisions"))).all()


@pytest.fixture
def again(run, tmp_path):
    """A published fusion, fused again from its members with strict thresholds."""
    submissions.fuse(mean_of(run), TRUTH, TAGS, tmp_path, comparison="strict")
    return tmp_path


@each("run", fused)
def test_a_fusion_is_the_mean_of_its_members(run, again):
    scores = np.load(again / "scores.npy")
    assert np.abs(scores - load(part(run, "predictions"))).max() <= 1e-6
    assert scores.dtype == np.float32


@each("run", fused)
def test_every_decision_of_a_fusion_is_made_again(run, again):
    made = np.load(again / "decisions.npy")
    assert (made == load(part(run, "decisions"))).all()


@each("run", [run for run in fused if run in decided])
def test_every_threshold_of_a_fusion_is_found_again(run, again):
    published = limits(part(run, "thresholds"))
    assert limits(again / "thresholds.tsv") == pytest.approx(published, abs=1e-6)


@each("run", fused)
def test_the_ten_figures_of_a_fusion_are_reached_again(run, again):
    figures = json.loads((again / "metrics.json").read_text())
    assert {name: round(figures[name], 6) for name in metrics.NAMES} == expected[run]


@each("matrix", matrices)
def test_any_matrix_scores_as_the_official_script_scores_it(matrix):
    truth, scores = load(TRUTH), load(matrix)
    decisions = thresholds.decide(scores, thresholds.fit(truth, scores, STRICT), STRICT)
    figures = metrics.evaluate(truth, scores, decisions)
    assert figures == pytest.approx(official(truth, scores, decisions), abs=1e-12)


def official(truth, scores, decisions):
    """The ten figures by the calls that MediaEval's script makes."""
    figures = {}
    for mean in ("macro", "micro"):
        figures[f"ROC-AUC-{mean}"] = roc_auc_score(truth, scores, average=mean)
        figures[f"PR-AUC-{mean}"] = average_precision_score(truth, scores, average=mean)
        precision, recall, f_score, _ = precision_recall_fscore_support(
            truth, decisions, average=mean, zero_division=0
        )
        figures[f"precision-{mean}"] = precision
        figures[f"recall-{mean}"] = recall
        figures[f"F-score-{mean}"] = f_score
    return figures
