"""What is wrong with a table, row by row, and what follows from it.

critical   the table cannot be trusted: a `DataError`
warning    one file is bad: it goes to quarantine
info       it is noted
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagsmith.errors import DataError

logger = logging.getLogger(__name__)

SHOWN = 5  # faults, and rows of each, that a message names


@dataclass(frozen=True)
class Finding:
    """A row that is not as expected, or a table if `row` is empty.

    Attributes:
        suite: The table's name.
        severity: critical, warning or info.
        reason: What is wrong, as a predicate.
        row: The row's track id, or what else the suite calls it; empty for a table.
    """

    suite: str
    severity: str
    reason: str
    row: str


def insist(findings: Sequence[Finding], *, docs: Path) -> None:
    """Raise what is critical among findings; note what is only worth knowing.

    Raises:
        DataError: Something is critical; its rows are named by track id.
    """
    faults = _by_reason(findings, "critical")
    for fact in _by_reason(findings, "info"):
        logger.info("%s", fact)
    if faults:
        more = f"; and {len(faults) - SHOWN} more faults" if len(faults) > SHOWN else ""
        raise DataError(
            f"the data cannot be trusted; {'; '.join(faults[:SHOWN])}{more}. "
            f"See {docs}/index.html"
        )


def _by_reason(findings: Sequence[Finding], severity: str) -> list[str]:
    """Say what was found, each reason once, with the rows in brackets."""
    rows: dict[str, dict[str, None]] = {}
    for finding in findings:
        if finding.severity == severity:
            named = rows.setdefault(f"{finding.suite}: {finding.reason}", {})
            named.update({finding.row: None} if finding.row else {})
    return [reason + _in_brackets(list(named)) for reason, named in rows.items()]


def _in_brackets(rows: list[str]) -> str:
    if not rows:
        return ""
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f" ({', '.join(rows[:SHOWN])}{more})"
