"""What `vectors/chance.py` promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tagsmith.vectors import chance

tags = st.lists(st.text(st.characters(codec="utf-8")), unique=True, min_size=1)


@given(tags=tags, data=st.data())
def test_a_tags_vector_depends_on_no_other_tag(tags, data):
    together = chance.vectors(tags, dimensions=5, seed=3)
    row = data.draw(st.integers(0, len(tags) - 1))
    alone = chance.vectors([tags[row]], dimensions=5, seed=3)
    assert together.words == tags and together.values.dtype == np.float32
    assert (together.values[row] == alone.values[0]).all()


@given(tags)
def test_no_two_tags_and_no_two_seeds_have_the_same_vector(tags):
    drawn = [chance.vectors(tags, dimensions=5, seed=seed).values for seed in (0, 1)]
    assert len(np.unique(np.concatenate(drawn), axis=0)) == 2 * len(tags)


def test_numbers_are_standard_normal():
    tags = [f"tag {number}" for number in range(50)]
    values = chance.vectors(tags, dimensions=300, seed=0).values
    assert stats.kstest(values.ravel(), "norm").pvalue > 0.01


@pytest.mark.parametrize("dimensions", [1, 300])
def test_there_are_as_many_numbers_as_asked_for(dimensions):
    found = chance.vectors(["rock", "jazz"], dimensions=dimensions, seed=7)
    assert found.values.shape == (2, dimensions) and "seed 7" in found.origin
