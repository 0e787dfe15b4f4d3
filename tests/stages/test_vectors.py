"""What stage `vectors` promises."""

import logging

import numpy as np
import pytest

from tagsmith import vectors
from tagsmith.datasets.listing import one_source
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.stages import vectors as stage
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import experiments, glove
from tests.fakes.experiments import TAGS, WITHHELD, tiny_params

EVERY = sorted([*TAGS, *WITHHELD])


@pytest.fixture
def store(tmp_path, rng):
    made = Store(tmp_path / "data")
    tracks, annotations, quarantine = experiments.tables(rng)
    made.write_table("tracks", tracks)
    made.write_table("annotations", annotations)
    made.write_table("withheld", experiments.withheld(tracks))
    made.write_table("genres", one_source())
    made.write_table("quarantine", quarantine)
    return made


def run(store, name, **overrides):
    recorder = MemoryRecorder()
    stage.run(tiny_params(**overrides), store, recorder, name)
    return recorder


def made(store, name):
    return vectors.load(store.place("vectors", name))


@pytest.fixture
def words(tmp_path):
    """A vocabulary of every tag but `polka`, and of one word more."""
    known = [tag for tag in EVERY if tag != "polka"] + ["dance"]
    rows = {word: (number + 1.0, 1.0) for number, word in enumerate(known)}
    path = glove.write(tmp_path / "tiny.txt", rows)
    return {"kind": "glove_file", "path": str(path), "spellings": {}}


def test_every_tag_has_a_vector_withheld_or_not(store):
    run(store, "chance")
    table = made(store, "chance")
    assert list(table.words) == EVERY
    assert table.of(EVERY).shape == (5, 50)


def test_a_vocabulary_is_kept_whole(store, words):
    words["spellings"] = {"polka": "dance"}
    run(store, "glove", **{"vectors.glove": words})
    table = made(store, "glove")
    assert list(table.words)[-1] == "dance"
    assert (table.of(["polka"]) == table.of(["dance"])).all()


def test_a_tag_that_the_source_lacks_is_named_and_nothing_is_written(store, words):
    with pytest.raises(DataError, match=r"of 5 tags, 1 have words .*: 'polka' \(polka"):
        run(store, "glove", **{"vectors.glove": words})
    assert not store.place("vectors").exists()


def test_what_they_are_is_said_and_recorded(store, caplog):
    with caplog.at_level(logging.INFO, logger="tagsmith"):
        recorder = run(store, "chance")
    assert recorder.logged_metrics == [("words", 5.0, 0), ("dimensions", 50.0, 0)]
    origin = made(store, "chance").meta["origin"]
    assert recorder.logged_tags == {"origin": origin}
    assert caplog.messages == [f"chance: 5 words, 50 numbers each; {origin}"]


def test_the_seed_makes_the_control_and_makes_it_again(store):
    values = []
    for seed in (1, 1, 2):
        run(store, "chance", seed=seed)
        values.append(np.array(made(store, "chance").values))
    assert (values[0] == values[1]).all() and (values[0] != values[2]).any()


def test_what_lay_there_is_gone(store):
    store.empty("vectors", "chance").joinpath("old.txt").touch()
    run(store, "chance")
    names = {path.name for path in store.place("vectors", "chance").iterdir()}
    assert names == {"words.txt", "vectors.npy", "vectors.json"}


def test_an_unknown_source_is_answered_with_the_nearest(store):
    with pytest.raises(ConfigError, match=r"no vectors 'glov' .*did you mean 'glove'"):
        run(store, "glov")


def test_data_of_before_tags_were_withheld_is_to_be_taken_in_again(store):
    store.place("tables", "withheld.parquet").unlink()
    with pytest.raises(MissingError, match=r"withheld\.parquet .* `dvc repro ingest`"):
        run(store, "chance")


def test_what_is_not_made_yet_is_answered_with_the_stage_that_makes_it(store):
    with pytest.raises(MissingError, match=r"words\.txt is not .* `dvc repro vectors`"):
        made(store, "chance")
