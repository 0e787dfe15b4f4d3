"""Stage `evaluate`: figures, intervals and plots of models, groups and the ensemble.

Thresholds come from validation scores, so the test split has no say in what is measured
on it.
"""

import logging
from dataclasses import asdict

import numpy as np
import pandas as pd

from tagsmith.config import ENSEMBLE, Evaluation, Params, SplitName
from tagsmith.core import bootstrap, curves, metrics
from tagsmith.core.bootstrap import Interval
from tagsmith.core.curves import Judged
from tagsmith.core.thresholds import decide
from tagsmith.engine import progress
from tagsmith.errors import DataError
from tagsmith.store import Store, atomic
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

SURE = (
    "ROC-AUC-macro",
    "PR-AUC-macro",
    "F-score-macro",
)  # figures that get an interval
Systems = dict[str, Judged]  # models and groups in their order, then the ensemble
Tree = dict[str, dict[str, dict[str, float]]]


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Measure and draw everything, and write it below `reports/`.

    Groups are compared, but have no part in what is told tag by tag or drawn.

    Raises:
        MissingError: A model has no scores or no thresholds yet.
        DataError: Scores or thresholds do not fit the tables.
    """
    from tagsmith.reporting import plots

    validation, test = (_judge(params, store, s) for s in ("validation", "test"))
    figures = {"validation": _figures(validation), "test": _figures(test)}
    intervals = _intervals(test, params.evaluation, params.seed)
    store.write_report("metrics", figures)
    store.write_report("intervals", {"test": intervals})
    told = {name: test[name] for name in [*params.models, ENSEMBLE]}
    _write(store, "per_tag", _per_tag(told, store.read_tags()))
    _write_plots(store, told, list(params.models))
    pictures = plots.draw(store.place("reports", "plots"))
    _tell(recorder, figures, intervals)
    _warn(test[ENSEMBLE], store.read_tags())
    for picture in pictures:
        recorder.artifact(picture, "plots")


def _judge(params: Params, store: Store, split: SplitName) -> Systems:
    truth = store.read_truth(split)
    systems = {}
    for name in [*params.models, *params.group_members, ENSEMBLE]:
        limits = store.read_thresholds(name)
        if limits.keys() != set(truth.columns):
            raise DataError(
                f"thresholds of {name} are for {len(limits)} tags, the data set has "
                f"{len(truth.columns)} or others; run `dvc repro` to make them again"
            )
        scores = store.read_scores(name, split).to_numpy()
        ordered = [limits[tag] for tag in truth.columns]
        decisions = decide(scores, ordered, params.calibration)
        systems[name] = Judged(truth.to_numpy(), scores, decisions)
    return systems


def _figures(systems: Systems) -> dict[str, dict[str, float]]:
    return {
        name: metrics.evaluate(judged.truth, judged.scores, judged.decisions)
        for name, judged in systems.items()
    }


def _intervals(systems: Systems, config: Evaluation, seed: int) -> Tree:
    return {
        name: {
            metric: asdict(_interval(judged, metric, config, seed)) for metric in SURE
        }
        for name, judged in progress(
            systems.items(), total=len(systems), label="intervals"
        )
    }


def _interval(judged: Judged, metric: str, config: Evaluation, seed: int) -> Interval:
    area = metric.startswith(metrics.AREAS)
    predicted = judged.scores if area else judged.decisions
    return bootstrap.interval(
        judged.truth, predicted, metric=metric, config=config, seed=seed
    )


def _per_tag(systems: Systems, tags: list[str]) -> pd.DataFrame:
    tables = {
        name: metrics.per_tag(judged.truth, judged.scores, judged.decisions, tags=tags)
        for name, judged in systems.items()
    }
    together = pd.concat(tables, names=["model", "row"]).reset_index("model")
    together.insert(1, "split", "test")
    return together


def _write_plots(store: Store, systems: Systems, models: list[str]) -> None:
    tags = store.read_tags()
    tables = {
        "roc": curves.roc(systems, ENSEMBLE, tags),
        "precision_recall": curves.precision_recall(systems, ENSEMBLE, tags),
        "score_histogram": curves.score_histogram(systems),
        "cooccurrence": curves.cooccurrence(systems[ENSEMBLE], tags),
        "training_curves": pd.concat(_history(store, model) for model in models),
    }
    for name, table in tables.items():
        _write(store, f"plots/{name}", table)


def _history(store: Store, model: str) -> pd.DataFrame:
    """Return a row per epoch and metric of a model's training."""
    path = store.find("models", model, "history.csv", made_by="train")
    history = pd.read_csv(path).assign(model=model)
    return history.melt(["model", "epoch"], var_name="metric", value_name="value")


def _write(store: Store, name: str, table: pd.DataFrame) -> None:
    with atomic(store.place("reports", f"{name}.csv")) as temporary:
        table.to_csv(temporary, index=False)


def _tell(recorder: Recorder, figures: Tree, intervals: Tree) -> None:
    recorder.metrics(
        {
            f"{split}/{name}/{metric}": value
            for split, systems in figures.items()
            for name, found in systems.items()
            for metric, value in found.items()
        }
    )
    for name, found in intervals.items():
        for metric, interval in found.items():
            logger.info(
                "%s: test %s %.4f (%.4f to %.4f)",
                name,
                metric,
                interval["value"],
                interval["low"],
                interval["high"],
            )


def _warn(judged: Judged, tags: list[str]) -> None:
    left_out = [tags[tag] for tag in np.flatnonzero(metrics.undefined(judged.truth))]
    if left_out:
        logger.warning(
            "%d of %d tags are on every test track or on none; the macro AUCs leave "
            "them out: %s",
            len(left_out),
            len(tags),
            ", ".join(left_out),
        )
