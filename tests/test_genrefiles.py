"""Ground truths and runs are read whole, or refused with the line that is wrong."""

import bz2
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith import genrefiles
from tagsmith.errors import DataError, MissingError

HEADER = "recordingmbid\treleasegroupmbid\tgenre1\tgenre2\n"
TRUTH = HEADER + "id-b\trg-2\trock\trock---indie\nid-a\trg-1\tpop\t\n"

names = st.text(st.characters(exclude_characters="\t\r\n", codec="utf-8"), min_size=1)
runs = st.dictionaries(names, st.lists(names, min_size=1, unique=True), min_size=1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.tsv"


def truth(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return genrefiles.read_truth(path)


def run(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return genrefiles.read_run(path)


def rows(table):
    return table.astype("str").to_numpy().tolist()


LONG = [
    ["id-b", "rg-2", "rock"],
    ["id-b", "rg-2", "rock---indie"],
    ["id-a", "rg-1", "pop"],
]


# --- reading


@pytest.mark.parametrize(
    "content",
    [
        TRUTH,
        TRUTH.replace("pop\t\n", "pop\n"),  # not padded
        TRUTH.replace("\n", "\r\n"),
        TRUTH.rstrip(),  # the last line has no end
        TRUTH.replace("id-a", HEADER + "id-a"),  # files were joined
        TRUTH.replace("rg-2\trock", "rg-2\t\trock"),
    ],
)
def test_a_truth_has_a_row_per_recording_and_label(path, content):
    table = truth(path, content)
    assert list(table.columns) == ["recording", "release_group", "label"]
    assert rows(table) == LONG


def test_a_compressed_truth_is_the_same(path):
    table = truth(path.with_suffix(".tsv.bz2"), bz2.compress(TRUTH.encode()))
    pd.testing.assert_frame_equal(table, truth(path, TRUTH))


def test_recordings_keep_the_files_order_and_labels_are_sorted(path):
    table = truth(path, TRUTH)
    assert list(table["recording"].cat.categories) == ["id-b", "id-a"]
    assert list(table["release_group"].cat.categories) == ["rg-1", "rg-2"]
    assert list(table["label"].cat.categories) == ["pop", "rock", "rock---indie"]


def test_a_run_has_neither_header_nor_groups(path):
    table = run(path, "id-b\trock\trock---indie\nid-a\tpop\t\n")
    assert rows(table) == [[recording, label] for recording, _, label in LONG]


def test_many_recordings_cost_few_bytes(path):
    ids = [f"{number:036}" for number in range(2000)]
    table = run(path, "".join(f"{each}\trock\tpop\tjazz\n" for each in ids))
    assert len(table) == 6000
    assert table.memory_usage(deep=True).sum() < 100 * len(ids)


# --- writing


@given(runs)
def test_a_run_is_read_as_it_was_written(labels):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.tsv"
        genrefiles.write_run(path, labels, labels.values())
        table = genrefiles.read_run(path)
    expected = [[name, label] for name, own in labels.items() for label in own]
    assert rows(table) == expected


def test_a_run_is_plain_lines(path):
    genrefiles.write_run(path, ["b", "a"], [["rock---x", "pop"], ("é",)])
    assert path.read_bytes() == "b\trock---x\tpop\na\té\n".encode()


def test_a_run_may_be_compressed(tmp_path):
    path = tmp_path / "run.tsv.bz2"
    genrefiles.write_run(path, ["b"], [["rock"]])
    assert bz2.decompress(path.read_bytes()) == b"b\trock\n"
    assert rows(genrefiles.read_run(path)) == [["b", "rock"]]


@pytest.mark.parametrize(
    ("recordings", "labels", "evidence"),
    [
        (["a", "b"], [["pop"]], "labels of each recording: .* shorter"),
        (["a"], [["pop"], ["rock"]], "labels of each recording: .* longer"),
        (["a", "a"], [["pop"], ["pop"]], "'a' comes twice"),
        (["a"], [["pop", "pop"]], r"'a' has labels twice: \['pop'\]"),
        (["a"], [[]], "'a' needs at least one label"),
        ([""], [["pop"]], "got none before"),
        (["a"], [["po\tp"]], r"end of a line in it: \['po\\tp'\]"),
        (["a"], [["pop", ""]], r"empty, .*: \[''\]"),
    ],
)
def test_what_is_no_run_is_not_written(path, recordings, labels, evidence):
    path.write_text("before")
    with pytest.raises(DataError, match=evidence):
        genrefiles.write_run(path, recordings, labels)
    assert path.read_text() == "before"
    assert list(path.parent.iterdir()) == [path]


# --- bad input


@pytest.mark.parametrize("read", [genrefiles.read_truth, genrefiles.read_run])
def test_a_missing_file_is_said_to_be_missing(path, read):
    with pytest.raises(MissingError, match=r"some\.tsv is not there"):
        read(path)


@pytest.mark.parametrize("read", [genrefiles.read_truth, genrefiles.read_run])
def test_a_folder_cannot_be_read(tmp_path, read):
    with pytest.raises(DataError, match="cannot be read beyond line 0"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        (
            TRUTH.replace(HEADER, ""),
            r"line 1 must be a header .* got \['id-b', 'rg-2'\]",
        ),
        ("", "must have a row per recording, but has none"),
        (HEADER, "must have a row per recording, but has none"),
        (TRUTH + "id-c\trg-3\n", "line 4: 'id-c' needs at least one label, got none"),
        (TRUTH + "id-c\n", "line 4: 'id-c' needs at least one label, got none"),
        (TRUTH + "id-c\t\tpop\n", "line 4: 'id-c' needs a release group, got none"),
        (TRUTH + "id-b\trg-2\tpop\n", "line 4: 'id-b' comes twice"),
        (TRUTH + "id-c\trg\tpop\trock\tpop\n", r"line 4: .* labels twice: \['pop'\]"),
        (TRUTH + "\trg-3\tpop\n", r"line 4: .* got none before \['pop'\]"),
        (TRUTH + "\n", "line 4: a row begins with a recording's id"),
        (TRUTH.encode() + b"id-c\trg\tp\xf6p\n", "line 4: not UTF-8 .*xf6"),
        (bz2.compress(TRUTH.encode()), "line 1: not UTF-8 .* must end in .bz2"),
    ],
)
def test_a_wrong_line_of_a_truth_is_named(path, content, evidence):
    with pytest.raises(DataError, match=rf"some\.tsv.*{evidence}"):
        truth(path, content)


@pytest.mark.parametrize(
    ("content", "evidence"),
    [
        ("", "must have a row per recording, but has none"),
        ("a\tpop\nb\n", "line 2: 'b' needs at least one label, got none"),
        ("a\tpop\nb\t\t\n", "line 2: 'b' needs at least one label, got none"),
        ("a\tpop\na\trock\n", "line 2: 'a' comes twice"),
        ("a\tpop\tpop\n", r"line 1: 'a' has labels twice: \['pop'\]"),
        ("\tpop\n", r"line 1: .* got none before \['pop'\]"),
        (b"a\tp\xf6p\n", "line 1: not UTF-8"),
    ],
)
def test_a_wrong_line_of_a_run_is_named(path, content, evidence):
    with pytest.raises(DataError, match=rf"some\.tsv.*{evidence}"):
        run(path, content)


@pytest.mark.parametrize(("first", "last"), [(0, -9), (20, None)])
def test_a_damaged_archive_is_refused(tmp_path, first, last):
    body = "".join(f"id-{number}\trg\trock\n" for number in range(500))
    whole = bz2.compress((HEADER + body).encode())
    with pytest.raises(DataError, match=r"cannot be read beyond line \d+ .* again"):
        truth(tmp_path / "t.tsv.bz2", b"BZh9" + whole[max(first, 4) : last])
