"""Vectors that mean nothing, to know what is learnt from those that mean something."""

import hashlib
from collections.abc import Sequence

import numpy as np

from tagsmith.vectors.table import Found


def vectors(tags: Sequence[str], *, dimensions: int, seed: int) -> Found:
    """Draw a vector of standard normal numbers for each tag.

    A tag's depends on its name and the seed, and on no other tag, so it stays the same
    when the data set grows.

    Args:
        tags: Their names.
        dimensions: How many numbers a vector has.
        seed: At least 0.
    """
    values = np.empty((len(tags), dimensions), np.float32)
    for row, tag in enumerate(tags):
        digest = hashlib.sha256(tag.encode("utf-8")).digest()
        generator = np.random.default_rng([seed, int.from_bytes(digest)])
        values[row] = generator.standard_normal(dimensions)
    return Found(list(tags), values, f"chance, seed {seed}")
