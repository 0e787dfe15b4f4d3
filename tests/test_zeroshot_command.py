"""Classes are found by other words' scores; what does not fit ends in one sentence."""

import json
import sys
from inspect import cleandoc

import numpy as np
import pytest

from tagsmith import cli, zeroshot
from tagsmith.errors import DataError, MissingError

GLOVE = """\
guitar 1 0
violin 0 1
rock 2 0
symphony 0 3
folk 1 1
heavy 4 0
metal 2 0
"""
EXAMPLE = {  # the one of the module's first lines
    "tags": ("guitar", "drums", "violin", "flute", "synthesizer", "voice"),
    "classes": ("rock", "symphony", "techno", "folk"),
    "scores": [
        [0.8, 0.9, 0.1, 0.1, 0.1, 0.7],
        [0.1, 0.1, 0.9, 0.8, 0.1, 0.1],
        [0.1, 0.7, 0.1, 0.1, 0.9, 0.3],
        [0.7, 0.2, 0.1, 0.3, 0.1, 0.9],
    ],
}


@pytest.fixture
def scored(tmp_path):
    """A folder: three items by two tags, three classes, truth and tiny vectors."""
    return write(
        tmp_path,
        scores=[[0.9, 0.1], [0.1, 0.9], [0.8, 0.8]],
        tags=["guitar", "violin"],
        classes=["rock", "symphony", "folk"],
        truth=[0, 1, 2],
    )


def write(folder, *, scores, tags, classes, truth=None):
    np.save(folder / "scores.npy", np.array(scores))
    (folder / "tags.txt").write_text("".join(f"{tag}\n" for tag in tags))
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in classes))
    (folder / "glove.txt").write_text(GLOVE)
    if truth is not None:
        np.save(folder / "truth.npy", np.array(truth))
    return folder


def rank(folder, *, truth="truth.npy", vectors=None, out=None):
    files = (folder / name for name in ("scores.npy", "tags.txt", "classes.txt"))
    return zeroshot.rank(
        *files,
        vectors=vectors or str(folder / "glove.txt"),
        truth=truth and folder / truth,
        json=out and folder / out,
    )


def result(folder, **options):
    rank(folder, out="out.json", **options)
    return json.loads((folder / "out.json").read_text())


# --- behaviour


def test_items_find_their_classes_by_way_of_their_tags(scored):
    found = result(scored)
    assert found["accuracy"] == found["ROC-AUC-macro"] == 1
    assert found["classes"] == ["rock", "symphony", "folk"]
    assert [row.index(max(row)) for row in found["similarities"]] == [0, 1, 2]


def test_similarities_are_cosines_of_the_files_vectors(scored):
    similar = np.array(result(scored)["similarities"])
    np.testing.assert_allclose(similar[0], [1, 0, np.sqrt(1 / 2)], atol=1e-9)


def test_without_truth_figures_are_null_and_the_text_tells_none(scored):
    text, found = rank(scored, truth=None), result(scored, truth=None)
    assert found["accuracy"] is found["ROC-AUC-macro"] is None
    assert len(found["similarities"]) == 3
    assert "accuracy" not in text and "right" not in text and "rock 1.000" in text


def test_the_example_of_the_module_is_what_comes_out(tmp_path):
    text = rank(write(tmp_path, **EXAMPLE), truth=None, vectors="glove")
    lines = [line.strip() for line in text.splitlines()]
    told = [line.strip() for line in cleandoc(zeroshot.__doc__).splitlines()]
    assert set(lines) <= set(told)


def test_the_examples_last_item_is_wrong_with_these_vectors(tmp_path):
    folder = write(tmp_path, truth=[0, 1, 2, 3], **EXAMPLE)
    found = result(folder, vectors="glove")
    assert found["accuracy"] == 3 / 4
    assert found["ROC-AUC-macro"] == pytest.approx((1 + 1 + 1 + 2 / 3) / 4)


def test_classes_of_the_same_meaning_tie_and_a_tie_is_wrong(scored):
    (scored / "classes.txt").write_text("rock\nheavy metal\nfolk\n")
    np.save(scored / "truth.npy", [0, 2, 2])
    text = rank(scored)
    assert result(scored)["accuracy"] == 2 / 3
    assert "1 of 3 items are as similar to another class as to the best" in text


def test_an_item_below_every_mean_is_counted_and_wrong(scored):
    np.save(scored / "scores.npy", [[0.9, 0.1], [0.1, 0.9], [0.1, 0.1]])
    text = rank(scored)
    assert "1 of 3 items are above the mean in no tag" in text
    assert "they count as wrong" in text
    assert "count as wrong" not in rank(scored, truth=None)
    assert result(scored)["accuracy"] == 2 / 3


