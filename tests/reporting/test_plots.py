"""Pictures follow from their tables alone, whoever draws them, wherever."""

import struct
import subprocess
import sys

import matplotlib as mpl
import pandas as pd
import pytest

from tagsmith.errors import DataError, MissingError
from tagsmith.reporting import pictures, plots
from tagsmith.store import write_json

MODELS = ("crnn_lstm", "crnn_gru", "ensemble")
TAGS = ("cello", "null", r"$\frac$ & co")
RISE = (0.0, 0.25, 0.5, 1.0)


def write_tables(folder):
    """Write the tables of a small evaluation."""
    curves = [(model, "micro") for model in MODELS] + [
        ("ensemble", tag) for tag in TAGS
    ]
    rows = {
        "roc": [
            {
                "model": m,
                "tag": t,
                "false_positive_rate": x,
                "true_positive_rate": x**0.5,
            }
            for m, t in curves
            for x in RISE
        ],
        "precision_recall": [
            {"model": m, "tag": t, "recall": x, "precision": 1 - x / 2}
            for m, t in curves
            for x in RISE
        ],
        "score_histogram": [
            {"model": m, "truth": truth, "bin_left": x / 4, "count": 3 + x * truth}
            for m in MODELS
            for truth in (0, 1)
            for x in range(4)
        ],
        "cooccurrence": [
            {"kind": kind, "tag": t, "other": o, "count": 5 + 4 * (t == o)}
            for kind in ("truth", "decisions")
            for t in TAGS
            for o in TAGS
        ],
        "training_curves": [
            {"model": m, "epoch": e, "metric": metric, "value": 1 / e}
            for m in MODELS[:2]
            for metric in ("loss", "validation_roc_auc")
            for e in (1, 2, 3)
        ],
    }
    for name, table in rows.items():
        pd.DataFrame(table).to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.fixture
def folder(tmp_path):
    """The tables of a small evaluation."""
    return write_tables(tmp_path)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The pictures of a small evaluation."""
    return plots.draw(write_tables(tmp_path_factory.mktemp("drawn")))


@pytest.fixture
def reports(tmp_path):
    """The figures of a small evaluation."""
    figures = {model: {"ROC-AUC-macro": 0.9} for model in MODELS}
    spans = {model: {"ROC-AUC-macro": {"low": 0.8, "high": 0.95}} for model in MODELS}
    write_json(tmp_path / "metrics.json", {"test": figures})
    write_json(tmp_path / "intervals.json", {"test": spans})
    per_tag = [
        {"model": model, "split": "test", "tag": tag, "roc_auc": value}
        for model in MODELS
        for tag, value in zip(TAGS, (0.99, None, 0.4), strict=True)
    ]
    pd.DataFrame(per_tag).to_csv(tmp_path / "per_tag.csv", index=False)
    return tmp_path


def looks(figure):
    """Return how each named line of a figure is drawn."""
    lines = [line for axes in figure.axes for line in axes.lines]
    return {
        line.get_label(): (line.get_color(), line.get_linestyle()) for line in lines
    }


def test_every_table_becomes_a_picture_beside_it(drawn):
    tables = drawn[0].parent.glob("*.csv")
    assert sorted(drawn) == sorted(path.with_suffix(".png") for path in tables)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_equal_tables_are_equal_bytes_whatever_the_user_has_set(drawn, folder):
    first = [path.read_bytes() for path in drawn]
    with mpl.rc_context({"lines.linewidth": 9, "figure.dpi": 50, "font.size": 20}):
        second = [path.read_bytes() for path in plots.draw(folder)]
    assert first == second


def test_a_picture_says_neither_when_nor_by_what_it_was_drawn(drawn):
    for path in drawn:
        assert not [
            c for c in (b"tEXt", b"iTXt", b"zTXt", b"tIME") if c in path.read_bytes()
        ]


def test_drawing_leaves_matplotlib_as_it_was(folder):
    names = mpl.rcParams.keys() - {"backend"}  # is looked up at first sight
    before = {name: mpl.rcParams[name] for name in names}
    plots.draw(folder)
    assert {name: mpl.rcParams[name] for name in names} == before


def test_pyplot_is_never_loaded():
    program = "import sys, tagsmith.reporting.plots as _; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "matplotlib.pyplot" not in loaded.stdout.split()


def test_a_missing_table_is_named_with_the_stage_that_makes_it(folder):
    (folder / "roc.csv").unlink()
    with pytest.raises(MissingError, match=r"roc\.csv.*dvc repro evaluate"):
        plots.draw(folder)


def test_a_table_without_a_column_is_named(folder):
    (folder / "roc.csv").write_text("model,tag\nensemble,micro\n")
    with pytest.raises(DataError, match=r"roc\.csv lacks.*false_positive_rate"):
        plots.draw(folder)


def test_a_table_without_rows_is_named(folder):
    (folder / "cooccurrence.csv").write_text("kind,tag,other,count\n")
    with pytest.raises(DataError, match=r"cooccurrence\.csv has no rows"):
        plots.draw(folder)


def test_a_model_looks_the_same_in_every_picture(folder):
    roc = looks(pictures.roc(pd.read_csv(folder / "roc.csv")))
    training = looks(
        pictures.training_curves(pd.read_csv(folder / "training_curves.csv"))
    )
    assert {roc[model] == training[model] for model in MODELS[:2]} == {True}
    assert roc["ensemble"] == (pictures.BLUE, "-")


def test_too_many_tags_leave_the_commonest():
    tags = [f"tag{number:03d}" for number in range(60)]
    pairs = [
        {"kind": kind, "tag": tag, "other": tag, "count": count}
        for kind in ("truth", "decisions")
        for count, tag in enumerate(tags)
    ]
    left = pictures.cooccurrence(pd.DataFrame(pairs)).axes[0]
    shown = [label.get_text() for label in left.get_yticklabels()]
    assert shown == tags[: -pictures.MOST_TAGS - 1 : -1]


def test_the_readme_picture_is_1200_by_600(reports, tmp_path):
    out = plots.summary(reports, tmp_path / "result.png")
    assert struct.unpack(">II", out.read_bytes()[16:24]) == (1200, 600)


def test_the_readme_picture_leaves_groups_out(reports):
    without = plots.summary(reports, reports / "without.png").read_bytes()
    for name in ("metrics.json", "intervals.json"):
        tree = plots.read_json(reports / name)
        tree["test"]["groups/all"] = tree["test"]["crnn_gru"]
        write_json(reports / name, tree)
    assert plots.summary(reports, reports / "with.png").read_bytes() == without


def test_the_readme_picture_needs_an_evaluation(reports):
    (reports / "intervals.json").unlink()
    with pytest.raises(MissingError, match=r"intervals\.json.*dvc repro evaluate"):
        plots.summary(reports, reports / "result.png")
