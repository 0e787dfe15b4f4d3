"""A word model as a bundle: from an audio file to scores of any words.

    model/     as training left it
    vectors/   the whole table of its tag vectors: what words it can be asked for
    meta.json  figures on tags that its siblings never learnt, of how many splits

A word is asked for by its vector. An open table, such as GloVe's, has those of a whole
vocabulary; a closed one only of the tags that it was made for.
"""

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tagsmith import vectors
from tagsmith.config import WordModel
from tagsmith.errors import DataError, MissingError
from tagsmith.models import Tagger, load
from tagsmith.models.analysis import Analyser, analyser
from tagsmith.models.bundle import META, put_model
from tagsmith.store import Store, write_json

if TYPE_CHECKING:
    import keras

    from tagsmith.vectors import WordVectors

MODEL, VECTORS = "model", "vectors"


@dataclass(frozen=True)
class Scored:
    """One word about one recording.

    Attributes:
        tag: The word, or several.
        score: How near it is to what is heard, in [0, 1].
    """

    tag: str
    score: float


@dataclass(frozen=True)
class WordTagger:
    """A word model that scores any words.

    Attributes:
        tagger: The trained network.
        vectors: What words mean.
        analyse: What makes the feature that it hears.
        turn: Whose it is to be heard: Keras does not promise that threads may share a
            network.
    """

    tagger: Tagger
    vectors: "WordVectors"
    analyse: Analyser
    turn: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, bundle: Path) -> "WordTagger":
        """Read a bundle.

        Raises:
            MissingError: Something of it is missing.
            DataError: Its model learnt with other vectors.
        """
        for name in (MODEL, VECTORS):
            if not (bundle / name).is_dir():
                raise MissingError(
                    f"{bundle} has no {name}; `tagsmith promote-zeroshot` makes a "
                    "whole bundle"
                )
        tagger, table = load(bundle / MODEL), vectors.load(bundle / VECTORS)
        _check(tagger, table)
        return cls(tagger, table, analyser(tagger.feature, bundle))

    def score(
        self, path: Path, words: Sequence[str] | None = None
    ) -> NDArray[np.float32]:
        """Score words about one audio file.

        Args:
            path: Anything that libsndfile reads.
            words: Any that have a vector; None for the tags that it learnt.

        Returns:
            `(words,)` in [0, 1], in their order.

        Raises:
            DataError: The file cannot be decoded, or a word has no vector; all such
                words are named.
            MissingError: There is no such file.
        """
        asked = None if words is None else self.vectors.of(words)
        with self.turn:
            scores: NDArray[np.float32] = self.tagger.score_words(
                [self.analyse(path)], asked
            )[0]
        return scores

    def listen(
        self, path: Path, words: Sequence[str] | None = None, top: int | None = None
    ) -> list[Scored]:
        """Say how well words fit one audio file.

        Args:
            path: Anything that libsndfile reads.
            words: Any that have a vector; None for the tags that it learnt.
            top: How many of them to return; None for all.

        Returns:
            The word that fits best first.

        Raises:
            DataError: As for `score`, and so is `MissingError`.
            MissingError: See there.
        """
        scores = self.score(path, words)
        asked = self.tagger.tags if words is None else words
        order = np.argsort(-scores, kind="stable")[:top]
        return [Scored(asked[word], round(float(scores[word]), 6)) for word in order]


def write_bundle(store: Store, model: str, folder: Path) -> None:
    """Write a word model of a store as a bundle into an empty folder.

    Args:
        store: What was trained and evaluated on unseen tags.
        model: The model's name.
        folder: Where to.

    Raises:
        DataError: The model scores no words but its tags, or learnt with other vectors
            than the store has now.
        MissingError: Model, vectors or figures are missing.
    """
    path = store.find("zeroshot", model, "intervals.json", made_by="evaluate_zeroshot")
    intervals = json.loads(path.read_text("utf-8"))
    config = put_model(store, model, folder / MODEL)["config"]
    if "vectors" not in config:
        raise DataError(
            f"model {model} is a {config['kind']}, which knows only the tags that it "
            "learnt; any words are for word models, siamese or texture"
        )
    source = store.find("vectors", config["vectors"], made_by="vectors")
    ignored = shutil.ignore_patterns(".*")
    shutil.copytree(source, folder / VECTORS, ignore=ignored)
    write_json(
        folder / META,
        {"splits": len(intervals["splits"]), "unseen_tags": intervals["mean"]},
    )
    WordTagger.load(folder)  # refuses what does not belong together


def _check(tagger: Tagger, table: "WordVectors") -> None:
    """Refuse a table in which the tags are not where the network learnt them."""
    assert isinstance(tagger.config, WordModel)
    learnt, known = _learnt(tagger.network), table.of(tagger.tags)
    # Of several words a tag's is a mean, whose last digit is the processor's.
    if learnt.shape != known.shape or not np.allclose(learnt, known, atol=1e-6):
        raise DataError(
            f"model {tagger.name} learnt its tags with other vectors than those of "
            f"{table.meta['origin']}; make {tagger.config.vectors!r} or the model again"
        )


def _learnt(network: "keras.Model") -> NDArray[np.float32]:
    from tagsmith.models.words import WORDS  # noqa: PLC0415 - Keras, as in `load`

    return np.asarray(network.get_layer(WORDS).vectors)
