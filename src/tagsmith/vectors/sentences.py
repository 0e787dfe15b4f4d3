"""What a sentence encoder makes of tags; the library is an extra, as it brings PyTorch.

References:
    Reimers and Gurevych, Sentence-BERT, EMNLP 2019; https://sbert.net
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tagsmith.config import SentenceVectors
from tagsmith.errors import DataError, MissingError
from tagsmith.vectors.table import Found


def vectors(config: SentenceVectors, tags: Sequence[str]) -> Found:
    """Encode each tag, in the sentence that `prompt` makes of it.

    Raises:
        MissingError: The library is not installed, or does not find the model.
        DataError: It does not give a row of finite numbers per tag.
    """
    try:
        import sentence_transformers as library  # noqa: PLC0415 - takes seconds
    except ImportError as error:
        raise MissingError(
            "vectors of kind sentences need sentence-transformers, which is not "
            "installed; `pip install tagsmith[sentences]` brings it, and PyTorch (5 GB)"
        ) from error
    try:
        encoder = library.SentenceTransformer(config.model)
    except OSError as error:
        raise MissingError(
            f"sentence-transformers finds no model {config.model!r} ({error}); `model` "
            "must be a folder, or a name that it knows and can download"
        ) from error
    prompts = [config.prompt.replace("{}", tag) for tag in tags]
    values = np.asarray(encoder.encode(prompts), np.float32)
    if values.ndim != 2 or len(values) != len(tags) or not np.isfinite(values).all():  # noqa: PLR2004 - rows and columns
        raise DataError(
            f"{config.model} must give a row of finite numbers for each of {len(tags)} "
            f"tags, got shape {values.shape}, {np.isnan(values).sum()} of it NaN; use "
            "another `model`"
        )
    name = Path(config.model).name if Path(config.model).is_dir() else config.model
    origin = f"{name}, sentence-transformers {library.__version__}"
    return Found(list(tags), values, origin)
