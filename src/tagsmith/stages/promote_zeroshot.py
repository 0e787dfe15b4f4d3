"""Stage `promote_zeroshot`: a model is registered, to score any words."""

import json
from functools import partial
from typing import Any

from tagsmith import cards
from tagsmith.config import Params, WordModel
from tagsmith.core import gate
from tagsmith.core.unseen import RETRIEVAL
from tagsmith.errors import ConfigError
from tagsmith.models import wordtagger
from tagsmith.store import Store
from tagsmith.tracking import challenge
from tagsmith.tracking.recording import Recorder


def run(params: Params, store: Store, recorder: Recorder, name: str) -> None:
    """Register model `name`; it becomes champion if unseen tags are above the control.

    A refusal is an outcome, not an error: the champion stays, and the reason is written
    to the version's tags and to `reports/zeroshot_<name>.json`. What is known of the
    version becomes its model card.

    Raises:
        ConfigError: `zeroshot.registered` does not name the model.
        DataError: The model learnt with other vectors than the store has now.
        MissingError: Model, vectors, figures or the report of validation are missing.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    from tagsmith.tracking import pyfunc_words

    registered = _registered(params, name)
    figures = _figures(store, name)
    known = cards.of_words(params, store, name, figures)
    tags = {"model": name, "profile": params.profile, "run_id": recorder.run_id}
    write = partial(wordtagger.write_bundle, store, name)
    version = challenge.enter(write, registered, tags, served_by=pyfunc_words)
    checks = [
        _above_control(params, name, figures),
        gate.is_valid(store.read_report("validation", made_by="validate")),
    ]
    settled = challenge.settle(version, checks)
    report = {**settled, "model": name, "unseen_tags": figures}
    store.write_report(f"zeroshot_{name}", report)
    recorder.metrics({**_metrics(figures), "promoted": float(settled["promoted"])})
    recorder.tags({"reason": settled["reason"], "version": version.number})
    facts = {**known, "model": settled}
    cards.present(facts, f"model_card_{name}", version, store=store, recorder=recorder)


def _registered(params: Params, name: str) -> str:
    registered = params.zeroshot.registered
    if name not in registered:
        raise ConfigError(
            f"zeroshot.registered has no model {name!r}; it has {sorted(registered)}"
        )
    return registered[name]


def _figures(store: Store, name: str) -> dict[str, Any]:
    path = store.find("zeroshot", name, "intervals.json", made_by="evaluate_zeroshot")
    figures: dict[str, Any] = json.loads(path.read_text("utf-8"))["mean"]
    return figures


def _above_control(params: Params, name: str, figures: dict[str, Any]) -> gate.Check:
    config = params.model(name)
    assert isinstance(config, WordModel)
    return gate.above_control(
        {family: found[RETRIEVAL] for family, found in figures.items()},
        vectors=config.vectors,
        control=params.zeroshot.control,
        confidence=params.evaluation.confidence,
    )


def _metrics(figures: dict[str, Any]) -> dict[str, float]:
    return {
        f"{family}/{way}/{key}": each["value"]
        for family, ways in figures.items()
        for way, found in ways.items()
        for key, each in found.items()
    }
