"""Stage `promote`: the ensemble is registered, and becomes champion if it passes."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith import cards, onnx_export
from tagsmith.config import ENSEMBLE, Params
from tagsmith.core import gate
from tagsmith.core.metrics import evaluate
from tagsmith.core.thresholds import decide
from tagsmith.models import bundle, ensemble, sources
from tagsmith.store import Store
from tagsmith.tracking import challenge, registry
from tagsmith.tracking.recording import Recorder
from tagsmith.tracking.registry import CHAMPION, Version


@dataclass(frozen=True)
class Measured:
    """What the ensemble did on the test set.

    Attributes:
        truth: Booleans `(tracks, tags)`, indexed by track id.
        scores: The same shape and order.
        test_set_sha256: Names the test set.
        metrics: The official figures, by name.
    """

    truth: pd.DataFrame
    scores: pd.DataFrame
    test_set_sha256: str
    metrics: dict[str, float]


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Register the ensemble and let it challenge the champion.

    A refusal is an outcome, not an error: the champion stays, and the reason is written
    to the version's tags and to `reports/promotion.json`. What is known of the version
    becomes its model card.
    """
    measured = _measured(params, store)
    known = cards.of_ensemble(params, store, measured.metrics)
    version = _enter(params, store, measured, recorder.run_id)
    champion = registry.aliased(version.model, CHAMPION)
    checks = [
        gate.reaches_floor(
            measured.truth.to_numpy(), measured.scores.to_numpy(), params.promotion
        ),
        _beats(params, measured, version, champion),
        gate.is_valid(store.read_report("validation", made_by="validate")),
    ]
    settled = challenge.settle(version, checks)
    report = {
        **settled,
        "test_set_sha256": measured.test_set_sha256,
        "metrics": measured.metrics,
    }
    store.write_report("promotion", report)
    recorder.metrics({**measured.metrics, "promoted": float(settled["promoted"])})
    recorder.tags({"reason": settled["reason"], "version": version.number})
    recorder.artifact(store.find("reports", "plots", made_by="evaluate"), "plots")
    facts = {**known, "model": settled, "test_set_sha256": measured.test_set_sha256}
    cards.present(facts, "model_card", version, store=store, recorder=recorder)


def _measured(params: Params, store: Store) -> Measured:
    truth = store.read_truth("test")
    scores = store.read_scores(ENSEMBLE, "test")
    thresholds = store.read_thresholds(ENSEMBLE)
    limits = np.array([thresholds[tag] for tag in truth.columns])
    decisions = decide(scores.to_numpy(), limits, params.calibration)
    audio = store.read_tracks().loc[truth.index, "sha256"]
    return Measured(
        truth=truth,
        scores=scores,
        test_set_sha256=gate.test_set_sha256(truth, list(audio)),
        metrics=evaluate(truth.to_numpy(), scores.to_numpy(), decisions),
    )


def _enter(params: Params, store: Store, measured: Measured, run_id: str) -> Version:
    from tagsmith.tracking import pyfunc

    def write(folder: Path) -> None:
        ensemble.write_bundle(
            store,
            folder,
            calibration=params.calibration,
            test_set_sha256=measured.test_set_sha256,
            metrics=measured.metrics,
        )
        submitted, target = params.genres.submitted, params.target
        sources.put(store, folder, submitted=submitted, target=target)
        onnx_export.export(folder)

    tags = {
        "test_set_sha256": measured.test_set_sha256,
        "profile": params.profile,
        "run_id": run_id,
    }
    name = params.promotion.registered_model
    return challenge.enter(write, name, tags, served_by=pyfunc)


def _beats(
    params: Params, measured: Measured, version: Version, champion: Version | None
) -> gate.Check:
    if champion is not None and champion.number == version.number:
        evidence = f"version {version.number} is the champion already"
        return gate.Check("better", passed=True, evidence=evidence)
    return gate.beats(
        _evidence(champion) if champion else None,
        measured.truth.to_numpy(),
        measured.scores.to_numpy(),
        test_set=measured.test_set_sha256,
        config=params.promotion,
        seed=params.seed,
    )


def _evidence(champion: Version) -> gate.Champion:
    meta = registry.fetch_from_bundle(champion, bundle.META)
    scores = registry.fetch_from_bundle(champion, ensemble.TEST_SCORES)
    return gate.Champion(
        version=champion.number,
        test_set_sha256=json.loads(meta.read_text("utf-8"))["test_set_sha256"],
        scores=pd.read_parquet(scores).to_numpy(),
    )
