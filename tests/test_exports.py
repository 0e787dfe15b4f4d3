"""What is exported reads as the original's files."""

import csv

import numpy as np
import pytest

from tagsmith.errors import ConfigError
from tagsmith.exports import export_features
from tagsmith.shards import Features
from tests.fakes.experiments import TAGS, VALUES, store_with_features, tiny_params

FEATURE = "deep_spectrum_1s"


@pytest.fixture
def store(tmp_path, rng):
    return store_with_features(tmp_path, rng)


def test_a_csv_has_a_row_per_window(store, tmp_path):
    export_features(tiny_params(), store, FEATURE, tmp_path / "out")
    with (tmp_path / "out/train.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header[:3] == ["name", "timeStamp", "neuron_0"]
    assert len(header) == 2 + VALUES
    first = store.read_truth("train").index[0]
    track = Features(store.place("features", FEATURE)).track(first)
    mine = [row for row in rows if row[0] == f"{first}.mp3"]
    assert [float(row[1]) for row in mine] == [float(n) for n in range(len(track))]
    np.testing.assert_array_equal(np.array(mine)[:, 2:].astype(np.float16), track)


def test_an_npz_is_what_the_originals_networks_read(store, tmp_path):
    export_features(tiny_params(), store, FEATURE, tmp_path / "out")
    truth = store.read_truth("test")
    with np.load(tmp_path / "out/test.npz") as file:
        assert list(file["tags"]) == TAGS
        np.testing.assert_array_equal(file["y"], truth)
        assert file["X"].dtype == np.float32
        assert file["X"].shape == (len(truth), file["windows"].max(), VALUES)


def test_only_deep_spectrum_has_that_format(store, tmp_path):
    with pytest.raises(ConfigError, match=r"features\.logmel is logmel"):
        export_features(tiny_params(), store, "logmel", tmp_path / "out")
