"""What tables must be: Great Expectations suites, run over them and shown as HTML.

A suite is a JSON file of `expectations/`: `tagsmith author-expectations` writes it once
from `suites.py`, and stages only read it. Its `meta` names the columns that identify a
row; an expectation's `meta` holds the reason to give, filled with the row's values and
the parameters. What follows from its severity is in `findings.py`.

This is the only module that imports Great Expectations, which takes six seconds.
"""

import json
import logging
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tagsmith.config import SplitName
from tagsmith.errors import ConfigError, MissingError
from tagsmith.quality import suites
from tagsmith.quality.findings import Finding, insist
from tagsmith.store import Store, write_json, write_text

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it uses `sre_constants`
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

# This logger of theirs says, whoever asks, that there is a temporary folder.
logging.getLogger("great_expectations.data_context.types.base").setLevel("WARNING")

SUITES = Path("expectations")
TIME = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
THEN = "20000101T000000.000000Z"
RUN = RunIdentifier("tagsmith", datetime.fromisoformat(THEN))  # so that pages repeat

Parameters = Mapping[str, float]


@dataclass
class Inspection:
    """Runs suites; what it found can be read as findings, a summary or HTML.

    Attributes:
        folder: Where the suites are.
        summary: By suite: whether it was met, and how many expectations it has.
    """

    folder: Path = SUITES
    summary: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}
        self._source = self._context.data_sources.add_pandas("tables")

    def check(
        self, name: str, table: pd.DataFrame, parameters: Parameters | None = None
    ) -> list[Finding]:
        """Hold a table against the suite of its name.

        Raises:
            MissingError: There is no such suite.
        """
        suite = self._context.suites.add(self._suite(name))
        asset = self._source.add_dataframe_asset(name)
        definition = gx.ValidationDefinition(
            name=name,
            data=asset.add_batch_definition_whole_dataframe("all"),
            suite=suite,
        )
        outcome = self._context.validation_definitions.add(definition).run(
            batch_parameters={"dataframe": table},
            expectation_parameters=dict(parameters or {}),
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": suite.meta["row"],
            },
            run_id=RUN,
        )
        # They come in any order; a row's first reason should be the suite's first.
        places = {part.id: place for place, part in enumerate(suite.expectations)}
        results = sorted(outcome.results, key=lambda r: places[r.expectation_config.id])
        findings = [
            finding
            for result in results
            if not result.success
            for finding in _findings(name, suite.meta["row"], result, parameters or {})
        ]
        self.summary[name] = {
            "success": bool(outcome.success),
            "expectations": len(outcome.results),
            "unmet": sorted({finding.reason for finding in findings}),
        }
        return findings

    def write_docs(self, folder: Path) -> None:
        """Write what was checked as a site of HTML pages; `index.html` is the first."""
        for site in list(self._context.variables.data_docs_sites or {}):
            self._context.delete_data_docs_site(site)
        backend = {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder.resolve()),
        }
        self._context.add_data_docs_site(
            "tagsmith",
            {
                "class_name": "SiteBuilder",
                "store_backend": backend,
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "show_how_to_buttons": False,
            },
        )
        self._context.build_data_docs(site_names=["tagsmith"])
        for image in folder.rglob("*.gif"):  # of the how-to: 3 MB
            image.unlink()
        for page in folder.rglob("*.html"):
            write_text(page, _settled(page.read_text("utf-8")))

    def _suite(self, name: str) -> gx.ExpectationSuite:
        path = self.folder / f"{name}.json"
        if not path.is_file():
            raise MissingError(
                f"{path} is not there; `tagsmith author-expectations`, in the "
                "repository's root, writes it"
            )
        return gx.ExpectationSuite(**json.loads(path.read_text("utf-8")))


def _settled(page: str) -> str:
    """Take time and chance out of a page: equal checks, equal bytes."""
    numbers: dict[str, str] = {}
    page = NAME.sub(lambda m: numbers.setdefault(m[0], f"{len(numbers)}"), page)
    return TIME.sub(THEN, page)


