"""What reading AcousticBrainz documents promises: roots, resuming, bad ones."""

import json
import logging
import os
import shutil
import zipfile

import fsspec
import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tagsmith.cli import app
from tagsmith.config import Loky
from tagsmith.datasets.acousticbrainz import chunks, documents, kept, roots
from tagsmith.datasets.acousticbrainz.document import parsed
from tagsmith.errors import DataError, MissingError
from tagsmith.features import melbands
from tests.conftest import ROOT
from tests.fakes import acousticbrainz as fake

ENGINE = Loky(kind="loky", workers=1)
REAL = ROOT / "tests" / "golden" / "0dad432b-16cc-4bf0-8961-fd31d124b01b.json"
ROWS = fake.rows(12)
GOOD = [row["recording"] for row in ROWS if not row["fault"]]
BAD = {row["fault"]: row["recording"] for row in ROWS if row["fault"]}
del BAD[fake.MISSING]


def read(source, folder, **options):
    return documents.read([str(source)], folder, engine=ENGINE, **options)


def write(folder, described=ROWS):
    for number, row in enumerate(described):
        fake.write_document(folder, row, number)
    return folder


def matrix(folder):
    return np.load(folder / "statistics.npy", mmap_mode="r")


def lines(index):
    """Return an index by document, without what depends on the root."""
    return index.set_index("document").drop(columns="path")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("acousticbrainz"))


@pytest.fixture
def counted(monkeypatch):
    """Counts the documents that are parsed."""
    seen = []
    monkeypatch.setattr(
        chunks, "parsed", lambda text: (seen.append(1), parsed(text))[1]
    )
    return seen


# --- one document


def test_a_real_document_is_read_as_json_has_it():
    document, tree = parsed(REAL.read_bytes()), json.loads(REAL.read_text("utf-8"))
    expected = [tree["lowlevel"]["melbands"][name] for name in melbands.STATISTICS]
    assert [list(row) for row in document.statistics] == expected
    assert (document.artist, document.album) == ("Austin Wintory", "Journey")
    assert document.seconds == pytest.approx(107.572, abs=1e-3)
    assert document.sample_rate_hz == 44100
    assert document.problem == ""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not JSON: it is empty"),
        (REAL.read_bytes()[:1000], "is not JSON: it ends early (byte 1000)"),
        (b'{"a": NaN}', "is not JSON: it holds NaN, which JSON lacks (byte 6)"),
        (b'{"a": [-Infinity]}', "is not JSON: it holds -Infinity, which JSON lacks"),
        (b"\x1f\x8b\x08", "is not JSON: invalid character (byte 0)"),
        (b"[1, 2]", "is no JSON object around lowlevel"),
        (b'{"lowlevel": {}}', "lacks lowlevel.melbands"),
    ],
)
def test_a_problem_says_what_is_wrong_and_where(content, problem):
    assert parsed(content).problem.startswith(problem)


@given(st.binary(max_size=60), st.integers(0, REAL.stat().st_size - 1))
def test_no_bytes_are_too_bad_to_be_told_of(garbage, place):
    real = REAL.read_bytes()
    document = parsed(real[:place] + garbage + real[place + len(garbage) :])
    assert (document.problem == "") == (len(document.statistics) == 9)


@pytest.mark.parametrize("metadata", [{}, {"tags": {"artist": []}}, {"tags": None}])
def test_a_document_need_not_say_what_it_was_made_of(metadata):
    tree = fake.document(ROWS[0], 0) | {"metadata": metadata}
    document = parsed(json.dumps(tree).encode())
    assert (document.problem, document.artist, document.album) == ("", "", "")
    assert np.isnan(document.seconds)
    assert document.sample_rate_hz == 0


# --- many


def test_the_matrix_holds_what_each_document_says(written, tmp_path):
    index = read(written, tmp_path).set_index("document")
    for document in GOOD:
        tree = json.loads((written / index["path"][document]).read_text("utf-8"))
        found = matrix(tmp_path)[index["row"][document]]
        np.testing.assert_array_equal(found, melbands.statistics(tree))
    assert matrix(tmp_path).shape == (len(GOOD), 40, 9)
    assert matrix(tmp_path).dtype == np.float32


