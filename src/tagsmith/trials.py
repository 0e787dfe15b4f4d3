"""Trials of unseen tags: a model learns some tags of a family, and scores the others.

A trial is one split of a family's tags and one source of tag vectors. What it makes is
kept below the store's scratch until all of them are done, so that a run that was killed
repeats none.
"""

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import quiet, vectors
from tagsmith.config import Params, WordModel
from tagsmith.core import zeroshot
from tagsmith.core.unseen import Trial
from tagsmith.errors import ConfigError
from tagsmith.features.clips import Frames
from tagsmith.shards import Features
from tagsmith.store import Store, atomic
from tagsmith.tracking.recording import MemoryRecorder, Recorder

if TYPE_CHECKING:
    from tagsmith.models import Tagger

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Material:
    """What every trial is made from.

    Attributes:
        config: The network's section.
        features: Of all tracks.
        tracks: The data set's, by track id: `split`, `group`.
        truth: Which tags they have, of all families.
        families: The tags of each.
        vectors: Each source's `(tags, dimensions)`, the model's first.
        scratch: Where unfinished work lies.
    """

    config: WordModel
    features: Features
    tracks: pd.DataFrame
    truth: pd.DataFrame
    families: dict[str, list[str]]
    vectors: dict[str, pd.DataFrame]
    scratch: Path


@dataclass(frozen=True)
class Holdout:
    """One way to hold out tags.

    Attributes:
        number: From 1, over all families.
        family: Whose tags these are.
        truth: Which of them tracks have.
        tags: `tag`, `side`.
        tracks: By track id: `part`, `use`, `tested`.
        seen: The tags that are learnt.
    """

    number: int
    family: str
    truth: pd.DataFrame
    tags: pd.DataFrame
    tracks: pd.DataFrame
    seen: tuple[str, ...]


def gather(params: Params, store: Store, name: str) -> Material:
    """Return what the trials of model `name` are made from.

    Raises:
        ConfigError: The model scores no words but those it learnt, or is its own
            control; or a family has no tags.
        DataError: A tag has no vector.
        MissingError: Features, vectors or tables have not been made.
    """
    config = _word_model(params, name)
    truth = store.read_known()
    families = _families(params, list(truth.columns))
    truth = truth[sorted({tag for tags in families.values() for tag in tags})]
    folder = store.find("features", config.feature, made_by="extract")
    known = {
        source: _known(store, source, list(truth.columns))
        for source in (config.vectors, params.zeroshot.control)
    }
    made_of = hashlib.sha256(json.dumps(_decided(params, config)).encode())
    for path in [folder / "index.parquet", *tables(store)]:
        made_of.update(path.read_bytes())
    for numbers in known.values():
        made_of.update(numbers.to_numpy().tobytes())
    return Material(
        config=config,
        features=Features(folder),
        tracks=store.read_tracks().loc[truth.index],
        truth=truth,
        families=families,
        vectors=known,
        scratch=store.scratch / "zeroshot" / f"{name}-{made_of.hexdigest()[:16]}",
    )


def _word_model(params: Params, name: str) -> WordModel:
    config = params.model(name)
    if not isinstance(config, WordModel):
        raise ConfigError(
            f"models.{name} is a {config.kind}, which knows only the tags that it "
            "learnt; zero-shot needs a word model, siamese or texture"
        )
    if config.vectors == params.zeroshot.control:
        raise ConfigError(
            f"models.{name}.vectors is {config.vectors!r}, and so is zeroshot.control: "
            "it would be compared with itself; give it other vectors"
        )
    return config


def _decided(params: Params, config: WordModel) -> list[object]:
    """Return the parameters that scores depend on."""
    judging = {"best", "registered"}
    zeroshot = params.zeroshot.model_dump(mode="json", exclude=judging)
    return [params.seed, config.model_dump(mode="json"), zeroshot]


def _families(params: Params, tags: list[str]) -> dict[str, list[str]]:
    """Return the tags of each family."""
    found = {
        family: [tag for tag in tags if any(fnmatchcase(tag, p) for p in patterns)]
        for family, patterns in params.zeroshot.tags.items()
    }
    for family, those in found.items():
        if not those:
            raise ConfigError(
                f"zeroshot.tags.{family} is {list(params.zeroshot.tags[family])}, "
                f"which matches no tag; there are {tags}"
            )
    return found


def _known(store: Store, source: str, tags: list[str]) -> pd.DataFrame:
    """Return the vectors of tags, a row each."""
    table = vectors.load(store.find("vectors", source, made_by="vectors"))
    return pd.DataFrame(table.of(tags), index=tags)


