"""What `vectors/glove.py` promises."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.errors import DataError, MissingError
from tagsmith.vectors import glove
from tests.fakes import glove as fake

# Whatever has no space in it, other kinds of white space among them.
WORD = st.text(st.characters(codec="utf-8", exclude_characters=" \n"), min_size=1)
NUMBER = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = fake.rows(["the", "guitar", "of", "oboe"], dimensions=3)


def read(path, content):
    path = path / "glove.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return glove.read(path)


def refused(path, content):
    with pytest.raises(DataError) as caught:
        read(path, content)
    assert "glove.txt" in str(caught.value)
    return str(caught.value)


@given(rows=st.dictionaries(WORD, st.tuples(NUMBER, NUMBER, NUMBER), min_size=1))
def test_any_words_and_numbers_are_read_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("glove") / "glove.txt"
    found = glove.read(fake.write(path, rows))
    assert found.words == list(rows)
    assert found.values.dtype == np.float32
    assert found.values.tolist() == [list(numbers) for numbers in rows.values()]


@pytest.mark.parametrize("dimensions", [1, 2, 300])
def test_the_first_line_says_how_many_numbers_there_are(tmp_path, dimensions):
    rows = fake.rows(["the", "of"], dimensions=dimensions)
    found = glove.read(fake.write(tmp_path / "glove.txt", rows))
    assert (found.values == list(rows.values())).all()


def test_a_compressed_file_says_the_same(tmp_path):
    plain = glove.read(fake.write(tmp_path / "glove.txt", ROWS))
    compressed = glove.read(fake.write(tmp_path / "glove.txt.gz", ROWS))
    assert compressed.words == plain.words
    assert (compressed.values == plain.values).all()


def test_a_file_of_many_blocks_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(glove, "BLOCK_LINES", 7)
    rows = fake.rows([f"word{number % 40}.{number}" for number in range(100)])
    found = glove.read(fake.write(tmp_path / "glove.txt", rows))
    assert found.words == list(rows)
    assert (found.values == list(rows.values())).all()


@pytest.mark.parametrize("block_lines", [1, 2, 10])
def test_the_first_line_of_a_repeated_word_counts(tmp_path, monkeypatch, block_lines):
    monkeypatch.setattr(glove, "BLOCK_LINES", block_lines)
    found = read(tmp_path, "a 1 2\nb 3 4\na 5 6\na 7 8\nc 9 10\n")
    assert found.words == ["a", "b", "c"]
    assert found.values.tolist() == [[1, 2], [3, 4], [9, 10]]


def test_words_may_have_spaces(tmp_path):
    found = read(tmp_path, "the 1 2\n. . . 3 4\nat name@domain.com 5 6\n")
    assert found.words == ["the", ". . .", "at name@domain.com"]
    assert found.values.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("text", ["the 1 2\nof 3 4", "the 1 2 \r\nof 3 4\t\n"])
def test_line_ends_make_no_difference(tmp_path, text):
    assert read(tmp_path, text).values.tolist() == [[1, 2], [3, 4]]


def test_the_origin_is_the_files_name_and_checksum(tmp_path):
    path = fake.write(tmp_path / "tiny.50d.txt", ROWS)
    origin = glove.read(path).origin
    assert origin.startswith("tiny.50d.txt sha256:") and len(origin) == 20 + 64
    assert str(tmp_path) not in origin


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingError, match=r"nowhere\.txt is not there; download"):
        glove.read(tmp_path / "nowhere.txt")


@pytest.mark.parametrize("behind", ["of 3", "of 3\n", "of", "o", "\n", "of 3 4\n\n"])
def test_a_file_that_is_cut_short_is_to_be_downloaded_again(tmp_path, behind):
    said = refused(tmp_path, f"the 1 2\n{behind}")
    assert f"line {2 + behind.startswith('of 3 4')}: " in said
    assert "expected a word and 2 numbers" in said and "download it again" in said


def test_the_line_is_counted_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(glove, "BLOCK_LINES", 3)
    said = refused(tmp_path, "".join(f"word{n} 1 2\n" for n in range(10)) + "word 1\n")
    assert "line 11: expected a word and 2 numbers, as line 1 has, got 1" in said


def test_a_line_with_more_numbers_is_refused(tmp_path):
    said = refused(tmp_path, "the 1 2\nof 3 4 5\n")
    assert "line 2: expected a word and 2 numbers, as line 1 has, got 3" in said


def test_a_header_as_other_programs_write_it_is_no_line(tmp_path):
    said = refused(tmp_path, "400000 3\nthe 1 2 3\n")
    assert "line 2: expected a word and 1 numbers, as line 1 has, got 3" in said


@pytest.mark.parametrize("number", ["x", "1,5", "", "1_0", "0.1.2", "--1", "0x"])
def test_what_is_no_number_is_named_with_its_line(tmp_path, number):
    said = refused(tmp_path, f"the 1 2\nof {number} 2\na 1 2\n")
    assert "line 2: expected numbers behind 'of'" in said and repr(number) in said


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e50"])
def test_what_is_not_finite_is_named_with_its_line(tmp_path, number):
    said = refused(tmp_path, f"the 1 2\nof 2 {number}\n")
    assert "line 2: expected finite numbers" in said and "'of'" in said


def test_an_empty_file_is_refused(tmp_path):
    assert "got 0 lines" in refused(tmp_path, "")


@pytest.mark.parametrize("text", ["the\n", "\n", "the", "<html>\n"])
def test_a_first_line_without_numbers_is_refused(tmp_path, text):
    assert "line 1: expected a word and its numbers" in refused(tmp_path, text)


def test_what_is_not_utf_8_is_refused(tmp_path):
    assert "line 2 is not text in UTF-8" in refused(tmp_path, b"the 1\n\xff\xfe 2\n")


@pytest.mark.parametrize("kept", [5, -20, -4])
def test_a_compressed_file_that_is_cut_short_is_refused(tmp_path, kept):
    path = fake.write(tmp_path / "glove.txt.gz", ROWS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="download it again"):
        glove.read(path)


def test_a_compressed_file_that_is_none_or_damaged_is_refused(tmp_path):
    content = bytearray(gzip.compress(b"the 1 2\n" * 50))
    content[15] ^= 255
    for damaged in (b"the 1 2\n", bytes(content)):
        path = tmp_path / "glove.gz"
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="download it again"):
            glove.read(path)
