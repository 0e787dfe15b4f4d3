"""The benchmarks: what a ratio says of its turns. Never how fast anything is."""

import itertools
import subprocess
import sys

import pytest

from benchmarks.__main__ import ENVIRONMENTS
from benchmarks.ratios import Ratio, quotients, table, taking_turns
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("target", "verdict"),
    [
        ({"at_least": 0.7}, "reached"),
        ({"at_least": 0.8}, "NOT REACHED"),
        ({"at_most": 0.7}, "reached"),
        ({"at_most": 0.6}, "NOT REACHED"),
        ({}, "for information"),
    ],
)
def test_the_median_decides_whether_a_target_is_reached(target, verdict):
    assert Ratio("us", (0.1, 0.7, 0.9), **target).verdict == verdict


def test_ways_take_turns_and_the_first_call_does_not_count():
    called = []
    ways = {name: lambda name=name: called.append(name) for name in "ab"}
    seconds = taking_turns(ways, 2, clock=itertools.count().__next__)
    assert called == list("ababab")
    assert seconds == {"a": (1, 1), "b": (1, 1)}


def test_a_speed_is_the_references_time_divided_by_ours():
    assert quotients([1.0, 3.0], [2.0, 2.0]) == (0.5, 1.5)


@pytest.mark.parametrize(
    ("profile", "model", "frames"),
    [
        ("magnatagatune", "multiscale", 628),
        ("mediaeval2019", "crnn_gru", 1875),
        ("zeroshot", "siamese", 1292),
    ],
)
def test_noise_has_as_many_frames_as_the_data_sets_tracks(profile, model, frames):
    from benchmarks.published import Case

    assert Case(profile, model).shape[0] == frames


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_benchmark_runs(name):
    command = [sys.executable, "-m", "benchmarks", name, "--quick"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_line_shows_median_span_target_and_verdict():
    _, line = table([Ratio("us", (0.5, 0.7, 0.9), at_least=0.7)])
    assert line.split() == ["us", "0.70", "0.50..0.90", ">=", "0.70", "reached"]
