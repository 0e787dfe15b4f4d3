"""What is wrong with a table, row by row, and what follows from it.

critical   the table cannot be trusted: a `DataError`
warning    one file is bad: it goes to quarantine
info       it is noted
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tagsmith.errors import DataError

logger = logging.getLogger(__name__)

SHOWN = 5  # rows that a message names


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


def insist(findings: Iterable[Finding], *, docs: Path) -> None:
    """Raise what is critical among findings; note what is only worth knowing.

    Raises:
        DataError: Something is critical; its rows are named by track id.
    """
    faults: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity == "info":
            logger.info("%s: %s %s", finding.suite, finding.row, finding.reason)
        if finding.severity == "critical":
            rows = faults.setdefault(f"{finding.suite}: {finding.reason}", [])
            rows += [finding.row] if finding.row and finding.row not in rows else []
    if faults:
        named = (reason + _in_brackets(rows) for reason, rows in faults.items())
        raise DataError(
            "the data cannot be trusted; "
            + "; ".join(named)
            + f". See {docs}/index.html"
        )


def _in_brackets(rows: list[str]) -> str:
    if not rows:
        return ""
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f" ({', '.join(rows[:SHOWN])}{more})"
