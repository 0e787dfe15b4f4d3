"""The ensemble as a folder, the *bundle*: from an audio file to tags with decisions.

    models/<model>/      each member, as training left it
    features/<feature>/  what else a feature needs that a member hears: its CNN
    **/network.onnx      each network once more, for use without Keras
    ensemble.json        how much each member weighs, how scores become decisions
    thresholds.tsv       tag, threshold
    tags.txt             one tag per line, in the order of the scores
    test_scores.parquet  the scores on which it was measured, for those who challenge it
    reference.json       what the ensemble heard and said of the test tracks
    meta.json            the test set's hash and the figures on it
    sources.json         who decides for other sources than its own; see `sources`

Equal ensembles are equal bytes, `network.onnx` aside: nothing else in a bundle says
when or where it was made.
"""

import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import ENSEMBLE, Calibration
from tagsmith.core.fusion import fuse
from tagsmith.core.thresholds import decide
from tagsmith.errors import DataError, MissingError
from tagsmith.models import Tagger, load
from tagsmith.models.analysis import (
    NETWORK,
    ORIGIN,
    Analyser,
    Frames,
    Source,
    analyser,
)
from tagsmith.models.bundle import META, put_model
from tagsmith.models.sound import Sound
from tagsmith.store import Store, write_json, write_text

WEIGHTS = "ensemble.json"
THRESHOLDS = "thresholds.tsv"
TAGS = "tags.txt"
TEST_SCORES = "test_scores.parquet"
REFERENCE = "reference.json"  # in `reports/` by the same name


@dataclass(frozen=True)
class Heard:
    """One tag of one recording.

    Attributes:
        tag: Its name.
        score: How sure the ensemble is, in [0, 1].
        decision: Whether the score reaches the tag's threshold.
    """

    tag: str
    score: float
    decision: bool


@dataclass(frozen=True)
class Ensemble:
    """Trained models that score together.

    Attributes:
        members: The models that have a say, by name.
        weights: How much each weighs, summing to 1.
        tags: What they score, in order.
        thresholds: `(tags,)`.
        calibration: How scores are compared with thresholds.
        analysers: What makes the features that members hear, by the feature's name.
        turn: Whose it is to be heard: Keras does not promise that threads may share a
            network.
    """

    members: Mapping[str, Tagger]
    analysers: Mapping[str, Analyser]
    weights: Mapping[str, float]
    tags: tuple[str, ...]
    thresholds: NDArray[np.float64]
    calibration: Calibration
    turn: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, bundle: Path, threads: int | None = None) -> "Ensemble":
        """Read a bundle.

        Args:
            bundle: Networks that it has in ONNX need no Keras.
            threads: How many compute each of these; None for one per core.

        Raises:
            MissingError: Something of it is missing.
            DataError: Its members score other tags than it says.
        """
        for name in (WEIGHTS, THRESHOLDS, TAGS):
            if not (bundle / name).is_file():
                raise MissingError(
                    f"{bundle} has no {name}; `tagsmith promote` makes a whole bundle"
                )
        described = json.loads((bundle / WEIGHTS).read_text("utf-8"))
        weights: dict[str, float] = described["weights"]
        tags = tuple((bundle / TAGS).read_text("utf-8").splitlines())
        members = {name: load(bundle / "models" / name, threads) for name in weights}
        for name, member in members.items():
            if tuple(member.tags) != tags:
                raise DataError(
                    f"{bundle}: {name} scores {len(member.tags)} tags, the ensemble "
                    f"has {len(tags)} or others; promote it again"
                )
        heard = {each.config.feature: each.feature for each in members.values()}
        return cls(
            members=members,
            analysers={
                name: analyser(feature, bundle / "features" / name, threads)
                for name, feature in heard.items()
            },
            weights=weights,
            tags=tags,
            thresholds=read_thresholds(bundle / THRESHOLDS, tags),
            calibration=Calibration.model_validate(described["calibration"]),
        )

    def analyse(self, source: Source) -> dict[str, Frames]:
        """Return what the members hear of a recording, by the feature's name.

        Args:
            source: Anything that libsndfile reads, or what is decoded of it: it is
                decoded once, and analysed once for each feature.

        Raises:
            DataError: The file cannot be decoded.
            MissingError: There is no such file.
        """
        sound = Sound.of(source)
        with self.turn:
            return {name: analyse(sound) for name, analyse in self.analysers.items()}

    def score_features(
        self, tracks: Sequence[Mapping[str, Frames]]
    ) -> NDArray[np.float32]:
        """Score tracks together, as `analyse` heard them.

        Returns:
            `(tracks, tags)` in [0, 1].
        """
        with self.turn:
            scores = {
                name: member.score_features(
                    [features[member.config.feature] for features in tracks]
                )
                for name, member in self.members.items()
            }
        fused: NDArray[np.float32] = fuse(scores, self.weights)
        return fused

    def score(self, source: Source) -> NDArray[np.float32]:
        """Score one recording.

        Args:
            source: As for `analyse`.

        Returns:
            `(tags,)` in [0, 1].

        Raises:
            DataError: The file cannot be decoded.
            MissingError: There is no such file.
        """
        scores: NDArray[np.float32] = self.score_features([self.analyse(source)])[0]
        return scores

    def listen(self, source: Source, top: int | None = None) -> list[Heard]:
        """Tag one recording.

        Args:
            source: As for `score`.
            top: How many tags to return; None for all.

        Returns:
            The likeliest tag first.

        Raises:
            DataError: The file cannot be decoded.
            MissingError: There is no such file.
        """
        scores = self.score(source)
        decisions = decide(scores[np.newaxis], self.thresholds, self.calibration)[0]
        order = np.argsort(-scores, kind="stable")[:top]
        return [
            Heard(self.tags[tag], round(float(scores[tag]), 6), bool(decisions[tag]))
            for tag in order
        ]


