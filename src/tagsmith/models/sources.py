"""Other sources' genres in an ensemble's bundle, where models learnt several sources.

    sources.json            the ensemble's own source, and the model of each other one
    sources/<source>.tsv    label, threshold: in that source's own spelling

An ensemble is fused for its target. For each other source one of the models that are
submitted decides: the one that did best on that source's validation tracks, by the
thresholds that were found there.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tagsmith.config import Calibration
from tagsmith.core import genre_metrics
from tagsmith.errors import DataError
from tagsmith.models.analysis import analyser
from tagsmith.models.bundle import put_model
from tagsmith.models.ensemble import WEIGHTS, Ensemble, read_thresholds
from tagsmith.models.folder import load as load_model
from tagsmith.store import Store, write_json

DESCRIPTION = "sources.json"
FOLDER = "sources"


def put(store: Store, bundle: Path, *, submitted: Sequence[str], target: str) -> None:
    """Put who decides for each source into an ensemble's bundle.

    Args:
        store: What was trained, and evaluated source by source.
        bundle: Where to; its own members are there already.
        submitted: The models that may be chosen; without any, nothing is put there.
        target: The source that the ensemble itself decides for.

    Raises:
        MissingError: A model has not been evaluated.
    """
    if not submitted:
        return
    models = deciding(store, submitted, target=target)
    write_json(bundle / DESCRIPTION, {"target": target, "models": models})
    for source, name in models.items():
        if not (bundle / "models" / name).exists():
            put_model(store, name, bundle / "models" / name)
        parts = (name, source, "thresholds.tsv")
        found = store.find("genres", *parts, made_by="evaluate_genres")
        (bundle / FOLDER).mkdir(exist_ok=True)
        shutil.copyfile(found, bundle / FOLDER / f"{source}.tsv")


def deciding(store: Store, submitted: Sequence[str], *, target: str) -> dict[str, str]:
    """Name the model that did best on validation, for each source but the target.

    Raises:
        MissingError: A model has not been evaluated.
    """
    figures: dict[str, dict[str, float]] = {}
    for name in submitted:
        folder = store.find("genres", name, made_by="evaluate_genres")
        for path in sorted(folder.glob("*/figures.csv")):
            found = genre_metrics.f_score(pd.read_csv(path), "validation")
            figures.setdefault(path.parent.name, {})[name] = found
    figures.pop(target, None)
    return {source: max(own, key=lambda x: own[x]) for source, own in figures.items()}


def load(bundle: Path, source: str) -> Ensemble:
    """Read what decides for a source: the ensemble for its target, else one model.

    Raises:
        DataError: Nothing in the bundle knows that source.
        MissingError: Something of the bundle is missing.
    """
    target, models = _told(bundle)
    if source == target:
        return Ensemble.load(bundle)
    if source not in models:
        known = sorted({target, *models} - {""})
        raise DataError(
            f"the ensemble decides no genres of {source!r}; it knows {known}: of other "
            "sources, what a model learnt (models.NAME.sources) that genres.submitted "
            "names"
        )
    name = models[source]
    model = load_model(bundle / "models" / name).speaking(source)
    feature = model.config.feature
    described = json.loads((bundle / WEIGHTS).read_text("utf-8"))
    return Ensemble(
        members={name: model},
        analysers={feature: analyser(model.feature, bundle / "features" / feature)},
        weights={name: 1.0},
        tags=model.tags,
        thresholds=read_thresholds(bundle / FOLDER / f"{source}.tsv", model.tags),
        calibration=Calibration.model_validate(described["calibration"]),
    )


def _told(bundle: Path) -> tuple[str, dict[str, str]]:
    """Return the ensemble's own source, and the model of each other one."""
    path = bundle / DESCRIPTION
    if not path.exists():
        return "", {}
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told["target"], told["models"]
