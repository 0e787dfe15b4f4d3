"""What every test may ask for."""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator."""
    return np.random.default_rng(1883)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of reference material that may not be committed."""
    folder = Path(
        os.environ.get("TAGSMITH_FIXTURES", ROOT.parent / "shared" / "fixtures")
    )
    if not folder.is_dir():
        pytest.skip(f"reference material is not at {folder}; set TAGSMITH_FIXTURES")
    return folder