def test_the_index_is_by_id_and_says_what_is_known(written, tmp_path):
    index = read(written, tmp_path)
    assert list(index.columns) == list(kept.COLUMNS)
    assert index["document"].is_monotonic_increasing
    assert index["row"][index["row"] >= 0].tolist() == list(range(len(GOOD)))
    first = index.set_index("document").loc[GOOD[0]]
    assert (first["artist"], first["seconds"]) == ("Artist 0", 200.0)
    assert first["path"] == f"{GOOD[0][:2]}/{GOOD[0]}.json"
    pd.testing.assert_frame_equal(index, kept.read_index(tmp_path))


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (fake.TRUNCATED, "is not JSON: it ends early"),
        (fake.SHORT, "has 39 bands in lowlevel.melbands.mean, not 40"),
        (fake.LACKING, "lacks lowlevel.melbands.dvar2"),
        (fake.NAN, "is not JSON: it holds NaN, which JSON lacks"),
    ],
)
def test_a_bad_document_has_a_reason_and_no_row(written, tmp_path, fault, problem):
    bad = read(written, tmp_path).set_index("document").loc[BAD[fault]]
    assert bad["problem"].startswith(problem)
    assert (bad["row"], bad["sha256"], bad["peak"]) == (-1, "", 0)


@pytest.mark.parametrize(("value", "word"), [(-1.0, "-1"), (1e39, r"1e\+39")])
def test_a_number_that_cannot_be_is_named(tmp_path, value, word):
    tree = fake.document(ROWS[0], 0)
    tree["lowlevel"]["melbands"]["dmean"][3] = value
    write(tmp_path / "in")
    (tmp_path / "in" / "odd.json").write_text(json.dumps(tree), "utf-8")
    index = read(tmp_path / "in", tmp_path / "out").set_index("document")
    assert index["problem"].str.contains(f"holds {word} in band 3 of .*dmean")["odd"]


def test_only_documents_that_are_wanted_are_read(written, tmp_path, counted):
    index = read(written, tmp_path, wanted=[*GOOD[:3], "not there"])
    assert sorted(index["document"]) == sorted(GOOD[:3])
    assert len(counted) == 3


def test_equal_statistics_have_equal_hashes(tmp_path):
    write(tmp_path / "in")
    first = tmp_path / "in" / fake.document_path(ROWS[0])
    tree = json.loads(first.read_text("utf-8")) | {"rhythm": {"bpm": 1}, "metadata": {}}
    (tmp_path / "in" / "again.json").write_text(json.dumps(tree, indent=1), "utf-8")
    hashes = read(tmp_path / "in", tmp_path / "out").set_index("document")["sha256"]
    assert hashes["again"] == hashes[GOOD[0]] != hashes[GOOD[1]]


def test_workers_read_the_same_as_one_process(written, tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "CHUNK_DOCUMENTS", 5)
    two = Loky(kind="loky", workers=2)
    index = documents.read([str(written)], tmp_path / "two", engine=two)
    monkeypatch.undo()
    pd.testing.assert_frame_equal(index, read(written, tmp_path / "one"))
    np.testing.assert_array_equal(matrix(tmp_path / "two"), matrix(tmp_path / "one"))


# --- what is finished is not done again


def test_nothing_is_read_twice(written, tmp_path, counted):
    first = read(written, tmp_path)
    del counted[:]
    pd.testing.assert_frame_equal(read(written, tmp_path), first)
    assert counted == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "documents.parquet",
        "statistics.npy",
    ]


