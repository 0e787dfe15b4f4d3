"""What `store.py` promises of tables."""

import numpy as np
import pandas as pd
import pytest

from tagsmith.config import SPLITS
from tagsmith.datasets.listing import one_source
from tagsmith.errors import MissingError
from tagsmith.store import Store
from tests.fakes import experiments
from tests.fakes.experiments import TAGS, WITHHELD


@pytest.fixture
def store(tmp_path, rng):
    made = Store(tmp_path / "data")
    tracks, annotations, _ = experiments.tables(rng)
    bad = pd.DataFrame({"track_id": ["t001", "t022"], "reason": "is silent"})
    made.write_table("tracks", tracks.sample(frac=1, random_state=1))
    made.write_table("annotations", annotations)
    made.write_table("withheld", experiments.withheld(tracks))
    made.write_table("genres", one_source())
    made.write_table("quarantine", bad)
    return made


def pairs(truth):
    """The track and the tag of each true entry."""
    rows, columns = np.nonzero(truth.to_numpy())
    return set(zip(truth.index[rows], truth.columns[columns], strict=True))


def of_kept(store, *tables):
    kept = store.read_tracks().index
    rows = pd.concat([store.read_table(name) for name in tables])
    return {(t, tag) for t, tag in rows.itertuples(index=False) if t in kept}


def test_truth_has_no_withheld_tags(store):
    for split in SPLITS:
        assert list(store.read_truth(split).columns) == TAGS == store.read_tags()


def test_what_is_known_is_truth_and_withheld_tags_in_alphabetical_order(store):
    known = store.read_known()
    assert list(known.columns) == sorted([*TAGS, *WITHHELD])
    assert set(known.dtypes) == {np.dtype(bool)}
    assert pairs(known) == of_kept(store, "annotations", "withheld")
    for split in SPLITS:
        assert known.loc[store.read_truth(split).index, TAGS].equals(
            store.read_truth(split)
        )


def test_what_is_known_of_a_split_is_its_part_of_the_whole(store):
    whole, parts = store.read_known(), [store.read_known(split) for split in SPLITS]
    assert pd.concat(parts).sort_index().equals(whole)
    assert list(whole.index) == list(store.read_tracks().index)
    assert not {"t001", "t022"} & set(whole.index)


def test_what_is_known_has_every_tag_though_no_track_of_the_split_has_it(store):
    withheld = pd.DataFrame({"track_id": ["t000"], "tag": ["rare"]})
    store.write_table("withheld", withheld)
    assert not store.read_known("test")["rare"].any()
    assert store.read_known("train")["rare"].sum() == 1


def test_without_withheld_tags_what_is_known_is_truth(store):
    store.write_table("withheld", store.read_table("withheld").head(0))
    assert store.read_known("test").equals(store.read_truth("test"))


def test_data_of_before_tags_were_withheld_is_to_be_taken_in_again(store):
    store.place("tables", "withheld.parquet").unlink()
    with pytest.raises(MissingError, match=r"withheld\.parquet is not there.* ingest"):
        store.read_known()
    assert store.read_truth("test").shape == (4, 3)
