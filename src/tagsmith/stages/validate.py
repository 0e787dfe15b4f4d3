"""Stage `validate`: tables meet their expectations, or the pipeline stops.

A bad file goes to quarantine with its reason and everything downstream goes on without
it, unless there are too many. A table that contradicts itself, or a group in two
splits, stops the pipeline; the message and the HTML pages name the tracks. What else
held-out tracks share with training ones is counted and told.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from tagsmith.config import HELD_OUT, Params, SplitName, Validation
from tagsmith.core import leaks
from tagsmith.core.leaks import Leak
from tagsmith.errors import DataError
from tagsmith.quality.expectations import Inspection
from tagsmith.quality.findings import Finding, insist
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

SHOWN = 3  # bad files that a message names
LOGGED = 20  # and that the log does; the table has them all


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Write `quarantine`, `reports/validation.json` and HTML; stop at what is critical.

    Raises:
        DataError: Something is critical, too many files are bad, or `tracks` was
            written by an earlier version.
        MissingError: `ingest` has not run, or a suite is not in `expectations/`.
    """
    tracks = store.read_table("tracks")
    annotations = store.read_table("annotations")
    inspection = Inspection()
    limits = params.validation.model_dump(exclude={"every_tag_in"})
    findings = inspection.check("tracks", _with_gaps(tracks), limits)
    quarantine = _quarantine(findings)
    clean = tracks[~tracks["track_id"].isin(quarantine["track_id"])]
    found = leaks.found(clean)
    counted = _counted(annotations, tracks, clean, params.validation.every_tag_in)
    findings += inspection.check("annotations", counted)
    findings += inspection.check("splits", _spread(clean))
    docs = store.empty("reports", "data_docs", "tables")
    inspection.write_docs(docs)
    store.write_table("quarantine", quarantine)
    problem = _too_many(quarantine, len(tracks), params.validation)
    report = _report(inspection, findings, quarantine, found=found, problem=problem)
    _record(report, store, recorder)
    _log(quarantine, found)
    if problem:
        raise DataError(problem)
    insist(findings, docs=docs)
    logger.info("validate: %d tracks are as expected; see %s", len(clean), docs)


# --- tables as the suites look at them


def _with_gaps(tracks: pd.DataFrame) -> pd.DataFrame:
    """Add how far the decoded length is from the declared one; NaN if none is."""
    gaps = (tracks["declared_seconds"] - tracks["decoded_seconds"]).abs()
    return tracks.assign(gap_seconds=gaps)


def _counted(
    annotations: pd.DataFrame,
    tracks: pd.DataFrame,
    clean: pd.DataFrame,
    splits: Sequence[SplitName],
) -> pd.DataFrame:
    """Add whether the track is listed, and which of some splits lack the tag."""
    dealt = clean.drop_duplicates("track_id").set_index("track_id")["split"]
    split = annotations["track_id"].map(dealt)
    counts = pd.crosstab(annotations["tag"], split).reindex(
        index=annotations["tag"].unique(), columns=list(splits), fill_value=0
    )
    lacking = {
        tag: " and ".join(split for split in splits if not row[split])
        for tag, row in counts.iterrows()
    }
    return annotations.assign(
        listed=annotations["track_id"].isin(tracks["track_id"]),
        lacking=annotations["tag"].map(lacking),
    )


def _spread(clean: pd.DataFrame) -> pd.DataFrame:
    """Add over how many splits a track's group, and its audio, are spread."""
    return clean.assign(
        splits_of_group=clean.groupby("group")["split"].transform("nunique"),
        splits_of_audio=clean.groupby("sha256")["split"].transform("nunique"),
    )


# --- quarantine


def _quarantine(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return the bad files, each with the first reason that it got."""
    bad = [(f.row, f.reason) for f in findings if f.severity == "warning" and f.row]
    table = pd.DataFrame(bad, columns=["track_id", "reason"], dtype="str")
    return table.drop_duplicates("track_id").sort_values("track_id")


def _too_many(quarantine: pd.DataFrame, tracks: int, config: Validation) -> str:
    """Say why the stage must fail, or nothing."""
    bad = len(quarantine)
    if bad <= config.most_quarantined * tracks:
        return ""
    first = quarantine.head(SHOWN).itertuples(index=False)
    named = "; ".join(f"{row.track_id} {row.reason}" for row in first)
    return (
        f"{bad} of {tracks} files are bad, more than validation.most_quarantined "
        f"({config.most_quarantined:g}) allows: {named}"
        + (f"; and {bad - SHOWN} more" if bad > SHOWN else "")
        + ". Replace them, or leave them out of the data set"
    )


# --- what is said about it


def _report(
    inspection: Inspection,
    findings: Sequence[Finding],
    quarantine: pd.DataFrame,
    *,
    found: Iterable[Leak],
    problem: str,
) -> dict[str, Any]:
    critical = Counter(f.suite for f in findings if f.severity == "critical")
    return {
        "success": not critical and not problem,
        "problem": problem,
        "quarantined": len(quarantine),
        "critical": dict(critical),
        "suites": inspection.summary,
        "leaks": leaks.tree(found),
    }


def _record(report: Mapping[str, Any], store: Store, recorder: Recorder) -> None:
    store.write_report("validation", report)
    shares = {
        f"{split}/leak/{kind}": leak["share"]
        for split, kinds in report["leaks"].items()
        for kind, leak in kinds.items()
        if leak["share"] is not None
    }
    counts = {
        "quarantined": float(report["quarantined"]),
        "critical": float(sum(report["critical"].values())),
    }
    recorder.metrics(counts | shares)
    recorder.artifact(store.place("reports", "validation.json"))


def _log(quarantine: pd.DataFrame, found: Sequence[Leak]) -> None:
    for row in quarantine.head(LOGGED).itertuples(index=False):
        logger.warning("quarantine: %s %s", row.track_id, row.reason)
    if len(quarantine) > LOGGED:
        logger.warning("quarantine: and %d more", len(quarantine) - LOGGED)
    for leak in found:
        if leak.share is not None:
            logger.info("%s", _in_words(leak, leak.share))
    for split in HELD_OUT:
        untold = [x.kind for x in found if x.split == split and x.share is None]
        if untold:
            logger.info(
                "%s: whether tracks share their %s with a training track is unknown",
                split,
                " or ".join(untold),
            )


def _in_words(leak: Leak, share: float) -> str:
    words = (
        f"{leak.split}: {leak.shared:,} of {leak.known:,} tracks "
        f"({100 * share:.1f} %) share their {leak.kind} with a training track"
    )
    if not leak.unknown and not leak.unknown_in_training:
        return words
    return (
        f"{words} (unknown: {leak.unknown:,} more, and "
        f"{leak.unknown_in_training:,} training tracks)"
    )
