"""Which tracks anything is said of, and what, as tables of booleans."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.core import truth

NAMES = st.lists(st.text("abc", max_size=2))


@given(NAMES, NAMES)
def test_a_track_is_known_if_anything_is_said_of_it(tracks, said):
    known = truth.known(pd.Index(tracks, dtype="str"), pd.Series(said, dtype="str"))
    assert known.tolist() == [track in said for track in tracks]


def test_empty_tables_and_categories_will_do():
    tracks = pd.Index(["a", "b"])
    assert not truth.known(tracks, pd.Series([], dtype="object")).any()
    said = pd.Series(["b", "b"], dtype="category")
    assert truth.known(tracks, said).tolist() == [False, True]


def test_a_table_has_what_is_said_of_its_tracks_and_tags():
    said = pd.DataFrame(
        [("b", "rock"), ("a", "jazz"), ("a", "polka"), ("z", "rock")],
        columns=["track_id", "tag"],
    )
    table = truth.table(said, pd.Index(["a", "b", "c"]), ["jazz", "rock"])
    assert list(table.index) == ["a", "b", "c"]
    assert list(table.columns) == ["jazz", "rock"]
    assert np.array_equal(table, [[True, False], [False, True], [False, False]])
