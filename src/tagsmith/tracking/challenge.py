"""A bundle becomes a version, which challenges the champion."""

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tagsmith.core import gate
from tagsmith.models import bundle
from tagsmith.tracking import registry
from tagsmith.tracking.registry import CHALLENGER, CHAMPION, Served, Version

logger = logging.getLogger(__name__)

HASH = "bundle_sha256"  # the tag by which equal bundles are found


def enter(
    write: Callable[[Path], None],
    model: str,
    tags: Mapping[str, str],
    *,
    served_by: Served,
) -> Version:
    """Register a bundle, unless the same bytes already are a version.

    Args:
        write: Writes the bundle into an empty folder.
        model: The registered model's name.
        tags: What is said of a new version, beside the bundle's hash.
        served_by: As for `registry.register`.

    Returns:
        The version, which is the challenger from now on.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as name:
        folder = Path(name)
        write(folder)
        sha256 = bundle.sha256(folder)
        version = registry.registered(model, tag=HASH, value=sha256)
        if version is None:
            said = {HASH: sha256, **tags}
            version = registry.register(folder, model, said, served_by=served_by)
    registry.give_alias(version, CHALLENGER)
    return version


def settle(version: Version, checks: Sequence[gate.Check]) -> dict[str, Any]:
    """Make a challenger the champion if it passed all checks, and say why or why not.

    A refusal is an outcome, not an error: the champion stays, and the reason is written
    to the version's tags.

    Returns:
        What a report says of it: `promoted`, `registered_model`, `version`, `alias`,
        `reason` and `checks`.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    promoted = all(check.passed for check in checks)
    if promoted:
        registry.give_alias(version, CHAMPION)
    reason = gate.reason(checks)
    registry.annotate(version, {"promoted": str(promoted).lower(), "reason": reason})
    _tell(version, checks, promoted=promoted)
    return {
        "promoted": promoted,
        "registered_model": version.model,
        "version": version.number,
        "alias": CHAMPION if _holds(version, CHAMPION) else CHALLENGER,
        "reason": reason,
        "checks": [asdict(check) for check in checks],
    }


def _holds(version: Version, alias: str) -> bool:
    holder = registry.aliased(version.model, alias)
    return holder is not None and holder.number == version.number


def _tell(version: Version, checks: Sequence[gate.Check], *, promoted: bool) -> None:
    outcome = "promoted to champion" if promoted else "refused"
    logger.info("%s version %s: %s", version.model, version.number, outcome)
    for check in checks:
        logger.info("%s  %s", "passed" if check.passed else "FAILED", check.evidence)