def write_bundle(
    store: Store,
    folder: Path,
    *,
    calibration: Calibration,
    test_set_sha256: str,
    metrics: Mapping[str, float],
) -> None:
    """Write the fused models of a store as a bundle into an empty folder.

    Args:
        store: What was trained, fused and evaluated.
        folder: Where to.
        calibration: How scores are compared with thresholds.
        test_set_sha256: Names the test set on which `metrics` were measured.
        metrics: The ensemble's figures.

    Raises:
        MissingError: Models, weights, thresholds, scores or the reference are missing.
    """
    weights = _weights(store)
    for name in weights:
        described = put_model(store, name, folder / "models" / name)
        _copy_network(store, described, folder)
    shutil.copyfile(store.find_thresholds(ENSEMBLE), folder / THRESHOLDS)
    write_text(folder / TAGS, "".join(f"{tag}\n" for tag in store.read_tags()))
    write_json(
        folder / WEIGHTS,
        {"weights": weights, "calibration": calibration.model_dump(mode="json")},
    )
    store.read_scores(ENSEMBLE, "test").to_parquet(folder / TEST_SCORES)
    known = store.find("reports", REFERENCE, made_by="reference")
    shutil.copyfile(known, folder / REFERENCE)
    write_json(
        folder / META, {"test_set_sha256": test_set_sha256, "metrics": dict(metrics)}
    )


def _copy_network(store: Store, model: Mapping[str, Any], folder: Path) -> None:
    """Copy the CNN of the feature that a model hears, if it has one."""
    name = model["config"]["feature"]
    if model["feature"]["kind"] != "deep_spectrum":
        return
    target = folder / "features" / name
    target.mkdir(parents=True, exist_ok=True)
    for file in (NETWORK, ORIGIN):
        source = store.find("features", name, file, made_by="extract")
        shutil.copyfile(source, target / file)


def _weights(store: Store) -> dict[str, float]:
    path = store.find("fusion", WEIGHTS, made_by="fuse")
    weights: dict[str, float] = json.loads(path.read_text("utf-8"))["weights"]
    return {name: weight for name, weight in weights.items() if weight > 0}


def read_thresholds(path: Path, tags: Sequence[str]) -> NDArray[np.float64]:
    """Read a bundle's thresholds in the order of its tags, `(tags,)`.

    Raises:
        DataError: A tag has none.
    """
    pairs = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    limits = {tag: float(limit) for tag, limit in pairs}
    if missing := sorted(set(tags) - limits.keys()):
        raise DataError(f"{path} has no threshold for {missing}; promote it again")
    return np.array([limits[tag] for tag in tags])
