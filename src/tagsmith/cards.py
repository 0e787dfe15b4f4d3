"""Model cards: what is known of a registered version, gathered, written and shown.

A card lies in `reports/`, among the artifacts of the run that promoted, and, in short,
in the version's description. It is no part of the bundle: it names a commit, and equal
ensembles are equal bytes.
"""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tagsmith.config import ENSEMBLE, Params, WordModel
from tagsmith.core import card, genre_metrics, highlights
from tagsmith.errors import DataError
from tagsmith.models import sources
from tagsmith.reporting import card as layout
from tagsmith.reporting import plots
from tagsmith.reporting.origin import as_yaml, made_of, validated
from tagsmith.store import Store, write_json, write_text
from tagsmith.tracking import registry
from tagsmith.tracking.recording import Recorder
from tagsmith.tracking.registry import Version

Facts = dict[str, Any]
SAME = 1e-9  # figures that differ by less are one figure


def of_ensemble(params: Params, store: Store, measured: Mapping[str, float]) -> Facts:
    """Gather what is known of the ensemble before it has a version.

    Args:
        params: The experiment.
        store: What was trained, fused and evaluated.
        measured: The test figures by which it is promoted.

    Raises:
        DataError: The reports are of another ensemble, or validation is of an earlier
            version of tagsmith.
        MissingError: A stage before this one has not run.
    """
    figures = store.read_report("metrics", made_by="evaluate")
    intervals = store.read_report("intervals", made_by="evaluate")["test"][ENSEMBLE]
    _check_same(figures["test"][ENSEMBLE], measured)
    path = store.find("fusion", "ensemble.json", made_by="fuse")
    fusion = json.loads(path.read_text("utf-8"))
    weights = sorted(fusion["weights"].items(), key=lambda item: -item[1])
    tags = highlights.tag_rows(
        plots.read(store.find("reports", "per_tag.csv", made_by="evaluate"), ()),
        store.read_thresholds(ENSEMBLE),
    )
    validation, test = (figures[split][ENSEMBLE] for split in ("validation", "test"))
    facts = {
        **_common(params, store),
        "figures": card.figures(validation, test, intervals),
        "tags": tags,
        "method": fusion["method"],
        "members": {name: weight for name, weight in weights if weight > 0},
        "sources": _sources(params, store),
    }
    return _finished(facts, card.ensemble_limits)


def of_words(
    params: Params, store: Store, name: str, unseen_tags: Mapping[str, Any]
) -> Facts:
    """Gather what is known of a word model before it has a version.

    Args:
        params: The experiment.
        store: What was trained and evaluated on unseen tags.
        name: The model's.
        unseen_tags: Its figures, as `core.unseen.summary` makes their means.

    Raises:
        DataError: Validation is of an earlier version of tagsmith.
        MissingError: A stage before this one has not run.
    """
    config = params.model(name)
    assert isinstance(config, WordModel)
    facts = {
        **_common(params, store),
        "vectors": config.vectors,
        "control": params.zeroshot.control,
        "unseen_tags": unseen_tags,
    }
    return _finished(facts, card.word_limits)


def present(
    facts: Facts, name: str, version: Version, *, store: Store, recorder: Recorder
) -> None:
    """Write a card, keep it in the run, and describe the version by it.

    Args:
        facts: Of the model, with what became of the version as `model`.
        name: What the card's files are called.
        version: Whose card it is.
        store: Where to write it.
        recorder: The run that promotes.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    path = store.place("reports", f"{name}.json")
    write_json(path, facts)
    text = layout.markdown(facts, as_yaml(facts["parameters_of"]))
    write_text(path.with_suffix(".md"), text)
    for each in (path, path.with_suffix(".md")):
        recorder.artifact(each)
    whereabouts = (
        f"The whole card is `{name}.md`, among the artifacts of run "
        f"`{recorder.run_id}`, with tags, thresholds and parameters."
    )
    registry.describe(version, layout.description(facts, whereabouts))


def _sources(params: Params, store: Store) -> dict[str, Facts]:
    """Say who decides for each other source, and the official F-score on its test."""
    submitted, target = params.genres.submitted, params.target
    models = sources.deciding(store, submitted, target=target)
    told = {}
    for source, name in models.items():
        parts = ("genres", name, source, "figures.csv")
        figures = pd.read_csv(store.find(*parts, made_by="evaluate_genres"))
        told[source] = {
            "model": name,
            "f_score": genre_metrics.f_score(figures, "test"),
        }
    return told


def _common(params: Params, store: Store) -> Facts:
    tables = {
        "tracks": store.read_tracks(),
        "annotations": store.read_table("annotations"),
        "quarantine": store.read_table("quarantine", made_by="validate"),
    }
    return {
        "profile": params.profile,
        "seed": params.seed,
        "confidence": params.evaluation.confidence,
        "data": card.data(params.dataset.kind, tables, validated(store)["leaks"]),
        "latency": card.LATENCY,
        "parameters_of": params.model_dump(mode="json"),
        "made_of": made_of(),
    }


def _finished(facts: Facts, limits: Any) -> Facts:  # noqa: ANN401 - tree to sentences
    known: Facts = card.plain(facts)
    return {**known, "limits": limits(known)}


def _check_same(reported: Mapping[str, float], measured: Mapping[str, float]) -> None:
    for name, value in measured.items():
        if abs(reported[name] - value) > SAME:
            raise DataError(
                f"reports/metrics.json says that the ensemble has {name} "
                f"{reported[name]:.4f}, its scores have {value:.4f}; `dvc repro "
                "evaluate` measures it again"
            )
