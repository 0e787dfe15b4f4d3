"""What a report or a card was made of: code, packages, parameters, checked data."""

import io
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from ruamel.yaml import YAML

from tagsmith import __version__
from tagsmith.errors import DataError
from tagsmith.store import Store

SOURCES = ("src", "expectations", "params.yaml", "dvc.yaml")
VERSIONS = ("tensorflow", "keras", "mlflow", "dvc", "librosa", "scikit-learn")


def made_of() -> dict[str, Any]:
    """Say which code made it, and when that was written: no clock is asked.

    Returns:
        `commit`, its `date`, whether anything was `changed` since, and `versions`.
    """
    commit, _, date = _git("show", "-s", "--format=%H %cs", "HEAD").partition(" ")
    return {
        "commit": commit or "none: not a git repository",
        "date": date,
        "changed": bool(_git("status", "--porcelain", "--", *SOURCES)),
        "versions": {"tagsmith": __version__, "Python": platform.python_version()}
        | {name: version(name) for name in VERSIONS},
    }


def validated(store: Store) -> dict[str, Any]:
    """Return what validation said, leaks included.

    Raises:
        DataError: An earlier version of tagsmith validated the data.
        MissingError: Nobody did.
    """
    report = store.read_report("validation", made_by="validate")
    if "leaks" not in report:
        raise DataError(
            "reports/validation.json does not say what splits share, only "
            f"{sorted(report)}; run `dvc repro -f validate`"
        )
    return report


def as_yaml(tree: Mapping[str, Any]) -> str:
    """Write resolved parameters as YAML."""
    text = io.StringIO()
    YAML(typ="rt", pure=True).dump(tree, text)
    return text.getvalue()


def _git(*words: str) -> str:
    """Ask git; nothing if it is not there, or this is no repository."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            ["git", *words],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
