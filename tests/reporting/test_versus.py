"""The picture of a comparison follows from its figures alone."""

import struct

import numpy as np
import pandas as pd
import pytest

from tagsmith.core.bootstrap import Interval
from tagsmith.core.comparison import COLUMNS, Standing
from tagsmith.reporting import versus


def standing(name, value, gains=None):
    figures = dict.fromkeys(
        ("ROC-AUC-macro", "PR-AUC-macro"),
        Interval(value, value - 0.02, value + 0.02, 1.0),
    )
    if gains is None:
        return Standing(name, figures)
    rows = [
        (rf"{tag} $\frac$", 9, 0.8, 0.8 + gain, gain, gain - 0.05, gain + 0.05)
        for tag, gain in enumerate(gains)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    mean = float(np.mean(gains))
    gain = Interval(mean, mean - 0.01, mean + 0.01, 0.7)
    return Standing(name, figures, gain, table)


def draw(folder, *others, name="picture.png"):
    standings = [standing("crnn_gru", 0.9), *others]
    path = folder / name
    return versus.draw(standings, path, metric="ROC-AUC-macro", split="test")


@pytest.mark.parametrize("tags", [1, 3, 60])
@pytest.mark.parametrize("systems", [1, 2, 8])
def test_any_number_of_systems_and_tags_fits(tmp_path, tags, systems):
    gains = np.linspace(-0.2, 0.3, tags)
    others = [standing(f"{n} models:/x", 0.91, gains) for n in range(systems)]
    content = draw(tmp_path, *others).read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert width == 1920
    assert 500 < height < 2500


def test_equal_standings_are_equal_bytes(tmp_path):
    other = standing("crnn_lstm", 0.92, [0.1, 0.0, -0.1])
    first, second = draw(tmp_path, other), draw(tmp_path, other, name="again.png")
    assert first.read_bytes() == second.read_bytes()


def test_the_title_says_whether_the_best_is_surely_different():
    first, other = standing("crnn_gru", 0.9), standing("two", 0.93, [0.03, 0.03])
    assert versus._sentence([first, other], "ROC-AUC-macro") == (
        "two is surely different from crnn_gru: +0.030 (+0.020 to +0.040)"
    )
    close = standing("two", 0.9, [0.001, 0.001])
    assert "not surely" in versus._sentence([first, close], "ROC-AUC-macro")


def test_the_tags_shown_are_those_with_the_largest_gain_or_loss_of_any_system():
    one = standing("one", 0.9, [0.0, 0.01, *[0.5] * 8, *[-0.5] * 8])
    two = standing("two", 0.9, [0.9, 0.01, *[0.0] * 16])
    shown = versus._most_different([one, two])
    assert len(shown) == 16
    assert shown[0].startswith("0 ")
    assert not any(tag.startswith("1 ") for tag in shown)
