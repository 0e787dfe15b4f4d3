"""What tests of several data sets need."""

import gzip

import pytest

from tests.fakes.magnatagatune import PUBLISHED


@pytest.fixture(scope="session")
def official(fixtures, tmp_path_factory):
    """MagnaTagATune's published annotations."""
    from tagsmith.datasets.magnatagatune import annotations

    path = tmp_path_factory.mktemp("mtat") / annotations.NAME
    content = (fixtures / "mtat" / "annotations_final.csv.gz").read_bytes()
    path.write_bytes(gzip.decompress(content))
    return annotations.read(path, PUBLISHED)
