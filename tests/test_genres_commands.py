"""Runs are judged and checked as MediaEval judged and checked them."""

import sys

import pytest

from tagsmith import cli, genrefiles, genres
from tagsmith.errors import ConfigError, DataError, MissingError
from tests.conftest import ROOT

OFFICIAL = ROOT / "tests/golden/evalR"
FILES = [f"results_{name}" for name in ("confusion", "label", "summary", "track")]
LABELS = "jazz\npop\nrock\nrock---indie\n"
TRUTH = """\
recordingmbid\treleasegroupmbid\tgenre1\tgenre2
id-a\trg-1\trock\trock---indie
id-b\trg-2\tpop\t
id-c\trg-3\tjazz\t
"""
RUN = "id-c\trock\tjazz\nid-b\tpop\nid-a\trock---indie\trock\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with a truth, a run, the labels that may be given and the recordings."""
    (tmp_path / "gt.tsv").write_text(TRUTH)
    (tmp_path / "run.tsv").write_text(RUN)
    (tmp_path / "labels.txt").write_text(LABELS)
    (tmp_path / "ids.txt").write_text("id-a\nid-b\nid-c\n")
    return tmp_path


def evaluate(folder, out=None):
    return genres.evaluate(folder / "gt.tsv", folder / "run.tsv", out)


def check(folder, run=RUN, *, labels="labels.txt", truth=None, ids=None):
    (folder / "run.tsv").write_text(run)
    named = (name and folder / name for name in (labels, truth, ids))
    return genres.check_run(folder / "run.tsv", *named)


# --- golden


@pytest.mark.parametrize("name", FILES)
def test_the_official_script_wrote_the_same_bytes(tmp_path, name):
    genres.evaluate(OFFICIAL / "gt.tsv", OFFICIAL / "run.tsv", tmp_path)
    file = f"run.tsv.{name}"
    assert (tmp_path / file).read_bytes() == (OFFICIAL / file).read_bytes()


# --- evaluating


def test_the_summary_is_told_and_the_files_lie_beside_the_run(folder):
    text = evaluate(folder)
    assert "3 recordings, 4 labels" in text and "no recording has: 0" in text
    row = next(line for line in text.splitlines() if line.startswith("per track, all"))
    assert row.split()[3:6] == ["3", "0.8333", "0.2887"]
    found = sorted(path.name for path in folder.glob("run.tsv.*"))
    assert found == [f"run.tsv.{name}" for name in FILES]


def test_means_of_nothing_are_written_as_r_writes_them(folder):
    (folder / "gt.tsv").write_text("recordingmbid\treleasegroupmbid\na\tb\trock\n")
    (folder / "run.tsv").write_text("a\trock\n")
    evaluate(folder)
    summary = (folder / "run.tsv.results_summary").read_text()
    assert "(subgenre labels, n = 0)\nPrecision: mean = NaN sd = NA" in summary
    assert "(genre labels, n = 1)\nPrecision: mean = 1 sd = NA" in summary


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.5, "0.5"),
        (0.0001, "1e-04"),  # shorter than 0.0001
        (0.0012, "0.0012"),
        (1000.0, "1000"),
        (100000.0, "1e+05"),
        (120000.0, "120000"),
        (12345.6789, "12345.6789"),
        (float("nan"), "NA"),
    ],
)
def test_numbers_are_written_as_r_writes_them(value, written):
    assert genres._number(value) == written


def test_recordings_that_do_not_match_are_counted_and_some_named(folder):
    lines = [f"new-{number}\tpop\n" for number in range(5)]
    (folder / "run.tsv").write_text("id-a\trock\n" + "".join(lines))
    lacks = r"it lacks 2 \(id-b, id-c\)"
    adds = r"it adds 5 \(new-0, new-1, new-2, ...\); of 3"
    with pytest.raises(DataError, match=f"gt.tsv: {lacks}; {adds}"):
        evaluate(folder)


