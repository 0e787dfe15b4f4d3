"""Stage `fuse`: several models' scores become one, by weights found on validation."""

import logging

import pandas as pd

from tagsmith.config import ENSEMBLE, SPLITS, Params, SplitName
from tagsmith.core import fusion, thresholds
from tagsmith.core.fusion import Candidate
from tagsmith.store import Store, atomic, write_json
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Try every way to fuse, keep the best, and write its scores and thresholds.

    Raises:
        MissingError: A model has not been trained.
    """
    truth = store.read_truth("validation")
    tables = _read_scores(params, store, "validation")
    scores = {model: table.to_numpy() for model, table in tables.items()}
    candidates = fusion.search(truth.to_numpy(), scores, params.fusion)
    chosen = fusion.best(candidates)
    _write_choice(params, store, candidates, chosen)
    for split in SPLITS:
        _write_fused(store, split, _read_scores(params, store, split), chosen)
    fused = store.read_scores(ENSEMBLE, "validation").to_numpy()
    limits = thresholds.fit(truth.to_numpy(), fused, params.calibration)
    store.write_thresholds(ENSEMBLE, dict(zip(truth.columns, limits, strict=True)))
    _check(params, store)
    _tell(recorder, candidates, chosen, params.fusion.metric)


def _check(params: Params, store: Store) -> None:
    from tagsmith.quality import expectations

    expectations.check_scores(store, [*params.models, ENSEMBLE])


def _read_scores(
    params: Params, store: Store, split: SplitName
) -> dict[str, pd.DataFrame]:
    return {model: store.read_scores(model, split) for model in params.models}


def _write_fused(
    store: Store, split: SplitName, tables: dict[str, pd.DataFrame], chosen: Candidate
) -> None:
    scores = {model: table.to_numpy() for model, table in tables.items()}
    fused = fusion.fuse(scores, chosen.weights)
    like = next(iter(tables.values()))
    table = pd.DataFrame(fused, index=like.index, columns=like.columns)
    store.write_scores(ENSEMBLE, split, table)


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
            "candidate": _named(each),
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
        {f"validation/{_named(each)}/{metric}": each.value for each in candidates}
    )
    recorder.tags({"fusion": chosen.method})
    for each in candidates:
        logger.info("%s %.4f  %s", metric, each.value, _named(each))
    singles = [each.value for each in candidates if each.method == fusion.SINGLE]
    logger.info(
        "chosen: %s of %d models, %+.4f against the best of them alone",
        chosen.method,
        chosen.members,
        chosen.value - max(singles),
    )


def _named(candidate: Candidate) -> str:
    if candidate.method != fusion.SINGLE:
        return candidate.method
    return max(candidate.weights, key=candidate.weights.__getitem__)
