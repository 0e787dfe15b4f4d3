"""Tag vectors: what words mean, as numbers that a network can be taught to aim at.

One source, one file; `build` is the only way to their vectors, `table.WordVectors` what
every source becomes, and `load` reads that again.
"""

from collections.abc import Sequence
from typing import assert_never

import pandas as pd

from tagsmith.config import (
    GloveFile,
    GlovePackage,
    InstrumentVectors,
    RandomVectors,
    SentenceVectors,
    Vectors,
)
from tagsmith.vectors import chance, glove, instruments, packages, sentences
from tagsmith.vectors.table import Found, Meta, WordVectors, load

__all__ = ["WordVectors", "build", "load"]


def build(
    config: Vectors,
    *,
    tags: Sequence[str],
    annotations: pd.DataFrame,
    tracks: pd.DataFrame,
    seed: int,
) -> WordVectors:
    """Make the tag vectors that a section of `params.yaml` describes.

    GloVe's are of the whole vocabulary, so that any word may be asked later; of other
    kinds, only `tags` have vectors.

    Args:
        config: The section.
        tags: The data set's tags.
        annotations: `track_id` and `tag`; read by `instruments` only.
        tracks: `track_id`, as a column or as the index, and `split`; read by
            `instruments` only.
        seed: Of `random`.

    Raises:
        DataError: The source is not what it should be, or says nothing of a tag.
        MissingError: It is not there; the message says how to get it.
    """
    found = _found(config, tags=tags, annotations=annotations, tracks=tracks, seed=seed)
    vocabulary = config if isinstance(config, GloveFile | GlovePackage) else None
    meta = Meta(
        kind=config.kind,
        origin=found.origin,
        open=vocabulary is not None,
        spellings=dict(vocabulary.spellings) if vocabulary else {},
    )
    return WordVectors(found.words, found.values, meta)


def _found(
    config: Vectors,
    *,
    tags: Sequence[str],
    annotations: pd.DataFrame,
    tracks: pd.DataFrame,
    seed: int,
) -> Found:
    match config:
        case GloveFile():
            return glove.read(config.path)
        case GlovePackage():
            return packages.read(config)
        case InstrumentVectors():
            return instruments.vectors(
                config, tags=tags, annotations=annotations, tracks=tracks
            )
        case RandomVectors():
            return chance.vectors(tags, dimensions=config.dimensions, seed=seed)
        case SentenceVectors():
            return sentences.vectors(config, tags)
        case _:
            assert_never(config)