def test_a_full_disk_leaves_the_last_evaluation_as_it_was(folder, monkeypatch):
    evaluate(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    (folder / "run.tsv").write_text(RUN.replace("rock\tjazz", "jazz"))

    def full(path, text, encoding):
        if "confusion" in path.name:  # the last of the four
            raise OSError(28, "No space left on device")
        path.write_bytes(text.encode(encoding))

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space left"):
        evaluate(folder)
    before[folder / "run.tsv"] = (folder / "run.tsv").read_bytes()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_is_no_folder(folder):
    with pytest.raises(DataError, match=r"ids\.txt is a file; --out needs a folder"):
        evaluate(folder, folder / "ids.txt")


# --- checking


@pytest.mark.parametrize(
    ("labels", "truth", "ids", "which"),
    [
        ("labels.txt", None, None, "any"),
        ("labels.txt", None, "ids.txt", "exactly those asked for"),
        ("labels.txt", "gt.tsv", None, "exactly those asked for"),
        (None, "gt.tsv", None, "exactly those asked for"),
    ],
)
def test_a_valid_run_is_one_line(folder, labels, truth, ids, which):
    text = check(folder, labels=labels, truth=truth, ids=ids)
    assert text == f"{folder / 'run.tsv'}: a valid run of 3 recordings ({which})"


def test_labels_may_be_numbered(folder):
    numbered = [f"{number}: {name}" for number, name in enumerate(LABELS.split())]
    (folder / "labels.txt").write_text("\n".join(numbered))
    assert "valid run" in check(folder)


@pytest.mark.parametrize(
    ("run", "evidence"),
    [
        (RUN.replace("id-b\tpop", "id-b"), "line 2: 'id-b' needs at least one label"),
        (
            RUN.replace("id-b\tpop", "id-b\t\t"),
            "line 2: 'id-b' needs at least one label",
        ),
        (RUN.replace("pop", "pop\tpop"), r"line 2: 'id-b' has labels twice: \['pop'\]"),
        (RUN.replace("pop", "Pop"), r"line 2: 'id-b' has unknown labels: \['Pop'\]"),
        (RUN + "id-a\tpop\n", "line 4: 'id-a' was on line 3 already"),
        (RUN + "id-x\tpop\n", "line 4: nobody asked for recording 'id-x'"),
        (RUN.replace("id-b\tpop\n", ""), r"recordings without a line: 1 \(id-b\)"),
        (RUN + "\tpop\n", "line 4: a row begins with a recording's id"),
        (RUN + "\n", "line 4: a row begins with a recording's id"),
        ("", "it is empty"),
    ],
)
def test_each_rule_is_held(folder, run, evidence):
    with pytest.raises(DataError, match=rf"no valid run.*\n  .*{evidence}"):
        check(folder, run, ids="ids.txt")


def test_all_problems_are_told_at_once(folder):
    run = "id-a\tpop\tpop\nid-b\tsoul\nid-b\tpop\nid-x\n"
    with pytest.raises(DataError) as caught:
        check(folder, run, truth="gt.tsv")
    head, *told = str(caught.value).splitlines()
    assert head.endswith("run.tsv is no valid run, problems: 6")
    assert [line.split(":")[0].strip() for line in told] == [
        *(f"line {number}" for number in (1, 2, 3, 4, 4)),
        "recordings without a line",
    ]


def test_too_many_problems_are_counted(folder):
    with pytest.raises(DataError, match=r"problems: 120\n(.*\n){50}  and 70 more$"):
        check(folder, "".join(f"id-{number}\tsoul\n" for number in range(120)))


@pytest.mark.parametrize(
    ("files", "evidence"),
    [
        ({"labels": None}, "against --labels L.txt or --truth"),
        ({"truth": "gt.tsv", "ids": "ids.txt"}, "leave out --ids or --truth"),
    ],
)
def test_what_to_check_against_is_said_once(folder, files, evidence):
    with pytest.raises(ConfigError, match=evidence):
        check(folder, **files)


def test_a_missing_vocabulary_is_said_to_be_missing(folder):
    with pytest.raises(MissingError, match=r"none\.txt is not there"):
        check(folder, labels="none.txt")


def test_an_evaluated_run_was_written_by_us(folder):
    genrefiles.write_run(
        folder / "run.tsv", ["id-b", "id-c", "id-a"], [["pop"], ["jazz"], ["rock"]]
    )
    assert "valid run" in genres.check_run(
        folder / "run.tsv", None, folder / "gt.tsv", None
    )
    evaluate(folder)


# --- commands


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["tagsmith", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_a_command_evaluates(folder, monkeypatch, capsys):
    options = "--truth", folder / "gt.tsv", "--run", folder / "run.tsv"
    out = folder / "out"
    assert call(monkeypatch, "evaluate-genres", *options, "--out", out) == 0
    assert "per label, subgenre" in capsys.readouterr().out
    assert len(list(out.iterdir())) == 4


def test_a_command_checks_and_refuses_with_exit_code_2(folder, monkeypatch, capsys):
    words = "check-run", folder / "run.tsv", "--truth", folder / "gt.tsv"
    assert call(monkeypatch, *words) == 0
    assert "a valid run of 3 recordings" in capsys.readouterr().out
    (folder / "run.tsv").write_text("id-a\tsoul\n")
    assert call(monkeypatch, *words) == 2
    assert "problems: 2" in capsys.readouterr().err
