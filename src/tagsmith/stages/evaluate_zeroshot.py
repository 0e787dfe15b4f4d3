"""Stage `evaluate_zeroshot`: how well a siamese network names tags nobody trained on.

The tags are split into seen and unseen ones several times. For each split, one network
learns the seen tags with the model's tag vectors, and one with vectors that mean
nothing: what the first can do better, it does by meaning. Then all tested tracks are
scored on all tags, and the two are compared.
"""

import hashlib
import json
import logging
import shutil
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import quiet, vectors
from tagsmith.config import LogMel, Params, Siamese
from tagsmith.core import unseen, zeroshot
from tagsmith.core.unseen import Trial
from tagsmith.errors import ConfigError
from tagsmith.features.clips import Frames
from tagsmith.shards import Features
from tagsmith.store import Store, atomic, write_json
from tagsmith.tracking.recording import MemoryRecorder, Recorder

if TYPE_CHECKING:
    from tagsmith.models import Tagger

logger = logging.getLogger(__name__)

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class _Material:
    """What every trial is made from.

    Attributes:
        config: The network's section.
        features: Of all tracks.
        tracks: The data set's, by track id: `split`, `group`.
        truth: Which tags they have, those that take part.
        vectors: Each source's `(tags, dimensions)`, the model's first.
        scratch: Where unfinished work lies.
    """

    config: Siamese
    features: Features
    tracks: pd.DataFrame
    truth: pd.DataFrame
    vectors: dict[str, Vectors]
    scratch: Path


