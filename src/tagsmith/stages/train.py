"""Stage `train`: one model learns the training split and scores every split."""

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import quiet, vectors
from tagsmith.config import (
    SPLITS,
    Crnn,
    MelbandFcn,
    Model,
    Params,
    RandomTrunk,
    Trunk,
    VggishTrunk,
    WordModel,
)
from tagsmith.core import metrics
from tagsmith.core import truth as truths
from tagsmith.core.genres import LabelSpace, collisions, label_space
from tagsmith.shards import Features
from tagsmith.store import Store, atomic
from tagsmith.tracking.recording import Recorder
from tagsmith.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    import keras

    from tagsmith.models.tagger import Tagger
    from tagsmith.training.knowledge import Knowledge

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learnt:
    """What a training comes to.

    Attributes:
        tagger: With the weights of the best epoch.
        history: One row of figures per epoch.
    """

    tagger: "Tagger"
    history: list[dict[str, float]]


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Train model `name`; a run that was killed goes on after its last epoch."""
    splits = store.read_tracks()["split"]
    ids = {split: splits.index[splits == split] for split in SPLITS}
    features = features_of(params, store, name)
    tracks = {split: features.tracks(ids[split]) for split in SPLITS}
    checkpoint = checkpoint_of(params, store, name)
    learnt = learn(params, store, recorder, name, checkpoint)
    tagger = learnt.tagger
    _write(store, tagger, learnt.history)
    for split in SPLITS:
        scores = tagger.score_features(tracks[split])
        table = pd.DataFrame(scores, index=ids[split], columns=list(tagger.tags))
        store.write_scores(name, split, table)
    recorder.artifact(store.place("models", name), "model")
    recorder.metrics({"parameters": float(tagger.network.count_params())})
    kept = store.read_scores(name, "validation")
    recorder.metrics(_figures(store.read_truth("validation"), kept))
    checkpoint.delete()


def learn(
    params: Params, store: Store, recorder: Recorder, name: str, checkpoint: Checkpoint
) -> Learnt:
    """Teach model `name` the training split; nothing of the test split is looked at.

    Nothing is written but the checkpoint, which is left to the caller.
    """
    with quiet.native_libraries:
        from tagsmith.training import device
        from tagsmith.training.learner import Validation
        from tagsmith.training.teach import precision, teach

    config, features = params.model(name), features_of(params, store, name)
    found = device.prepare(params.seed, precision(config), params.distribute)
    logger.info("%s: %s", name, found)
    recorder.tags({"device": found})
    recorder.dataset(params.dataset.kind, tables(store))
    truth, judged = store.read_truth("train"), store.read_truth("validation")
    taught, known = features.tracks(truth.index), None
    values = taught[0].shape[1]
    tagger = _untrained(params, store, name, tuple(truth.columns), values=values)
    if tagger.space is not None:
        ids, known = _knowledge(store, config, tagger.space)
        taught = features.tracks(ids)
    history = teach(
        tagger,
        taught,
        truth.to_numpy(),
        validation=Validation(features.tracks(judged.index), judged.to_numpy()),
        checkpoint=checkpoint,
        recorder=recorder,
        seed=params.seed,
        knowledge=known,
    )
    return Learnt(tagger, history)


def features_of(params: Params, store: Store, name: str) -> Features:
    """Return what model `name` hears."""
    feature = params.model(name).feature
    return Features(store.find("features", feature, made_by="extract"))


def checkpoint_of(params: Params, store: Store, name: str) -> Checkpoint:
    """Return where the training of model `name`, with these parameters, is kept."""
    config = params.model(name)
    made_of = hashlib.sha256(
        json.dumps([params.seed, config.model_dump(mode="json")]).encode()
    )
    for path in ingredients(params, store, name):
        made_of.update(path.read_bytes())
    return Checkpoint(
        store.scratch / "train" / f"{name}-{made_of.hexdigest()[:16]}.npz"
    )


def ingredients(params: Params, store: Store, name: str) -> list[Path]:
    """Return the files that tell one training of model `name` from another."""
    config = params.model(name)
    index = store.find("features", config.feature, made_by="extract") / "index.parquet"
    paths = [index, *tables(store)]
    if isinstance(config, WordModel):
        folder = store.find("vectors", config.vectors, made_by="vectors")
        paths += sorted(folder.iterdir())
    return paths


def interrupted_run(params: Params, store: Store, name: str) -> str | None:
    """Return the tracked run of a training that was killed, if there is one."""
    progress = checkpoint_of(params, store, name).progress()
    return progress.run_id if progress else None


def tables(store: Store) -> list[Path]:
    """Return the tables that a training depends on."""
    names = ("tracks", "annotations", "genres", "quarantine")
    return [
        store.find("tables", f"{name}.parquet", made_by="validate") for name in names
    ]


def _untrained(
    params: Params, store: Store, name: str, tags: tuple[str, ...], *, values: int
) -> "Tagger":
    from tagsmith.models import Tagger, build
    from tagsmith.models.words import know
    from tagsmith.training import device

    config = params.model(name)
    feature = params.feature(config.feature)
    known = _vectors(store, config, tags)
    space = _space(store, config)
    network = device.built(
        partial(
            build,
            config,
            feature,
            tags=len(tags if space is None else space.labels),
            values=values,
            dimensions=None if known is None else known.shape[1],
        )
    )
    if known is not None:
        know(network, known)
    if isinstance(config, Crnn):
        _start_trunk(network, config.trunk, store.scratch)
    return Tagger(name, config, feature, tags, network, space, params.target)


def _space(store: Store, config: Model) -> LabelSpace | None:
    """Return the labels of the sources that a model asks, if it asks for any."""
    if not isinstance(config, MelbandFcn) or config.sources == "target":
        return None
    genres = store.read_table("genres")
    spoken = genres.groupby("source", observed=True)["label"].unique()
    vocabularies = {source: list(spoken[source]) for source in config.sources}
    for source, labels in vocabularies.items():
        for alike in collisions(labels):
            logger.info("%s: %s differ in what no letter says", source, alike)
    return label_space(vocabularies)


def _knowledge(
    store: Store, config: Model, space: LabelSpace
) -> tuple[list[str], "Knowledge"]:
    """Return the training tracks that the sources know, and what they say of them."""
    from tagsmith.training.knowledge import knowledge

    assert isinstance(config, MelbandFcn)
    genres = store.read_table("genres")
    said = genres[genres["source"].isin(config.sources)]
    tracks = store.read_tracks(elsewhere=True)
    known = truths.known(tracks.index, said["track_id"]) & (tracks["split"] == "train")
    ids = list(tracks.index[known])
    return ids, knowledge(said, space, ids, unknown=config.unknown)


def _vectors(
    store: Store, config: Model, tags: tuple[str, ...]
) -> NDArray[np.float32] | None:
    """Return what the tags mean, to a model that wants to know."""
    if not isinstance(config, WordModel):
        return None
    folder = store.find("vectors", config.vectors, made_by="vectors")
    return vectors.load(folder).of(tags)


def _start_trunk(network: "keras.Model", trunk: Trunk, scratch: Path) -> None:
    from tagsmith.training.pretrained import load_vggish

    match trunk:
        case VggishTrunk():
            load_vggish(network.get_layer("trunk"), trunk, cache=scratch / "weights")
        case RandomTrunk():
            pass  # said in params.yaml, and so it is
        case _:
            assert_never(trunk)


def _figures(truth: pd.DataFrame, scores: pd.DataFrame) -> dict[str, float]:
    """Return by what models compare: figures of the epoch that was kept.

    On validation, as whoever compares may choose; nobody may on test.
    """
    found = metrics.areas(truth.to_numpy(), scores.to_numpy())
    return {f"validation/{name}": found[name] for name in metrics.OFFICIAL.values()}


def _write(store: Store, tagger: "Tagger", history: list[dict[str, float]]) -> None:
    from tagsmith.models.folder import save

    folder = store.empty("models", tagger.name)
    save(tagger, folder)
    with atomic(folder / "history.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
