"""A tiny siamese model that was told of tags and taught nothing, and its figures."""

from pathlib import Path

import numpy as np

from tagsmith import vectors
from tagsmith.datasets.listing import one_source
from tagsmith.models import Tagger, build, save
from tagsmith.store import Store, write_json
from tests.fakes import ensembles
from tests.fakes.experiments import TAGS, tables, tiny_params, write_vectors

WORDS = [*TAGS, "hurdy", "gurdy", "sea", "shanty"]
LACKS = "kazoo"  # which has no vector
REGISTERED = {"siamese": "words"}  # in the registry


def store(folder: Path) -> Store:
    """Return a store that holds everything that stage `promote_zeroshot` reads."""
    made = Store(folder)
    write_vectors(made, WORDS)
    write_model(made)
    write_figures(made, gain=0.1)
    names = ("tracks", "annotations", "quarantine")
    drawn = tables(np.random.default_rng(1883))
    for name, table in zip(names, drawn, strict=True):
        made.write_table(name, table)
    made.write_table("genres", one_source())
    ensembles.write_verdict(made)
    return made


def write_model(made: Store) -> None:
    """Write model `siamese`, which knows the vectors that the store has."""
    import keras

    from tagsmith.models.words import know

    params = tiny_params()
    config = params.model("siamese")
    feature = params.feature(config.feature)
    known = vectors.load(made.place("vectors", "glove")).of(TAGS)
    keras.utils.set_random_seed(params.seed)
    network = build(config, feature, tags=len(TAGS), dimensions=known.shape[1])
    know(network, known)
    tagger = Tagger("siamese", config, feature, tuple(TAGS), network)
    save(tagger, made.place("models", "siamese"))


def write_figures(made: Store, *, gain: float) -> None:
    """Let unseen tags be that much above the control, give or take 0.05."""

    def interval(value: float) -> dict[str, float]:
        share = float(value > 0)
        ends = {"low": value - 0.05, "high": value + 0.05}
        return {"value": value, "above_zero": share, **ends}

    found = {
        "glove": interval(0.5 + gain),
        "chance": interval(0.5),
        "difference": interval(gain),
    }
    both = {"retrieval": found, "annotation": found}
    tree = {"splits": [both] * 2, "mean": {"sounds": both}}
    write_json(made.place("zeroshot", "siamese", "intervals.json"), tree)
