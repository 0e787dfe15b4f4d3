"""What `vectors/table.py` promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.errors import DataError, MissingError
from tagsmith.vectors import WordVectors, load
from tests.fakes import glove as fake

WORDS = (
    *("guitar", "rock", "hip", "hop", "rhythm", "and", "blues", "new", "york", "age"),
    *("lo-fi", "r", "b", "&", "children", "s"),
)
ROWS = fake.rows(WORDS)
SPELLINGS = {"R&B": "rhythm and blues"}


def table(rows=ROWS, *, is_open=True, spellings=None):
    kind = "glove_file" if is_open else "random"
    meta = {"kind": kind, "origin": "tiny.txt sha256:0", "open": is_open}
    values = np.array(list(rows.values()), np.float32)
    return WordVectors(tuple(rows), values, {**meta, "spellings": spellings or {}})


def refused(tags, **changes):
    with pytest.raises(DataError) as caught:
        table(**changes).of(tags)
    return str(caught.value)


@given(st.lists(st.sampled_from(WORDS)))
def test_each_word_gets_its_own_row_in_the_order_asked(words):
    found = table().of(words)
    assert found.shape == (len(words), 4) and found.dtype == np.float32
    assert all(
        (row == ROWS[word]).all() for row, word in zip(found, words, strict=True)
    )


def test_capitals_do_not_matter():
    assert (table().of(["GuiTar"]) == ROWS["guitar"]).all()
    closed = table({"Hip-Hop": [1, 2]}, is_open=False)
    assert (closed.of(["Hip-Hop", "hip-hop", "HIP-HOP"]) == [1, 2]).all()


def test_tags_that_differ_in_capitals_keep_their_vectors_in_a_closed_table():
    closed = table({"rock": [1, 2], "Rock": [3, 4]}, is_open=False)
    assert closed.of(["rock", "Rock"]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("mark", [" ", "-", "_", "/", " & ", "'", ", ", " - ", "\t"])
def test_a_tag_of_several_words_is_their_average(mark):
    expected = np.mean([ROWS["hip"], ROWS["hop"]], axis=0)
    np.testing.assert_allclose(table().of([f"Hip{mark}Hop"])[0], expected, rtol=1e-6)


@given(st.lists(st.sampled_from(["hip", "hop", "new", "york"]), min_size=2))
def test_a_word_counts_as_often_as_it_is_said(words):
    expected = np.mean([ROWS[word] for word in words], axis=0, dtype=np.float64)
    np.testing.assert_allclose(table().of([" ".join(words)])[0], expected, atol=1e-6)


def test_the_whole_text_is_looked_for_before_its_words():
    assert (table().of(["Lo-Fi", "&"]) == [ROWS["lo-fi"], ROWS["&"]]).all()


def test_a_spelling_replaces_its_tag_however_it_is_capitalised():
    letters = table().of(["r&b"])
    spelled = table(spellings=SPELLINGS).of(["r&b", "R&B", "rhythm and blues"])
    assert (spelled == spelled[2]).all() and not (spelled[0] == letters).all()


def test_a_spelling_is_looked_up_as_it_is_written():
    rows = {"beyoncé": [1, 1], "Beyoncé": [2, 2]}
    assert (table(rows, spellings={"queen b": "Beyoncé"}).of(["Queen B"]) == 2).all()


def test_every_uncovered_tag_is_named_with_the_words_that_lack_and_a_way_out():
    said = refused(["rock", "new metal", "lo-fi", "dub techno", "new metal"])
    assert "of 4 tags, 2 have words" in said
    assert "'new metal' (metal), 'dub techno' (dub, techno)" in said
    assert "tiny.txt" in said and "`spellings` in params.yaml" in said


@pytest.mark.parametrize("tag", ["", " ", "--", "/"])
def test_a_tag_without_words_is_not_covered(tag):
    assert repr(tag) in refused([tag])


def test_a_spelling_that_lacks_a_word_is_no_way_out():
    assert "'r&b' (soul)" in refused(["r&b"], spellings={"r&b": "soul"})


def test_a_closed_table_does_not_average_and_says_which_kinds_know_any_word():
    said = refused(["new york", "rock"], is_open=False)
    assert "random" in said and "'new york'" in said and "'rock'" not in said
    assert "glove_file and glove_package" in said


@pytest.mark.parametrize("number", [0.0, np.nan])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_vector_without_direction_is_refused_with_its_tag(number, is_open):
    rows = {"rock": [1, 2], "silence": [number, number]}
    said = refused(["rock", "silence"], rows=rows, is_open=is_open)
    assert "'silence'" in said and "'rock'" not in said


def test_words_that_cancel_out_are_refused():
    assert "'on off'" in refused(["on off"], rows={"on": [1, -2], "off": [-1, 2]})


def test_no_tags_have_no_vectors():
    assert table().of([]).shape == (0, 4)


ANY = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1)


@given(words=st.lists(ANY, min_size=1, unique=True))
def test_a_table_is_read_as_it_was_written(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("vectors")
    written = table(fake.rows(words), spellings=SPELLINGS)
    written.save(folder)
    read = load(folder)
    assert list(read.words) == words and read.meta == written.meta
    assert (read.values == written.values).all() and read.values.dtype == np.float32


def test_the_numbers_stay_on_disk(tmp_path):
    table().save(tmp_path)
    assert isinstance(load(tmp_path).values, np.memmap)
    assert (load(tmp_path).of(["new york"]) == table().of(["new york"])).all()


def test_equal_tables_are_equal_bytes_and_columns_make_no_difference(tmp_path):
    by_rows = table()
    by_columns = WordVectors(
        by_rows.words, np.asfortranarray(by_rows.values), by_rows.meta
    )
    for name, written in (("a", by_rows), ("b", by_columns)):
        written.save(tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["vectors.json", "vectors.npy", "words.txt"]
    assert all(
        (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        for name in names
    )


@pytest.mark.parametrize("name", ["words.txt", "vectors.npy", "vectors.json"])
def test_a_file_that_is_missing_is_named(tmp_path, name):
    table().save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(MissingError, match=name):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.txt", b"one\ntwo\n"),
        ("words.txt", b"\xff\n"),
        ("vectors.npy", b""),
        ("vectors.npy", b"no numbers"),
        ("vectors.json", b"{"),
        ("vectors.json", b"[]"),
        ("vectors.json", b'{"kind": "random"}'),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, name, content):
    table().save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="again"):
        load(tmp_path)


def test_numbers_that_are_cut_short_are_refused(tmp_path):
    table().save(tmp_path)
    path = tmp_path / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="one whole table"):
        load(tmp_path)


@pytest.mark.parametrize(
    "values", [np.ones((1, 2), np.float32), np.ones((2, 2)), np.ones(2, np.float32)]
)
def test_a_table_has_a_row_of_float32_per_word(values):
    with pytest.raises(DataError, match="each of 2 words"):
        WordVectors(("a", "b"), values, table().meta)


def test_a_word_with_a_line_break_is_not_written(tmp_path):
    with pytest.raises(DataError, match=r"'two\\nlines'"):
        table({"two\nlines": [1, 2]}).save(tmp_path)
    assert not list(tmp_path.iterdir())