def test_a_killed_run_goes_on_where_it_was(written, tmp_path, counted, monkeypatch):
    monkeypatch.setattr(documents, "CHUNK_DOCUMENTS", 5)
    with monkeypatch.context() as patch:
        patch.setattr(documents, "_written", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            read(written, tmp_path)
    next((tmp_path / "unfinished").iterdir()).unlink()
    del counted[:]
    assert len(read(written, tmp_path)) == len(ROWS) - 1
    assert 0 < len(counted) <= 5


def test_a_document_that_changed_is_read_again(tmp_path):
    write(tmp_path / "in")
    before = lines(read(tmp_path / "in", tmp_path / "out"))
    path = tmp_path / "in" / fake.document_path(ROWS[0])
    path.write_text(json.dumps(fake.document(ROWS[1], 99)), "utf-8")
    os.utime(path, ns=(1, 1))
    after = lines(read(tmp_path / "in", tmp_path / "out"))
    changed = before["sha256"] != after["sha256"]
    assert changed[changed].index.tolist() == [GOOD[0]]


def test_an_index_never_outlives_its_matrix(written, tmp_path, monkeypatch):
    read(written, tmp_path)
    monkeypatch.setattr(chunks.Finished, "copy", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read(written, tmp_path, wanted=GOOD[:2])
    assert not (tmp_path / "documents.parquet").exists()


# --- roots


def test_what_was_read_before_is_a_root_too(written, tmp_path, counted, monkeypatch):
    monkeypatch.setattr(kept, "BLOCK", 4)
    before = read(written, tmp_path / "before")
    del counted[:]
    after = read(tmp_path / "before", tmp_path / "after", wanted=GOOD[2:9])
    assert counted == []
    rows = before.set_index("document")["row"][after["document"]]
    np.testing.assert_array_equal(
        matrix(tmp_path / "after"), matrix(tmp_path / "before")[rows]
    )


@pytest.mark.parametrize("kind", ["file", "zip", "memory", "read before"])
def test_an_address_gives_what_a_folder_does(written, tmp_path, kind):
    expected = read(written, tmp_path / "expected")
    address = f"file://{written}"
    if kind == "zip":
        address = f"zip://::file://{tmp_path}/all.zip"
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for path in written.rglob("*.json"):
                archive.write(path, path.relative_to(written))
    elif kind == "memory":
        address = "memory://bucket/documents"
        MemoryFileSystem.store.clear()
        fsspec.filesystem("memory").put(f"{written}/", address, recursive=True)
    elif kind == "read before":
        address = f"file://{tmp_path}/expected"
    pd.testing.assert_frame_equal(read(address, tmp_path / "found"), expected)
    np.testing.assert_array_equal(
        matrix(tmp_path / "found"), matrix(tmp_path / "expected")
    )


def test_documents_may_lie_flat_and_others_are_passed_over(written, tmp_path):
    for path in written.rglob("*.json"):
        shutil.copy(path, tmp_path)
    (tmp_path / "README.txt").write_text("no document", "utf-8")
    (tmp_path / "._hidden.json").write_text("no document", "utf-8")
    index = read(tmp_path, tmp_path / "out")
    assert len(index) == len(ROWS) - 1
    assert not index["path"].str.contains("/").any()


def test_a_document_in_two_roots_is_one_if_both_say_the_same(written, tmp_path):
    alone = read(written, tmp_path / "alone")
    write(tmp_path / "copy")
    pair = [str(written), str(tmp_path / "copy")]
    index = documents.read(pair, tmp_path / "both", engine=ENGINE)
    pd.testing.assert_frame_equal(index, alone)


def test_a_document_in_two_roots_is_bad_if_they_differ(written, tmp_path):
    write(tmp_path / "other", [ROWS[0]])
    path = tmp_path / "other" / fake.document_path(ROWS[0])
    path.write_text(json.dumps(fake.document(ROWS[1], 99)), "utf-8")
    pair = [str(written), str(tmp_path / "other")]
    index = documents.read(pair, tmp_path / "out", engine=ENGINE).set_index("document")
    assert index["problem"][GOOD[0]] == "is there twice, with different statistics"
    assert index["row"][GOOD[0]] == -1
    assert len(matrix(tmp_path / "out")) == len(GOOD) - 1


def test_a_good_copy_stands_for_a_bad_one(written, tmp_path):
    mended = {**next(r for r in ROWS if r["fault"] == fake.TRUNCATED), "fault": ""}
    write(tmp_path / "other", [mended])
    pair = [str(written), str(tmp_path / "other")]
    index = documents.read(pair, tmp_path / "out", engine=ENGINE).set_index("document")
    assert index["problem"][mended["recording"]] == ""


def test_a_link_to_nowhere_is_a_bad_document(tmp_path):
    write(tmp_path / "in")
    (tmp_path / "in" / "gone.json").symlink_to(tmp_path / "nowhere.json")
    index = read(tmp_path / "in", tmp_path / "out").set_index("document")
    assert index["problem"]["gone"] == "cannot be read: No such file or directory"


# --- what is refused


def test_without_documents_an_error_says_where_they_were_sought(tmp_path):
    with pytest.raises(DataError, match=rf"no \.json file below {tmp_path}"):
        read(tmp_path, tmp_path / "out")


def test_if_none_is_wanted_an_error_names_some_that_were(written, tmp_path):
    with pytest.raises(
        DataError, match="none of the 2 documents that are needed, such"
    ):
        read(written, tmp_path, wanted=["a", "b"])


def test_if_all_are_bad_an_error_says_why(tmp_path):
    write(tmp_path, [row for row in ROWS if row["fault"]])
    with pytest.raises(DataError, match=r"all 4 documents .* has 39 bands in lowlevel"):
        read(tmp_path, tmp_path / "out")


def test_a_folder_is_never_read_into_itself(written):
    with pytest.raises(DataError, match="name another folder to write to"):
        read(written, written)


@pytest.mark.parametrize(
    ("address", "error", "complaint"),
    [
        ("s3://bucket/prefix", MissingError, "pip install s3fs"),
        ("quux://bucket", DataError, "Protocol not known: quux; use one such as s3"),
        ("memory://nowhere", MissingError, "cannot be read: FileNotFoundError"),
        ("/no/such/folder", MissingError, "is no folder of documents"),
    ],
)
def test_an_error_says_why_a_root_cannot_be_read(
    tmp_path, monkeypatch, address, error, complaint
):
    def refuse(_):
        raise ImportError("Install s3fs to access S3")

    if address.startswith("s3"):  # whether or not the package is there
        monkeypatch.setattr(fsspec, "url_to_fs", refuse)
    with pytest.raises(error, match=complaint):
        read(address, tmp_path)


def test_a_store_that_cannot_be_reached_is_no_traceback(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise RuntimeError("Could not connect to the endpoint URL")

    monkeypatch.setattr(MemoryFileSystem, "walk", unreachable)
    with pytest.raises(MissingError, match=r"RuntimeError: Could not .*reached"):
        read("memory://bucket", tmp_path)


def test_a_failing_store_does_not_make_its_documents_bad(tmp_path, monkeypatch):
    MemoryFileSystem.store.clear()
    fsspec.filesystem("memory").pipe("/bucket/a.json", b"{}")
    monkeypatch.setattr(
        MemoryFileSystem, "cat", lambda *_, **__: {"/bucket/a.json": TimeoutError("!")}
    )
    with pytest.raises(MissingError, match=r"memory://bucket cannot be read: Timeout"):
        read("memory://bucket", tmp_path)


def test_an_index_of_something_else_is_refused(written, tmp_path):
    read(written, tmp_path / "in")
    pd.DataFrame({"document": ["a"]}).to_parquet(tmp_path / "in" / "documents.parquet")
    with pytest.raises(DataError, match=r"documents\.parquet lacks the columns"):
        read(tmp_path / "in", tmp_path / "out")


# --- what was read is asked for


def test_statistics_come_in_the_order_that_they_are_asked_for(written, tmp_path):
    index = read(written, tmp_path).set_index("document")
    asked = [GOOD[5], GOOD[1], GOOD[5]]
    found = documents.statistics(tmp_path, asked)
    np.testing.assert_array_equal(found, matrix(tmp_path)[index["row"][asked]])


@pytest.mark.parametrize("document", [BAD[fake.SHORT], "unknown"])
def test_asking_for_what_is_not_there_is_an_error(written, tmp_path, document):
    read(written, tmp_path)
    with pytest.raises(DataError, match=f"1 of 2 documents, such as {document}"):
        documents.statistics(tmp_path, [GOOD[0], document])


def test_the_command_says_how_many_are_bad_and_why(written, tmp_path):
    found = CliRunner().invoke(
        app, ["read-documents", str(written), "--out", str(tmp_path), "--workers", "1"]
    )
    assert found.exit_code == 0, found.output
    assert "16 documents, 4 of them bad" in found.output
    assert "1 as " in found.output
    assert "which lacks lowlevel.melbands.dvar2" in found.output
    assert (tmp_path / "statistics.npy").exists()


def test_progress_is_told(written, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        read(written, tmp_path)
    assert "documents: 16 read into" in caplog.text


def test_some_files_are_python_objects_at_a_time_only(written, monkeypatch):
    monkeypatch.setattr(roots, "BLOCK", 3)
    found = roots.listed(roots.opened(str(written)))
    assert sorted(roots.ids_of(found["path"])) == sorted([*GOOD, *BAD.values()])
