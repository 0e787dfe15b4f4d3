"""Submissions score as MediaEval scored them, and bad files end in one sentence."""

import json

import numpy as np
import pytest

from tagsmith import submissions
from tagsmith.core.metrics import NAMES
from tagsmith.errors import ConfigError, DataError, MissingError

CRNNS = ("bilstm", "gru", "lstm")


@pytest.fixture
def submitted(tmp_path, rng):
    """A folder with truth, scores, decisions and the names of three tags."""
    truth = rng.random((20, 3)) < 0.4
    np.save(tmp_path / "truth.npy", truth)
    np.save(tmp_path / "scores.npy", rng.random(truth.shape))
    np.save(tmp_path / "decisions.npy", truth)
    (tmp_path / "tags.txt").write_text("calm\ndark\nepic\n")
    return tmp_path


def evaluate(folder, **files):
    names = {"truth": "truth.npy", "scores": "scores.npy", "decisions": None} | files
    names = {"tags": None, "json": None} | names
    return submissions.evaluate(
        **{key: name and folder / name for key, name in names.items()}
    )


def fuse(folder, *scores, comparison="inclusive"):
    paths = [folder / name for name in scores or ("scores.npy",)]
    truth, tags, out = folder / "truth.npy", folder / "tags.txt", folder / "out"
    return submissions.fuse(paths, truth, tags, out, comparison=comparison)


# --- golden


@pytest.mark.parametrize(
    ("comparison", "f_score"), [("strict", 0.154044), ("inclusive", 0.162529)]
)
def test_inclusive_thresholds_find_what_strict_ones_miss(
    fixtures, tmp_path, comparison, f_score
):
    official = fixtures / "mediaeval2019"
    paths = [official / "augli_crnn" / f"{name}.npy" for name in CRNNS]
    truth, tags = official / "groundtruth.npy", official / "tags.txt"
    submissions.fuse(paths, truth, tags, tmp_path, comparison=comparison)
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert round(figures["F-score-macro"], 6) == f_score


# --- behaviour


def test_without_decisions_their_figures_are_null_and_the_text_says_why(submitted):
    text = evaluate(submitted, json="out.json")
    figures = json.loads((submitted / "out.json").read_text())
    unknown = {name for name, value in figures.items() if value is None}
    assert unknown == {name for name in NAMES if "AUC" not in name}
    assert "add --decisions D.npy" in text


def test_with_tags_every_tag_is_judged_by_itself(submitted):
    text = evaluate(submitted, tags="tags.txt", decisions="decisions.npy")
    assert all(tag in text for tag in ("calm", "dark", "epic", "f_score"))


def test_tags_that_nobody_has_are_counted_and_named(submitted):
    truth = np.load(submitted / "truth.npy")
    truth[:, 1] = False
    np.save(submitted / "truth.npy", truth)
    text = evaluate(submitted, tags="tags.txt")
    assert "1 of 3 tags" in text and "leave" in text and "dark" in text


def test_the_fusion_says_that_its_thresholds_know_the_truth(submitted):
    text = fuse(submitted)
    named = json.loads((submitted / "out" / "metrics.json").read_text())["thresholds"]
    assert named in text
    assert "F1-optimal on truth.npy itself (inclusive)" in named


def test_a_fusion_writes_four_files(submitted):
    fuse(submitted, "scores.npy", "scores.npy")
    assert sorted(path.name for path in (submitted / "out").iterdir()) == [
        "decisions.npy",
        "metrics.json",
        "scores.npy",
        "thresholds.tsv",
    ]


def test_a_full_disk_leaves_the_last_fusion_as_it_was(submitted, monkeypatch):
    fuse(submitted)
    before = {path: path.read_bytes() for path in (submitted / "out").iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        fuse(submitted, comparison="strict")
    after = {path: path.read_bytes() for path in (submitted / "out").iterdir()}
    assert after == before


# --- bad input


def spoil(folder, name, content):
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        (b"", "expected 8 bytes got 0"),
        (b"0.1,0.2\n0.3,0.4\n", "magic string is not correct"),
        (b"PK\x03\x04 a zip file", "magic string is not correct"),
        (b"\x80\x04\x95 a pickle", "magic string is not correct"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': bogus\n", "not a .npy file of numbers"),
        (b"\x93NUMPY\x09\x00\x10\x00", "not a .npy file of numbers"),
    ],
)
def test_a_file_that_is_no_matrix_is_named(submitted, content, evidence):
    with pytest.raises(DataError, match=rf"scores\.npy: .*{evidence}"):
        evaluate(spoil(submitted, "scores.npy", content))


def test_a_truncated_matrix_is_refused(submitted):
    whole = (submitted / "scores.npy").read_bytes()
    with pytest.raises(DataError, match=r"scores\.npy: not a \.npy file"):
        evaluate(spoil(submitted, "scores.npy", whole[:-8]))


def test_a_pickled_array_is_never_opened(submitted):
    np.save(submitted / "scores.npy", np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(DataError, match=r"scores\.npy: .*Python objects"):
        evaluate(submitted)


def test_a_missing_file_is_named(submitted):
    with pytest.raises(MissingError, match=r"absent\.npy is not there"):
        evaluate(submitted, scores="absent.npy")


def test_shapes_that_differ_are_both_named(submitted, rng):
    np.save(submitted / "other.npy", rng.random((20, 4)))
    with pytest.raises(DataError, match=r"other\.npy: .*\(20, 4\), truth is \(20, 3\)"):
        fuse(submitted, "scores.npy", "other.npy")


def test_nan_scores_are_placed(submitted):
    scores = np.load(submitted / "scores.npy")
    scores[4, 2] = np.nan
    np.save(submitted / "scores.npy", scores)
    with pytest.raises(DataError, match="the first is nan at row 4, column 2"):
        evaluate(submitted)


def test_scores_given_as_decisions_are_refused(submitted):
    with pytest.raises(DataError, match=r"scores\.npy: decisions must hold only 0 and"):
        evaluate(submitted, decisions="scores.npy")


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        (b"calm\ndark\n", "names 2 tags, truth has 3"),
        (b"calm\ndark\ncalm\n", r"\['calm'\] more than once"),
        (b"\xff\xfe", "not a text file in UTF-8"),
    ],
)
def test_a_list_of_tags_that_does_not_fit_is_refused(submitted, content, evidence):
    with pytest.raises(DataError, match=rf"tags\.txt: .*{evidence}"):
        fuse(spoil(submitted, "tags.txt", content))


def test_an_unknown_comparison_is_refused(submitted):
    with pytest.raises(ConfigError, match="inclusive or strict, got 'lenient'"):
        fuse(submitted, comparison="lenient")


def test_a_file_in_place_of_the_folder_is_refused(submitted):
    (submitted / "out").write_text("precious")
    with pytest.raises(DataError, match="out is a file; --out needs a folder"):
        fuse(submitted)
    assert (submitted / "out").read_text() == "precious"
