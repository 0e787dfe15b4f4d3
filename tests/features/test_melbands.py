"""What `features/melbands` promises of documents and scales."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tagsmith.errors import DataError
from tagsmith.features import melbands
from tagsmith.features.melbands import BANDS, STATISTICS
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
REAL = GOLDEN / "0dad432b-16cc-4bf0-8961-fd31d124b01b.json"
SCALES = ("maximum", "decibels")

positive = arrays.arrays(
    np.float32,
    (BANDS, len(STATISTICS)),
    elements=st.floats(np.float32(1e-20), 1, width=32),
)


@pytest.fixture(scope="module")
def real():
    return json.loads(REAL.read_text("utf-8"))


@pytest.fixture
def spoilt(real):
    return copy.deepcopy(real)


# --- the published features


def test_a_real_document_becomes_what_the_original_made_of_it(real):
    golden = np.load(GOLDEN / "melbands_0dad432b.npy")
    found = melbands.from_document(real)
    assert found.dtype == golden.dtype == np.float16
    np.testing.assert_array_equal(found, golden)


def test_the_golden_is_as_the_reference_describes_it(real):
    sums = melbands.from_document(real).astype(float).sum(axis=0)
    published = [22.4296, 4.3619, 3.8174, 3.5663, 2.0763, 4.8254, 3.6202, 4.207, 2.8714]
    np.testing.assert_allclose(sums, published, rtol=1e-3)


def test_statistics_are_the_documents_own_numbers(real):
    found = melbands.statistics(real)
    for channel, name in enumerate(STATISTICS):
        stated = np.float32(real["lowlevel"]["melbands"][name])
        np.testing.assert_array_equal(found[:, channel], stated)


# --- scales


@given(positive, st.sampled_from(SCALES))
def test_the_loudest_band_is_1_and_none_is_below_0(statistics, scale):
    found = melbands.scaled(statistics, scale=scale)
    assert (found.max(axis=0) == 1).all()
    assert found.min() >= 0


@given(positive, st.floats(1e-3, 1e3), st.sampled_from(SCALES))
def test_the_level_of_a_track_does_not_matter(statistics, gain, scale):
    plain = melbands.scaled(statistics, scale=scale, dtype=np.float32)
    louder = melbands.scaled(statistics * gain, scale=scale, dtype=np.float32)
    np.testing.assert_allclose(louder, plain, atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_a_statistic_that_is_0_everywhere_stays_0(scale):
    found = melbands.scaled(np.zeros((3, BANDS, len(STATISTICS))), scale=scale)
    assert found.shape == (3, 40, 9)
    assert not found.any()


@pytest.mark.parametrize(
    ("below_db", "expected"), [(0, 1), (40, 0.5), (80, 0), (99, 0)]
)
def test_decibels_below_the_maximum_become_shares_of_80(below_db, expected):
    statistics = np.ones((BANDS, len(STATISTICS)))
    statistics[7] = 10 ** (-below_db / 10)
    found = melbands.scaled(statistics, scale="decibels", dtype=np.float64)
    np.testing.assert_allclose(found[7], expected, atol=1e-12)


def test_decibels_keep_what_float16_loses_of_shares(real):
    shares = melbands.from_document(real)
    decibels = melbands.from_document(real, scale="decibels")
    var = STATISTICS.index("var")
    assert (shares[:, var] == 0).sum() == 12
    assert (decibels[:, var] == 0).sum() < 12


# --- bad documents


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([1.0] * 39, "has 39 bands in lowlevel.melbands.mean, not 40"),
        ([[1.0]] * 40, r"holds \[1.0\] in band 0 of .*, which is no number"),
        (["1"] * 40, "holds '1' in band 0 of lowlevel.melbands.mean, which is no"),
        ([True] * 40, "holds True in band 0 of lowlevel.melbands.mean, which is no"),
        ([0, float("nan")] * 20, "holds NaN in band 1 of .*, not a finite number"),
        ([0, float("inf")] * 20, "holds inf in band 1 of .*, not a finite number"),
        ([0, 1e39] * 20, r"holds 1e\+39 in band 1 of .*, more than a float32 can be"),
        ([0, -1e-9] * 20, "holds -1e-09 in band 1 of .*, but power is 0 or more"),
        (0.5, "has 0.5 as lowlevel.melbands.mean, not a list of 40 numbers"),
    ],
)
def test_an_error_says_what_a_statistic_holds(spoilt, value, complaint):
    spoilt["lowlevel"]["melbands"]["mean"] = value
    with pytest.raises(DataError, match=f"^the document {complaint}"):
        melbands.from_document(spoilt)


@pytest.mark.parametrize("name", STATISTICS)
def test_an_error_names_the_statistic_that_is_not_there(spoilt, name):
    del spoilt["lowlevel"]["melbands"][name]
    with pytest.raises(DataError, match=rf"lacks lowlevel\.melbands\.{name}$"):
        melbands.statistics(spoilt)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"lowlevel": {}}, r"lacks lowlevel\.melbands$"),
        ({"highlevel": {}}, "lacks lowlevel$"),
        ({"lowlevel": {"melbands": 7}}, "has int 7 as lowlevel.melbands, where an"),
        ([], "is no JSON object around lowlevel"),
    ],
)
def test_an_error_says_where_a_document_ends(document, complaint):
    with pytest.raises(DataError, match=complaint):
        melbands.statistics(document)
