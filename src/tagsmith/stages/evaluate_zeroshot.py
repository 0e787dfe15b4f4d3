"""Stage `evaluate_zeroshot`: how well a word model names tags nobody trained on.

The tags are split into seen and unseen ones several times. For each split, one network
learns the seen tags with the model's tag vectors, and one with vectors that mean
nothing: what the first can do better, it does by meaning. Then all tested tracks are
scored on all tags, and the two are compared.
"""

import hashlib
import json
import logging
import shutil
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith import quiet, vectors
from tagsmith.config import Params, WordModel
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


@dataclass(frozen=True)
class _Material:
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
class _Split:
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


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Train and judge model `name` on every split of the tags.

    A run that was killed goes on after its last epoch. Splits, scores, figures and
    intervals are in `zeroshot/<name>/`.

    Raises:
        ConfigError: The model scores no words but those it learnt, or is its own
            control; or a family has no tags.
        DataError: A tag has no vector, or a split leaves nothing to learn or to test.
        MissingError: Features or vectors have not been made.
    """
    material = _material(params, store, name)
    recorder.dataset(params.dataset.kind, _tables(store))
    recorder.tags({"model": name, "architecture": material.config.kind})
    splits = [
        _split(params, material, family, turn)
        for family in material.families
        for turn in range(params.zeroshot.tag_splits)
    ]
    splits = [replace(split, number=n) for n, split in enumerate(splits, start=1)]
    trials: dict[str, list[Trial]] = {source: [] for source in material.vectors}
    for split in splits:
        for source, some in trials.items():
            scores = _scores(params, material, recorder, split, source)
            some.append(_trial(split, scores))
    _write(params, store, name, splits, trials)
    _tell(store, recorder, name)
    shutil.rmtree(material.scratch, ignore_errors=True)


# --- what is needed


def _material(params: Params, store: Store, name: str) -> _Material:
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
    for path in [folder / "index.parquet", *_tables(store)]:
        made_of.update(path.read_bytes())
    for numbers in known.values():
        made_of.update(numbers.to_numpy().tobytes())
    return _Material(
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


def _tables(store: Store) -> list[Path]:
    names = ("tracks", "annotations", "withheld", "quarantine")
    return [
        store.find("tables", f"{name}.parquet", made_by="validate") for name in names
    ]


# --- one split of the tags


def _split(params: Params, material: _Material, family: str, turn: int) -> _Split:
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
    return _Split(0, family, truth, tags, tracks, tuple(seen))


def _trial(split: _Split, scores: pd.DataFrame) -> Trial:
    tested = split.tracks["tested"].to_numpy()
    return Trial(
        truth=split.truth[tested].to_numpy(),
        scores=scores[tested].to_numpy(),
        unseen=~split.truth.columns.isin(split.seen),
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
        tracks = [material.features.track(track) for track in split.truth.index]
        known = material.vectors[source].loc[split.truth.columns]
        scores = tagger.score_words(tracks, known.to_numpy())
        table = pd.DataFrame(scores, split.truth.index, columns=split.truth.columns)
        with atomic(path) as temporary:
            table.to_parquet(temporary)
    return pd.read_parquet(path)


def _taught(
    params: Params, material: _Material, split: _Split, source: str
) -> tuple["Tagger", list[dict[str, float]]]:
    with quiet.native_libraries:
        from tagsmith.models import Tagger, build
        from tagsmith.models.words import know
        from tagsmith.training import device
        from tagsmith.training.checkpoint import Checkpoint
        from tagsmith.training.learner import Validation
        from tagsmith.training.teach import precision, teach

    config, feature = material.config, params.feature(material.config.feature)
    device.prepare(params.seed, precision(config))
    known = material.vectors[source].loc[list(split.seen)].to_numpy()
    tags, dimensions = known.shape
    network = build(config, feature, tags=tags, dimensions=dimensions)
    tagger = Tagger(source, config, feature, split.seen, network)
    know(network, known)
    history = teach(
        tagger,
        *_used(material, split, "train"),
        validation=Validation(*_used(material, split, "validation")),
        checkpoint=Checkpoint(material.scratch / f"{split.number}-{source}.npz"),
        recorder=MemoryRecorder(),
        seed=params.seed,
    )
    return tagger, history


def _used(
    material: _Material, split: _Split, use: str
) -> tuple[list[Frames], NDArray[np.bool_]]:
    truth = split.truth.loc[split.tracks["use"] == use, list(split.seen)]
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
        "tags": [split.tags for split in splits],
        "tracks": [split.tracks.reset_index() for split in splits],
    }
    for title, of_splits in tables.items():
        with atomic(folder / f"{title}.parquet") as temporary:
            _numbered(of_splits, splits).to_parquet(temporary, index=False)
    best = params.zeroshot.best
    figures = [
        _numbered([unseen.figures(each, best=best) for each in some], splits).assign(
            vectors=source
        )
        for source, some in trials.items()
    ]
    with atomic(folder / "figures.csv") as temporary:
        pd.concat(figures).to_csv(temporary, index=False)
    write_json(folder / "intervals.json", _intervals(params, splits, trials))


def _intervals(
    params: Params, splits: list[_Split], trials: dict[str, list[Trial]]
) -> dict[str, Any]:
    """Return the intervals of all splits, and of the mean over those of a family."""
    found: dict[str, Any] = {"splits": [], "mean": {}}
    for family in params.zeroshot.tags:
        own = [place for place, split in enumerate(splits) if split.family == family]
        told = unseen.summary(
            {source: [some[place] for place in own] for source, some in trials.items()},
            params.evaluation,
            control=params.zeroshot.control,
            seed=params.seed,
        )
        found["splits"] += told["splits"]
        found["mean"][family] = told["mean"]
    return found


def _numbered(tables: list[pd.DataFrame], splits: list[_Split]) -> pd.DataFrame:
    """Put the tables of all splits below one another, and say of which they are."""
    return pd.concat(
        table.assign(tag_split=split.number, family=split.family)
        for table, split in zip(tables, splits, strict=True)
    )


def _tell(store: Store, recorder: Recorder, name: str) -> None:
    path = store.place("zeroshot", name, "intervals.json")
    means = json.loads(path.read_text("utf-8"))["mean"]
    for family, ways in means.items():
        for way, found in ways.items():
            recorder.metrics(
                {f"{family}/{way}/{key}": each["value"] for key, each in found.items()}
            )
            for key, each in found.items():
                logger.info(
                    "%s, %s, ROC-AUC of %s over unseen tags, %s: %.3f (%.3f to %.3f)",
                    name,
                    family,
                    way,
                    key,
                    each["value"],
                    each["low"],
                    each["high"],
                )
    recorder.artifact(path.parent)
