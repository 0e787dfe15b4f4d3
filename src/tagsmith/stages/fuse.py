"""Stage `fuse`: several models' scores become one, by weights found on validation.

The best fusion becomes the ensemble, unless `fusion.weights` says what does. The mean
of each group of `fusion.groups` is kept beside it, for comparison only.
"""

import logging
from collections.abc import Mapping

import pandas as pd

from tagsmith.config import ENSEMBLE, HELD_OUT, SPLITS, Params, SplitName
from tagsmith.core import fusion, metrics, thresholds
from tagsmith.core.fusion import Candidate
from tagsmith.core.metrics import Scores, Truth
from tagsmith.store import Store, atomic, write_json
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

GIVEN = "given"  # the method of weights that params.yaml states
Weights = Mapping[str, Mapping[str, float]]  # by fused system, then by model


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Try every way to fuse, keep the best, and write its scores and thresholds.

    Raises:
        MissingError: A model has not been trained.
    """
    truth = store.read_truth("validation").to_numpy()
    tables = _read_scores(params, store, "validation")
    scores = {model: table.to_numpy() for model, table in tables.items()}
    candidates = fusion.search(
        truth, scores, params.fusion, groups=params.group_members
    )
    if params.fusion.weights:
        chosen = _given(params, truth, scores)
        candidates.append(chosen)
    else:
        chosen = fusion.best(candidates)
    store.empty("fusion")
    _write_choice(params, store, candidates, chosen)
    groups = {each.name: each.weights for each in candidates if _is_group(each)}
    _write_scores(params, store, {**groups, ENSEMBLE: chosen.weights})
    _write_thresholds(params, store, [*groups, ENSEMBLE])
    _check(params, store)
    _tell(recorder, candidates, chosen, params.fusion.metric)


def _given(params: Params, truth: Truth, scores: Mapping[str, Scores]) -> Candidate:
    """Return the fusion whose weights `params.yaml` states, made to sum to 1."""
    stated, metric = params.fusion.weights, params.fusion.metric
    total = sum(stated.values())
    weights = {model: stated.get(model, 0.0) / total for model in params.models}
    reached = metrics.areas(truth, fusion.fuse(scores, weights))
    return Candidate(GIVEN, GIVEN, weights, reached[metrics.OFFICIAL[metric]])


def _check(params: Params, store: Store) -> None:
    from tagsmith.quality import expectations

    of_models = dict.fromkeys(params.models, SPLITS)
    expectations.check_scores(store, {**of_models, ENSEMBLE: HELD_OUT})


def _read_scores(
    params: Params, store: Store, split: SplitName
) -> dict[str, pd.DataFrame]:
    return {model: store.read_scores(model, split) for model in params.models}


def _write_scores(params: Params, store: Store, systems: Weights) -> None:
    for split in HELD_OUT:
        tables = _read_scores(params, store, split)
        scores = {model: table.to_numpy() for model, table in tables.items()}
        like = next(iter(tables.values()))
        for name, weights in systems.items():
            fused = fusion.fuse(scores, weights)
            table = pd.DataFrame(fused, index=like.index, columns=like.columns)
            store.write_scores(name, split, table)


def _write_thresholds(params: Params, store: Store, systems: list[str]) -> None:
    truth = store.read_truth("validation")
    for name in systems:
        scores = store.read_scores(name, "validation").to_numpy()
        limits = thresholds.fit(truth.to_numpy(), scores, params.calibration)
        store.write_thresholds(name, dict(zip(truth.columns, limits, strict=True)))


def _write_choice(
    params: Params, store: Store, candidates: list[Candidate], chosen: Candidate
) -> None:
    members = {model: weight for model, weight in chosen.weights.items() if weight > 0}
    write_json(
        store.place("fusion", "ensemble.json"),
        {
            "method": chosen.method,
            "weights": members,
            "metric": params.fusion.metric,
            "validation": chosen.value,
        },
    )
    rows = [
        {
            "candidate": each.name,
            "method": each.method,
            params.fusion.metric: each.value,
            "chosen": each is chosen,
            **{f"weight_{model}": weight for model, weight in each.weights.items()},
        }
        for each in candidates
    ]
    with atomic(store.place("fusion", "candidates.csv")) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def _tell(
    recorder: Recorder, candidates: list[Candidate], chosen: Candidate, metric: str
) -> None:
    recorder.metrics(
        {f"validation/{each.name}/{metric}": each.value for each in candidates}
    )
    recorder.tags({"fusion": chosen.method})
    for each in candidates:
        logger.info("%s %.4f  %s", metric, each.value, each.name)
    singles = [each.value for each in candidates if each.method == fusion.SINGLE]
    logger.info(
        "chosen: %s of %d models, %+.4f against the best of them alone",
        chosen.method,
        chosen.members,
        chosen.value - max(singles),
    )


def _is_group(candidate: Candidate) -> bool:
    return candidate.method == fusion.GROUP