@dataclass(frozen=True)
class _Split:
    """One way to hold out tags.

    Attributes:
        number: From 1.
        tags: `tag`, `side`.
        tracks: By track id: `part`, `use`, `tested`.
        seen: The tags that are learnt.
    """

    number: int
    tags: pd.DataFrame
    tracks: pd.DataFrame
    seen: tuple[str, ...]


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Train and judge model `name` on every split of the tags.

    A run that was killed goes on after its last epoch. Splits, scores, figures and
    intervals are in `zeroshot/<name>/`.

    Raises:
        ConfigError: The model is no siamese network or is its own control, or no tag
            takes part.
        DataError: A tag has no vector, or a split leaves nothing to learn or to test.
        MissingError: Features or vectors have not been made.
    """
    material = _material(params, store, name)
    recorder.dataset(params.dataset.kind, _tables(store))
    recorder.tags({"model": name, "architecture": material.config.kind})
    numbers = range(1, params.zeroshot.tag_splits + 1)
    splits = [_split(params, material, number) for number in numbers]
    trials: dict[str, list[Trial]] = {source: [] for source in material.vectors}
    for split in splits:
        for source, some in trials.items():
            scores = _scores(params, material, recorder, split, source)
            some.append(_trial(material, split, scores))
    _write(params, store, name, splits, trials)
    _tell(store, recorder, name)
    shutil.rmtree(material.scratch, ignore_errors=True)


# --- what is needed


def _material(params: Params, store: Store, name: str) -> _Material:
    config = _siamese(params, name)
    truth = _taking_part(params, store.read_known())
    folder = store.find("features", config.feature, made_by="extract")
    known = {
        source: vectors.load(store.find("vectors", source, made_by="vectors")).of(
            list(truth.columns)
        )
        for source in (config.vectors, params.zeroshot.control)
    }
    made_of = hashlib.sha256(json.dumps(_decided(params, config)).encode())
    for path in [folder / "index.parquet", *_tables(store)]:
        made_of.update(path.read_bytes())
    for numbers in known.values():
        made_of.update(numbers.tobytes())
    return _Material(
        config=config,
        features=Features(folder),
        tracks=store.read_tracks().loc[truth.index],
        truth=truth,
        vectors=known,
        scratch=store.scratch / "zeroshot" / f"{name}-{made_of.hexdigest()[:16]}",
    )


def _siamese(params: Params, name: str) -> Siamese:
    config = params.model(name)
    if not isinstance(config, Siamese):
        raise ConfigError(
            f"models.{name} is a {config.kind}, which knows only the tags that it "
            "learnt; zero-shot needs a siamese network"
        )
    if config.vectors == params.zeroshot.control:
        raise ConfigError(
            f"models.{name}.vectors is {config.vectors!r}, and so is zeroshot.control: "
            "it would be compared with itself; give it other vectors"
        )
    return config


def _decided(params: Params, config: Siamese) -> list[object]:
    """Return the parameters that scores depend on."""
    judging = {"best", "registered"}
    zeroshot = params.zeroshot.model_dump(mode="json", exclude=judging)
    return [params.seed, config.model_dump(mode="json"), zeroshot]


def _taking_part(params: Params, truth: pd.DataFrame) -> pd.DataFrame:
    patterns = params.zeroshot.tags
    tags = [
        tag for tag in truth.columns if any(fnmatchcase(tag, each) for each in patterns)
    ]
    if not tags:
        raise ConfigError(
            f"zeroshot.tags is {list(patterns)}, which matches no tag; there are "
            f"{list(truth.columns)}"
        )
    return truth[tags]


def _tables(store: Store) -> list[Path]:
    names = ("tracks", "annotations", "withheld", "quarantine")
    return [
        store.find("tables", f"{name}.parquet", made_by="validate") for name in names
    ]


# --- one split of the tags


def _split(params: Params, material: _Material, number: int) -> _Split:
    config, seed = params.zeroshot, [params.seed, number]
    tags = zeroshot.split_tags(
        list(material.truth.columns), seen_share=config.seen_share, seed=seed
    )
    seen = list(tags["tag"][tags["side"] == zeroshot.SEEN])
    tracks = zeroshot.split_tracks(
        material.tracks,
        material.truth,
        seen,
        learn_from=config.learn_from,
        validation_share=config.validation_share,
        protocol=config.protocol,
        seed=seed,
    )
    return _Split(number, tags, tracks, tuple(seen))


def _trial(material: _Material, split: _Split, scores: pd.DataFrame) -> Trial:
    tested = split.tracks["tested"].to_numpy()
    return Trial(
        truth=material.truth[tested].to_numpy(),
        scores=scores[tested].to_numpy(),
        unseen=~material.truth.columns.isin(split.seen),
        part=split.tracks["part"][tested].to_numpy(),
        rows=np.flatnonzero(tested),
    )


def _scores(
    params: Params,
    material: _Material,
    recorder: Recorder,
    split: _Split,
    source: str,
) -> pd.DataFrame:
    """Return the scores of all tracks on all tags, made now or before a kill."""
    path = material.scratch / f"{split.number}-{source}.parquet"
    if not path.exists():
        logger.info("split %d, vectors %s", split.number, source)
        tagger, history = _taught(params, material, split, source)
        for row in history:
            prefix = f"split_{split.number}/{source}"
            recorder.metrics(
                {f"{prefix}/{key}": value for key, value in row.items()},
                step=int(row["epoch"]),
            )
        tracks = [material.features.track(track) for track in material.truth.index]
        scores = tagger.score_words(tracks, material.vectors[source])
        table = pd.DataFrame(
            scores, material.truth.index, columns=material.truth.columns
        )
        with atomic(path) as temporary:
            table.to_parquet(temporary)
    return pd.read_parquet(path)


def _taught(
    params: Params, material: _Material, split: _Split, source: str
) -> tuple["Tagger", list[dict[str, float]]]:
    with quiet.native_libraries:
        from tagsmith.models import Tagger, build
        from tagsmith.models.siamese import know
        from tagsmith.training import device
        from tagsmith.training.batches import Clips
        from tagsmith.training.checkpoint import Checkpoint
        from tagsmith.training.fit import fit
        from tagsmith.training.learner import Validation
        from tagsmith.training.pairs import Pairs

    config, feature = material.config, params.feature(material.config.feature)
    assert isinstance(feature, LogMel)
    device.prepare(params.seed, config.training.precision)
    known = material.vectors[source][material.truth.columns.isin(split.seen)]
    tags, dimensions = known.shape
    network = build(config, feature, tags=tags, dimensions=dimensions)
    tagger = Tagger(source, config, feature, split.seen, network)
    know(network, known)
    clips = Clips(
        *_used(material, split, "train"), config.training, feature, params.seed
    )
    history = fit(
        tagger,
        Pairs(clips, config.loss),
        Validation(*_used(material, split, "validation")),
        Checkpoint(material.scratch / f"{split.number}-{source}.npz"),
        MemoryRecorder(),
    )
    return tagger, history


def _used(
    material: _Material, split: _Split, use: str
) -> tuple[list[Frames], NDArray[np.bool_]]:
    truth = material.truth.loc[split.tracks["use"] == use, list(split.seen)]
    return [material.features.track(track) for track in truth.index], truth.to_numpy()


# --- what is written


def _write(
    params: Params,
    store: Store,
    name: str,
    splits: list[_Split],
    trials: dict[str, list[Trial]],
) -> None:
    folder = store.empty("zeroshot", name)
    tables = {
        "tags": [each.tags for each in splits],
        "tracks": [each.tracks.reset_index() for each in splits],
    }
    for title, of_splits in tables.items():
        with atomic(folder / f"{title}.parquet") as temporary:
            _numbered(of_splits).to_parquet(temporary, index=False)
    figures = [
        _numbered(
            [unseen.figures(each, best=params.zeroshot.best) for each in some]
        ).assign(vectors=source)
        for source, some in trials.items()
    ]
    with atomic(folder / "figures.csv") as temporary:
        pd.concat(figures).to_csv(temporary, index=False)
    found = unseen.summary(
        trials, params.evaluation, control=params.zeroshot.control, seed=params.seed
    )
    write_json(folder / "intervals.json", found)


def _numbered(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all splits below one another, with the split's number."""
    return pd.concat(
        table.assign(tag_split=number) for number, table in enumerate(tables, start=1)
    )


def _tell(store: Store, recorder: Recorder, name: str) -> None:
    path = store.place("zeroshot", name, "intervals.json")
    for way, found in json.loads(path.read_text("utf-8"))["mean"].items():
        recorder.metrics({f"{way}/{key}": each["value"] for key, each in found.items()})
        for key, each in found.items():
            logger.info(
                "%s, ROC-AUC of %s over unseen tags, %s: %.3f (%.3f to %.3f)",
                name,
                way,
                key,
                each["value"],
                each["low"],
                each["high"],
            )
    recorder.artifact(path.parent)