def tables(store: Store) -> list[Path]:
    """Return the tables that trials are made from."""
    names = ("tracks", "annotations", "withheld", "quarantine")
    return [
        store.find("tables", f"{name}.parquet", made_by="validate") for name in names
    ]


def holdouts(params: Params, material: Material) -> list[Holdout]:
    """Draw the splits of every family's tags.

    Raises:
        DataError: A split leaves nothing to learn, or to test.
    """
    drawn = [
        _holdout(params, material, family, turn)
        for family in material.families
        for turn in range(params.zeroshot.tag_splits)
    ]
    return [replace(each, number=number) for number, each in enumerate(drawn, start=1)]


def _holdout(params: Params, material: Material, family: str, turn: int) -> Holdout:
    config, seed = params.zeroshot, [params.seed, turn + 1]
    truth = material.truth[material.families[family]]
    tags = zeroshot.split_tags(
        list(truth.columns), seen_share=config.seen_share, seed=seed
    )
    seen = list(tags["tag"][tags["side"] == zeroshot.SEEN])
    tracks = zeroshot.split_tracks(
        material.tracks,
        truth,
        seen,
        learn_from=config.learn_from,
        validation_share=config.validation_share,
        protocol=config.protocol,
        seed=seed,
    )
    zeroshot.refuse_sameness(tracks, truth, seen)
    return Holdout(0, family, truth, tags, tracks, tuple(seen))


def trial(holdout: Holdout, scores: pd.DataFrame) -> Trial:
    """Return what is judged: tested tracks only.

    Args:
        holdout: The split.
        scores: `(tracks, tags)` of all tracks.
    """
    tested = holdout.tracks["tested"].to_numpy()
    return Trial(
        truth=holdout.truth[tested].to_numpy(),
        scores=scores[tested].to_numpy(),
        unseen=~holdout.truth.columns.isin(holdout.seen),
        part=holdout.tracks["part"][tested].to_numpy(),
        rows=np.flatnonzero(tested),
    )


def scored(
    params: Params,
    material: Material,
    recorder: Recorder,
    holdout: Holdout,
    source: str,
) -> pd.DataFrame:
    """Return the scores of all tracks on all tags, made now or before a kill."""
    path = material.scratch / f"{holdout.number}-{source}.parquet"
    if not path.exists():
        logger.info("split %d, vectors %s", holdout.number, source)
        tagger, history = _taught(params, material, holdout, source)
        for row in history:
            prefix = f"split_{holdout.number}/{source}"
            recorder.metrics(
                {f"{prefix}/{key}": value for key, value in row.items()},
                step=int(row["epoch"]),
            )
        tracks = [material.features.track(track) for track in holdout.truth.index]
        known = material.vectors[source].loc[holdout.truth.columns]
        scores = tagger.score_words(tracks, known.to_numpy())
        table = pd.DataFrame(scores, holdout.truth.index, columns=holdout.truth.columns)
        with atomic(path) as temporary:
            table.to_parquet(temporary)
    return pd.read_parquet(path)


def _taught(
    params: Params, material: Material, holdout: Holdout, source: str
) -> tuple["Tagger", list[dict[str, float]]]:
    with quiet.native_libraries:
        from tagsmith.models import Tagger, build
        from tagsmith.models.words import know
        from tagsmith.training import device
        from tagsmith.training.checkpoint import Checkpoint
        from tagsmith.training.learner import Validation
        from tagsmith.training.teach import precision, teach

    config, feature = material.config, params.feature(material.config.feature)
    device.prepare(params.seed, precision(config), params.distribute)
    known = material.vectors[source].loc[list(holdout.seen)].to_numpy()
    tags, dimensions = known.shape
    network = device.built(
        partial(build, config, feature, tags=tags, dimensions=dimensions)
    )
    tagger = Tagger(source, config, feature, holdout.seen, network)
    know(network, known)
    history = teach(
        tagger,
        *_used(material, holdout, "train"),
        validation=Validation(*_used(material, holdout, "validation")),
        checkpoint=Checkpoint(material.scratch / f"{holdout.number}-{source}.npz"),
        recorder=MemoryRecorder(),
        seed=params.seed,
    )
    return tagger, history


def _used(
    material: Material, holdout: Holdout, use: str
) -> tuple[list[Frames], NDArray[np.bool_]]:
    truth = holdout.truth.loc[holdout.tracks["use"] == use, list(holdout.seen)]
    return [material.features.track(track) for track in truth.index], truth.to_numpy()
