"""Classes are found by way of tags, whatever level a tag is scored at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from tagsmith.core.carry import carried, class_areas, winners
from tagsmith.errors import DataError

ITEMS, TAGS, CLASSES, WIDTH = 6, 4, 3, 5
levels = st.integers(-50, 50).map(lambda step: step / 16)
sheets = hnp.arrays(np.float64, (ITEMS, TAGS), elements=levels)
TAG_VECTORS, CLASS_VECTORS = np.split(
    np.random.default_rng(1883).normal(size=(TAGS + CLASSES, WIDTH)), [TAGS]
)


def similar(scores):
    return carried(scores, TAG_VECTORS, CLASS_VECTORS)


@given(sheets)
def test_similarities_are_those_of_scikit_learn(scores):
    weights = StandardScaler().fit_transform(scores).clip(min=1e-9) - 1e-9
    expected = cosine_similarity(weights @ TAG_VECTORS, CLASS_VECTORS)
    np.testing.assert_allclose(similar(scores), expected, atol=1e-6)


@given(sheets, st.integers(-9, 9), st.sampled_from([0.25, 1, 8]))
def test_the_level_and_the_range_of_a_tag_change_nothing(scores, level, factor):
    moved = scores.copy()
    moved[:, 1] = moved[:, 1] * factor + level
    np.testing.assert_allclose(similar(moved), similar(scores), atol=1e-9)


@given(sheets, st.sampled_from([0.1, 1 / 3, 1e6]))
def test_a_tag_that_never_changes_has_no_say(scores, value):
    scores[:, 2] = value
    without = carried(
        np.delete(scores, 2, axis=1), np.delete(TAG_VECTORS, 2, axis=0), CLASS_VECTORS
    )
    np.testing.assert_allclose(similar(scores), without, atol=1e-9)


@given(sheets)
def test_the_length_of_a_class_vector_changes_nothing(scores):
    longer = carried(scores, TAG_VECTORS, 7 * CLASS_VECTORS)
    np.testing.assert_allclose(longer, similar(scores), atol=1e-9)


@given(sheets)
def test_items_and_classes_keep_their_order(scores):
    turned = carried(scores[::-1], TAG_VECTORS, CLASS_VECTORS[::-1])
    np.testing.assert_allclose(turned[::-1, ::-1], similar(scores), atol=1e-9)


@given(sheets)
def test_classes_of_equal_vectors_are_exactly_as_similar(scores):
    found = carried(scores, TAG_VECTORS, np.tile(CLASS_VECTORS, (3, 1)))
    assert (found[:, :3] == found[:, 3:6]).all()
    assert (found[:, :3] == found[:, 6:]).all()


def test_an_example_by_hand():
    scores = [[3, 0, 5], [1, 0, 5], [2, 6, 5]]  # deviations sqrt(2/3), sqrt(8), 0
    found = carried(scores, [[1, 0], [0, 2], [9, 9]], [[1, 0], [0, 1], [-3, 4]])
    # First: (1.22, 0). Second: above no mean. Third: its first tag is at the mean.
    assert found.tolist() == [[1, 0, -0.6], [0, 0, 0], [0, 1, 0.8]]


@pytest.mark.parametrize("steps", [(1, 2, 3), (1, 3, 5), (2, 5, 8)])
def test_an_item_at_the_mean_is_not_above_it_by_rounding(steps):
    middle = carried(np.array([steps]).T / 10, [[1.0, 2.0]], [[1.0, 0.0]])[1]
    assert middle.tolist() == [0]


def test_one_item_is_like_no_class():
    assert (carried([[0.1, 0.9, 0.5, 0.3]], TAG_VECTORS, CLASS_VECTORS) == 0).all()


@given(sheets, hnp.arrays(np.intp, ITEMS, elements=st.integers(0, CLASSES - 1)))
def test_a_classs_area_is_that_of_its_items_against_all_others(scores, truth):
    similarities = similar(scores)
    for place, area in enumerate(class_areas(similarities, truth)):
        has = truth == place
        if has.any() and not has.all():
            assert area == pytest.approx(roc_auc_score(has, similarities[:, place]))
        else:
            assert np.isnan(area)


@given(sheets)
def test_a_winner_is_above_every_other_class(scores):
    similarities = similar(scores)
    for row, winner in zip(similarities, winners(similarities), strict=True):
        above = [place for place in range(CLASSES) if (row[place] >= row).all()]
        assert above == [winner] or (winner == -1 and len(above) > 1)


# --- bad input


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_what_is_not_finite_is_placed(value, which):
    given_ = [np.ones((ITEMS, TAGS)), TAG_VECTORS.copy(), CLASS_VECTORS.copy()]
    given_[which][1, 2] = value
    name = ("scores", "tag vectors", "class vectors")[which]
    with pytest.raises(DataError, match=rf"{name} .*{value} at row 1, column 2"):
        carried(*given_)


@pytest.mark.parametrize("which", [1, 2])
def test_a_vector_that_points_nowhere_is_refused(which):
    given_ = [np.ones((ITEMS, TAGS)), TAG_VECTORS.copy(), CLASS_VECTORS.copy()]
    given_[which][1] = 0
    name = ("", "tag", "class")[which]
    with pytest.raises(DataError, match=rf"a {name} vector .*the first is row 1"):
        carried(*given_)


def test_shapes_that_do_not_fit_are_all_named():
    with pytest.raises(DataError, match=r"\(6, 3\), tag vectors \(4, 5\)"):
        carried(np.ones((ITEMS, 3)), TAG_VECTORS, CLASS_VECTORS)
    with pytest.raises(DataError, match=r"class vectors \(3, 4\)"):
        carried(np.ones((ITEMS, TAGS)), TAG_VECTORS, CLASS_VECTORS[:, :4])


def test_what_is_no_matrix_is_refused():
    with pytest.raises(DataError, match=r"must be \(items, tags\) .*got \(4,\)"):
        carried(np.ones(TAGS), TAG_VECTORS, CLASS_VECTORS)
    with pytest.raises(DataError, match="tag vectors must be numbers, got <U1"):
        carried(np.ones((ITEMS, 1)), [["a"]], CLASS_VECTORS)
