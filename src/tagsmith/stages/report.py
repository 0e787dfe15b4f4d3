"""Stage `report`: everything that was found, as one page of HTML."""

import json
import logging
from typing import Any

import pandas as pd

from tagsmith.config import ENSEMBLE, Params, WordModel
from tagsmith.core import genre_metrics, highlights
from tagsmith.reporting import page, plots
from tagsmith.reporting.origin import as_yaml, made_of, validated
from tagsmith.store import Store, write_text
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Write `reports/report.html`; equal inputs at one commit give equal bytes.

    Raises:
        DataError: An earlier version of tagsmith validated the data.
        MissingError: A stage before this one has not run.
    """
    out = store.place("reports", "report.html")
    write_text(out, page.render(_facts(params, store)))
    recorder.artifact(out)
    logger.info("report: %s", out)


def _facts(params: Params, store: Store) -> dict[str, Any]:
    """Read what the page shows, by the names that its template uses."""
    figures = store.read_report("metrics", made_by="evaluate")
    intervals = store.read_report("intervals", made_by="evaluate")
    fusion = json.loads(
        store.find("fusion", "ensemble.json", made_by="fuse").read_text("utf-8")
    )
    weights = sorted(fusion["weights"].items(), key=lambda item: -item[1])
    tags = highlights.tag_rows(
        _table(store, "per_tag.csv"), store.read_thresholds(ENSEMBLE)
    )
    tried = pd.read_csv(store.find("fusion", "candidates.csv", made_by="fuse"))
    return {
        "params": params,
        "params_text": as_yaml(params.model_dump(mode="json")),
        "promotion": store.read_report("promotion", made_by="promote"),
        "validation": validated(store),
        "ensemble": ENSEMBLE,
        "figures": figures,
        "intervals": intervals,
        "scale": page.comparison(figures, intervals),
        "members": weights,
        "best_member": highlights.best_member(figures["test"]),
        "fusion": fusion,
        "candidates": highlights.candidates(tried, params.fusion.metric),
        "tags": tags,
        "worst": highlights.worst(tags),
        "surpassed": highlights.surpassed(tags),
        "pairs": highlights.pairs(_table(store, "plots", "cooccurrence.csv")),
        "pictures": _pictures(store),
        "data": highlights.dataset(
            store.read_tracks(),
            store.read_table("annotations"),
            store.read_table("quarantine", made_by="validate"),
        ),
        "docs": _docs(store),
        "zeroshot": {
            name: _zeroshot(store, name)
            for name, model in params.models.items()
            if isinstance(model, WordModel)
        },
        "genres": {name: _genres(store, name) for name in params.genres.submitted},
        "made_of": made_of(),
    }


def _table(store: Store, *parts: str) -> pd.DataFrame:
    return plots.read(store.find("reports", *parts, made_by="evaluate"), ())


def _zeroshot(store: Store, name: str) -> dict[str, Any]:
    folder = store.find("zeroshot", name, made_by="evaluate_zeroshot")
    return highlights.zeroshot(
        pd.read_parquet(folder / "tags.parquet"),
        json.loads((folder / "intervals.json").read_text("utf-8")),
        pd.read_csv(folder / "figures.csv"),
    )


def _genres(store: Store, name: str) -> list[dict[str, Any]]:
    """Return a model's official test figures: a row for each source and `per`."""
    folder = store.find("genres", name, made_by="evaluate_genres")
    paths = sorted(folder.glob("*/figures.csv"))
    tables = {path.parent.name: pd.read_csv(path) for path in paths}
    return genre_metrics.on_test(tables)


def _pictures(store: Store) -> dict[str, str]:
    return {
        name: page.picture(
            store.find("reports", "plots", f"{name}.png", made_by="evaluate")
        )
        for name in plots.PLOTS
    }


def _docs(store: Store) -> list[tuple[str, str]]:
    """Find the pages that say what was checked: their names, and where they lie."""
    report = store.find("reports", "validation.json", made_by="validate").parent
    pages = sorted(report.glob("data_docs/*/index.html"))
    return [(page.parent.name, page.relative_to(report).as_posix()) for page in pages]
