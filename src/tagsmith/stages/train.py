"""Stage `train`: one model learns the training split and scores every split."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import numpy as np
import pandas as pd

from tagsmith import quiet, vectors
from tagsmith.config import (
    SPLITS,
    Crnn,
    DeepSpectrumRnn,
    LogMel,
    Multiscale,
    Params,
    RandomTrunk,
    Siamese,
    SplitName,
    Trunk,
    VggishTrunk,
)
from tagsmith.features.clips import Frames
from tagsmith.shards import Features
from tagsmith.store import Store, atomic
from tagsmith.tracking.recording import Recorder
from tagsmith.training.batches import Clips, Sequences
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.training.pairs import Pairs, learnable

if TYPE_CHECKING:
    import keras

    from tagsmith.models.tagger import Tagger

logger = logging.getLogger(__name__)


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Train model `name`; a run that was killed goes on after its last epoch."""
    with quiet.native_libraries:
        from tagsmith.training import device
        from tagsmith.training.fit import fit
        from tagsmith.training.learner import Validation

    config = params.model(name)
    features = Features(store.find("features", config.feature, made_by="extract"))
    found = device.prepare(params.seed, config.training.precision)
    logger.info("%s: %s", name, found)
    recorder.tags({"device": found, "model": name, "architecture": config.kind})
    recorder.dataset(params.dataset.kind, _tables(store))
    truth = {split: store.read_truth(split) for split in SPLITS}
    tracks = {split: _tracks(features, truth[split]) for split in SPLITS}
    tags = tuple(truth["train"].columns)
    values = tracks["train"][0].shape[1]
    tagger = _untrained(params, store, name, tags, values=values)
    checkpoint = checkpoint_of(params, store, name)
    history = fit(
        tagger,
        _split(params, name, tracks["train"], truth["train"]),
        Validation(tracks["validation"], truth["validation"].to_numpy()),
        checkpoint,
        recorder,
    )
    _write(store, tagger, history)
    for split in SPLITS:
        _score(store, tagger, split, tracks[split], truth[split])
    recorder.artifact(store.place("models", name), "model")
    recorder.metrics({"parameters": float(tagger.network.count_params())})
    checkpoint.delete()


def checkpoint_of(params: Params, store: Store, name: str) -> Checkpoint:
    """Return where the training of model `name`, with these parameters, is kept."""
    config = params.model(name)
    index = store.find("features", config.feature, made_by="extract") / "index.parquet"
    made_of = hashlib.sha256(
        json.dumps([params.seed, config.model_dump(mode="json")]).encode()
    )
    paths = [index, *_tables(store)]
    if isinstance(config, Siamese):
        folder = store.find("vectors", config.vectors, made_by="vectors")
        paths += sorted(folder.iterdir())
    for path in paths:
        made_of.update(path.read_bytes())
    return Checkpoint(
        store.scratch / "train" / f"{name}-{made_of.hexdigest()[:16]}.npz"
    )


def interrupted_run(params: Params, store: Store, name: str) -> str | None:
    """Return the tracked run of a training that was killed, if there is one."""
    progress = checkpoint_of(params, store, name).progress()
    return progress.run_id if progress else None


def _tables(store: Store) -> list[Path]:
    names = ("tracks", "annotations", "quarantine")
    return [
        store.find("tables", f"{name}.parquet", made_by="validate") for name in names
    ]


def _untrained(
    params: Params, store: Store, name: str, tags: tuple[str, ...], *, values: int
) -> "Tagger":
    from tagsmith.models import Tagger, build

    config = params.model(name)
    feature = params.feature(config.feature)
    make = partial(build, config, feature, tags=len(tags), values=values)
    if isinstance(config, Siamese):
        network = _knowing(make, config, store, tags)
    else:
        network = make()
    if isinstance(config, Crnn):
        _start_trunk(network, config.trunk, store.scratch)
    return Tagger(name, config, feature, tags, network)


def _knowing(
    make: Callable[..., "keras.Model"],
    config: Siamese,
    store: Store,
    tags: tuple[str, ...],
) -> "keras.Model":
    """Return a siamese network that has been told what its tags mean."""
    from tagsmith.models.siamese import know

    folder = store.find("vectors", config.vectors, made_by="vectors")
    known = vectors.load(folder).of(tags)
    network = make(dimensions=known.shape[1])
    know(network, known)
    return network


def _start_trunk(network: "keras.Model", trunk: Trunk, scratch: Path) -> None:
    from tagsmith.training.pretrained import load_vggish

    match trunk:
        case VggishTrunk():
            load_vggish(network.get_layer("trunk"), trunk, cache=scratch / "weights")
        case RandomTrunk():
            pass  # said in params.yaml, and so it is
        case _:
            assert_never(trunk)


def _split(
    params: Params, name: str, tracks: list[Frames], truth: pd.DataFrame
) -> Clips | Sequences | Pairs:
    config = params.model(name)
    match config:
        case Siamese(training=training):
            feature = params.feature(config.feature)
            assert isinstance(feature, LogMel)
            kept = learnable(truth.to_numpy())
            heard = [tracks[row] for row in np.flatnonzero(kept)]
            known = truth.to_numpy()[kept]
            clips = Clips(heard, known, training, feature, params.seed)
            return Pairs(clips, config.loss)
        case Crnn(training=training) | Multiscale(training=training):
            feature = params.feature(config.feature)
            assert isinstance(feature, LogMel)
            return Clips(tracks, truth.to_numpy(), training, feature, params.seed)
        case DeepSpectrumRnn(training=training):
            return Sequences(tracks, truth.to_numpy(), training, params.seed)
        case _:
            assert_never(config)


def _tracks(features: Features, truth: pd.DataFrame) -> list[Frames]:
    return [features.track(track_id) for track_id in truth.index]


def _write(store: Store, tagger: "Tagger", history: list[dict[str, float]]) -> None:
    folder = store.empty("models", tagger.name)
    tagger.save(folder)
    with atomic(folder / "history.csv") as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)


def _score(
    store: Store,
    tagger: "Tagger",
    split: SplitName,
    tracks: list[Frames],
    truth: pd.DataFrame,
) -> None:
    scores = tagger.score_features(tracks)
    table = pd.DataFrame(scores, index=truth.index, columns=list(tagger.tags))
    store.write_scores(tagger.name, split, table)
