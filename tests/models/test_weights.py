"""Published weights: read where they are, and never replaced by chance."""

import hashlib
from functools import partial

import pytest

from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.models.weights import weights_file

weights_file = partial(weights_file, otherwise="or set the trunk to `kind: random`")
PINNED = "sha256:" + "a" * 64


def test_missing_weights_are_said_with_the_way_out(tmp_path):
    with pytest.raises(MissingError, match="kind: random"):
        weights_file(str(tmp_path / "absent.h5"), "", cache=tmp_path)


def test_an_address_needs_a_checksum(tmp_path):
    with pytest.raises(ConfigError, match="pinned `checksum`"):
        weights_file("https://example.org/vggish.h5", "", cache=tmp_path)


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_download_is_kept_and_its_checksum_held(tmp_path, algorithm):
    source = tmp_path / "source.h5"
    source.write_bytes(b"weights")
    right = hashlib.new(algorithm, b"weights").hexdigest()
    cache = tmp_path / "cache"
    kept = weights_file(source.as_uri(), f"{algorithm}:{right}", cache=cache)
    assert kept.read_bytes() == b"weights"
    wrong = f"{algorithm}:{right[::-1]}"
    with pytest.raises(DataError, match=f"expected {algorithm} {right[::-1]}"):
        weights_file(source.as_uri(), wrong, cache=cache)


def test_an_address_that_does_not_answer_is_said(tmp_path):
    with pytest.raises(MissingError, match="does not answer"):
        weights_file("http://127.0.0.1:9/vggish.h5", PINNED, cache=tmp_path)