def test_a_class_of_no_item_is_left_out_and_named(scored):
    np.save(scored / "truth.npy", [0, 1, 1])
    text = rank(scored)
    assert "1 of 3 classes are those of every item or of none" in text
    assert text.endswith("leaves them out: folk")


def test_items_of_one_class_only_have_no_area(scored):
    np.save(scored / "truth.npy", [0, 0, 0])
    found = result(scored)
    assert found["ROC-AUC-macro"] is None and found["accuracy"] == 1 / 3


def test_many_items_are_summed_up_by_class(scored):
    np.save(scored / "scores.npy", np.tile(np.eye(2), (15, 1)))
    np.save(scored / "truth.npy", np.tile([0, 1], 15))
    rows = [line.split() for line in rank(scored).splitlines()]
    assert ["rock", "15", "15", "15", "1.000000"] in rows
    assert ["folk", "0", "0", "0", "-"] in rows
    assert ["item", "best", "second", "third", "truth", "right"] not in rows


def test_the_command_prints_what_the_function_returns(scored, monkeypatch, capsys):
    names = {"--scores": "scores.npy", "--score-tags": "tags.txt"}
    names |= {"--classes": "classes.txt", "--vectors": "glove.txt"}
    words = [str(word) for key, name in names.items() for word in (key, scored / name)]
    monkeypatch.setattr(sys, "argv", ["tagsmith", "zeroshot", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in {0, None}
    assert capsys.readouterr().out == rank(scored, truth=None) + "\n"


# --- bad input


@pytest.mark.parametrize(
    ("truth", "evidence"),
    [
        ([0, 1], r"one class index per item, \(3,\), got \(2,\)"),
        ([[0, 1, 2]], r"\(3,\), got \(1, 3\)"),
        ([0.0, 1.0, 2.0], "integers, got float64"),
        ([True, False, True], "integers, got bool"),
        ([1, 2, 3], r"from 0 to 2, got 3 \(1 such values of 3\); is the first class 0"),
        ([-1, 0, 1], "from 0 to 2, got -1"),
    ],
)
def test_a_truth_that_is_no_list_of_classes_is_refused(scored, truth, evidence):
    np.save(scored / "truth.npy", truth)
    with pytest.raises(DataError, match=rf"truth\.npy: .*{evidence}"):
        rank(scored)


@pytest.mark.parametrize(
    ("scores", "evidence"),
    [
        ([0.1, 0.2], r"must be \(items, tags\) and not empty, got \(2,\)"),
        ([["a", "b"]], "scores must be numbers, got <U1"),
        ([[0.1, np.inf], [0, 0]], "the first is inf at row 0, column 1"),
    ],
)
def test_scores_that_are_no_matrix_of_numbers_are_refused(scored, scores, evidence):
    np.save(scored / "scores.npy", scores)
    with pytest.raises(DataError, match=rf"scores\.npy: .*{evidence}"):
        rank(scored)


@pytest.mark.parametrize(
    ("name", "content", "evidence"),
    [
        ("tags.txt", "guitar\n", "names 1 tags, scores have 2 columns"),
        ("tags.txt", "guitar\nguitar\n", r"a tag more than once: \['guitar'\]"),
        ("classes.txt", "rock\nfolk\nrock\n", r"a class more than once: \['rock'\]"),
        ("classes.txt", "\n", "one class a line is expected; it is empty"),
        ("classes.txt", "rock\nzydeco\n", "'zydeco' .*write other words into classes"),
        ("tags.txt", "guitar\nhurdy gurdy\n", "'hurdy gurdy' .*other words into tags"),
    ],
)
def test_names_that_do_not_fit_are_refused_with_their_file(
    scored, name, content, evidence
):
    (scored / name).write_text(content)
    with pytest.raises(DataError, match=rf"{name}: .*{evidence}"):
        rank(scored, truth=None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scores.npy", r"a \.npy file \(items, tags\)"),
        ("truth.npy", r"a \.npy file \(items,\)"),
        ("tags.txt", "one tag a line"),
        ("classes.txt", "one class a line"),
    ],
)
def test_a_missing_file_is_named_with_what_it_should_be(scored, name, expected):
    (scored / name).unlink()
    with pytest.raises(
        MissingError, match=rf"{name} is not there; expected {expected}"
    ):
        rank(scored)


def test_a_missing_file_of_vectors_is_named(scored):
    with pytest.raises(MissingError, match=r"absent\.txt is not there"):
        rank(scored, vectors=str(scored / "absent.txt"))