def _findings(
    suite: str,
    key: list[str],
    result: Any,  # noqa: ANN401
    parameters: Parameters,
) -> Iterable[Finding]:
    config = result.expectation_config
    severity = str(getattr(config.severity, "value", config.severity))
    # Somebody's own expectation may have no reason of its own.
    template = (config.meta or {}).get("reason", f"does not meet {config.type}")
    raised = _raised(result)
    rows = result.result.get("unexpected_index_list") or []
    if raised:  # nobody knows whether it is met
        yield Finding(suite, "critical", f"{config.type}: {raised}", row="")
    elif not rows:
        yield Finding(suite, severity, template, row="")
    for row in rows:
        reason = _filled(template, {**parameters, **row}, suite)
        yield Finding(suite, severity, reason, row=str(row[key[0]]))


def _filled(template: str, fields: Mapping[str, object], suite: str) -> str:
    try:
        return template.format_map(fields)
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"expectations/{suite}.json: the reason {template!r} cannot be filled with "
            f"{sorted(fields)}: {error}; add the column to the suite's meta.row"
        ) from error


def _raised(result: Any) -> str:  # noqa: ANN401
    """What went wrong while looking; by metric, or at once."""
    info = result.exception_info or {}
    all_infos = [info, *(value for value in info.values() if isinstance(value, dict))]
    messages = [i["exception_message"] for i in all_infos if i.get("exception_message")]
    return " ".join(messages[0].split()) if messages else ""


# --- tables that later stages write


def check_features(store: Store, feature: str) -> None:
    """Hold the index of the feature store `feature` against the suite `features`.

    Raises:
        DataError: A track is missing, empty or holds NaN.
    """
    path = store.find("features", feature, "index.parquet", made_by="extract")
    parameters = {"tracks": len(store.read_tracks(elsewhere=True))}
    docs = store.empty("reports", "data_docs", f"features_{feature}")
    _check_output("features", pd.read_parquet(path), parameters, docs=docs)


def check_scores(store: Store, scored: Mapping[str, Sequence[SplitName]]) -> None:
    """Hold the scores of systems, in the splits named, against the suite `scores`.

    Of each tag the lowest and the highest score are looked at: what holds for them
    holds for all, and a table of every score may have billions of rows.

    Raises:
        DataError: A score is missing or not in [0, 1].
    """
    table = pd.concat(
        _extremes(store.read_scores(model, split)).assign(model=model)
        for model, splits in scored.items()
        for split in splits
    )
    docs = store.empty("reports", "data_docs", "scores")
    _check_output("scores", table.reset_index(drop=True), {}, docs=docs)


def _extremes(scores: pd.DataFrame) -> pd.DataFrame:
    """Return `track_id`, `tag` and `score` of each tag's lowest and highest score."""
    values = scores.to_numpy()
    places = [values.argmin(axis=0), values.argmax(axis=0)]
    return pd.concat(
        pd.DataFrame(
            {
                "track_id": scores.index[rows],
                "tag": scores.columns,
                "score": values[rows, np.arange(values.shape[1])],
            }
        )
        for rows in places
    )


def _check_output(
    name: str, table: pd.DataFrame, parameters: Parameters, *, docs: Path
) -> None:
    inspection = Inspection()
    findings = inspection.check(name, table, parameters)
    inspection.write_docs(docs)
    insist(findings, docs=docs)


# --- authoring


def author(folder: Path) -> None:
    """Write every suite as JSON; Great Expectations checks what is written."""
    for name, (key, rows) in suites.SUITES.items():
        suite = gx.ExpectationSuite(
            name=name,
            meta={"row": key},
            expectations=[
                {
                    "type": kind,
                    "kwargs": kwargs,
                    "severity": severity,
                    "meta": {"reason": reason},
                }
                for severity, reason, kind, kwargs in rows
            ],
        )
        tree = suite.to_json_dict()
        tree["meta"] = suite.meta  # without the version, which would change each file
        write_json(
            folder / f"{name}.json", {k: v for k, v in tree.items() if v is not None}
        )
