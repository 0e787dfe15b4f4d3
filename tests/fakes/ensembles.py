"""An ensemble whose members hear nothing but loudness, and need no Keras."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import soundfile

from tagsmith import onnx_export
from tagsmith.config import SPLITS
from tagsmith.core import leaks, metrics, reference
from tagsmith.datasets.listing import one_source
from tagsmith.models import ensemble
from tagsmith.models.sound import Sound
from tagsmith.predicting import worker
from tagsmith.predicting.shards import Shard
from tagsmith.store import Store, atomic, write_json, write_text
from tests.fakes import heard
from tests.fakes.experiments import TAGS, tables, tiny_params, withheld

RATE_HZ = 16000
WEIGHTS = {"loud": 0.75, "quiet": 0.25, "mute": 0.0}


@dataclass(frozen=True)
class FakeTagger:
    """Scores the first tag by loudness, the others by less of it."""

    tags: tuple[str, ...]
    factor: float
    config = SimpleNamespace(feature="waves")
    feature = None

    def score_features(self, tracks: list[np.ndarray]) -> np.ndarray:
        loudness = np.array([min(np.abs(t).max() * self.factor, 1) for t in tracks])
        shares = 1 / np.arange(1, len(self.tags) + 1)
        return np.outer(loudness, shares).astype(np.float32)


def load(folder: Path, _threads: int | None = None) -> FakeTagger:
    """Stand in for `tagsmith.models.load`."""
    told = json.loads((folder / "model.json").read_text())
    return FakeTagger(tuple(told["tags"]), told["factor"])


def analyser(
    _feature: None, _folder: Path, _threads: int | None = None
) -> Callable[[Path | Sound], np.ndarray]:
    """Stand in for `tagsmith.models.analysis.analyser`: a feature that is the sound."""
    return lambda source: Sound.of(source).at(RATE_HZ)


def put_in_place(monkeypatch) -> None:
    """Let ensembles consist of fakes."""
    monkeypatch.setattr(ensemble, "load", load)
    monkeypatch.setattr(ensemble, "analyser", analyser)
    monkeypatch.setattr(onnx_export, "export", lambda _bundle: None)


def install() -> None:
    """Let ensembles of this process consist of fakes."""
    ensemble.load, ensemble.analyser = load, analyser


_score = worker.score


def score(shard: Shard, bundle: Path) -> int:
    """Stand in for `worker.score` on a cluster: fakes come with the work."""
    install()
    return _score(shard, bundle)


def bundle(folder: Path) -> Path:
    """Write a bundle of fakes."""
    for name, weight in WEIGHTS.items():
        described = {"tags": TAGS, "factor": weight}
        write_json(folder / "models" / name / "model.json", described)
    weights = {name: weight for name, weight in WEIGHTS.items() if weight}
    calibration = tiny_params().calibration.model_dump(mode="json")
    described = {"weights": weights, "calibration": calibration}
    write_json(folder / ensemble.WEIGHTS, described)
    write_text(folder / ensemble.THRESHOLDS, "".join(f"{tag}\t0.2\n" for tag in TAGS))
    write_text(folder / ensemble.TAGS, "".join(f"{tag}\n" for tag in TAGS))
    return folder


def store(folder: Path, rng: np.random.Generator, *, noise: float = 0.3) -> Store:
    """Return a store that holds everything that stage `promote` reads."""
    made = Store(folder)
    names = ("tracks", "annotations", "quarantine")
    for name, table in zip(names, tables(rng, tracks=240), strict=True):
        made.write_table(name, table)
    made.write_table("withheld", withheld(made.read_table("tracks")))
    made.write_table("genres", one_source())
    for name in WEIGHTS:
        model = {
            "tags": TAGS,
            "factor": {"loud": 1.0}.get(name, 0.5),
            "config": {"feature": "waves"},
            "feature": {"kind": "waves"},
        }
        write_json(made.place("models", name, "model.json"), model)
    fusion = {"method": "weighted", "weights": WEIGHTS}
    write_json(made.place("fusion", "ensemble.json"), fusion)
    made.write_thresholds("ensemble", dict.fromkeys(TAGS, 0.5))
    write_verdict(made)
    write_text(made.place("reports", "plots", "roc.csv"), "model,tag\n")
    write_scores(made, noise=noise)
    write_reference(made)
    return made


def write_reference(made: Store) -> None:
    """Let the test tracks have been heard, as if they were anybody's."""
    tracks = heard.tracks(np.random.default_rng(2), len(made.read_truth("test")))
    made.write_report("reference", reference.summary(tracks, split="test"))


def write_verdict(made: Store, **told: object) -> None:
    """Let validation say this of the tables, and what splits share."""
    found = leaks.tree(leaks.found(made.read_tracks()))
    verdict = {"success": True, "quarantined": 0, "leaks": found, **told}
    made.write_report("validation", verdict)


def write_scores(made: Store, *, noise: float, never: Sequence[str] = ()) -> None:
    """Let the ensemble be that wrong on the test split, and never decide for some."""
    truth = made.read_truth("test")
    wrong = np.random.default_rng(1).standard_normal(truth.shape)
    scores = truth.to_numpy() + noise * wrong
    scores = (scores - scores.min()) / np.ptp(scores)
    frame = pd.DataFrame(scores, index=truth.index, columns=truth.columns)
    made.write_scores("ensemble", "test", frame)
    possible = ~np.isin(TAGS, never)
    scores = frame.astype(np.float32).to_numpy()
    _write_figures(made, scores, (scores >= 0.5) & possible)


def _write_figures(made: Store, scores: np.ndarray, decisions: np.ndarray) -> None:
    """Write what stage `evaluate` says of the ensemble; validation is as test is."""
    truth = made.read_truth("test").to_numpy()
    found = metrics.evaluate(truth, scores, decisions)
    made.write_report("metrics", {split: {"ensemble": found} for split in SPLITS[1:]})
    ends = {"ROC-AUC-macro": {"low": 0.5, "high": 1.0}}
    made.write_report("intervals", {"test": {"ensemble": ends}})
    table = metrics.per_tag(truth, scores, decisions, tags=TAGS)
    table = table.assign(model="ensemble", split="test")
    with atomic(made.place("reports", "per_tag.csv")) as temporary:
        table.to_csv(temporary, index=False)


def tone(path: Path, level: float = 0.8) -> Path:
    """Write a second of a sine."""
    time_seconds = np.arange(RATE_HZ) / RATE_HZ
    soundfile.write(path, level * np.sin(2 * np.pi * 440 * time_seconds), RATE_HZ)
    return path


def give_networks(made: Store) -> None:
    """Let the models of a store be real, tiny networks that learnt nothing."""
    from tagsmith import models

    params = tiny_params()
    config, feature = params.model("crnn_gru"), params.feature("logmel")
    for name in WEIGHTS:
        network = models.build(config, feature, tags=len(TAGS))
        tagger = models.Tagger(name, config, feature, tuple(TAGS), network)
        models.save(tagger, made.place("models", name))
