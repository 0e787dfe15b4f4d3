"""Experiments of other commits: a store with the files that DVC kept of one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tagsmith.config import SplitName
from tagsmith.errors import DataError, MissingError
from tagsmith.store import Store, scores_parts

if TYPE_CHECKING:
    from dvc.api import DVCFileSystem

TABLES = ("tracks", "annotations", "quarantine", "genres", "withheld")


@contextmanager
def measured(revision: str, system: str, split: SplitName) -> Iterator[Store]:
    """Give a store with a commit's tables and one system's scores, for a while.

    Args:
        revision: Whatever git takes for a commit.
        system: A model, `ensemble` or a group.
        split: Whose scores.

    Raises:
        DataError: There is no such commit here, or no repository.
        MissingError: It has no such file, or DVC's cache and remote do not.
    """
    kept = _opened(revision)
    files = [f"tables/{name}.parquet" for name in TABLES]
    files.append("/".join(scores_parts(system, split)))
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        store = Store(Path(folder))
        for file in files:
            place = store.place(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(_read(kept, f"data/{file}", revision))
        yield store


def _opened(revision: str) -> "DVCFileSystem":
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError

    try:
        kept = DVCFileSystem(repo=".", rev=revision)
        kept.ls("")  # only now does it look for them
    except (DvcException, SCMError) as error:
        raise DataError(
            f"{revision!r} is neither a folder nor a commit of a DVC repository: "
            f"{error}; `git log` and `git tag` name the commits of this one"
        ) from error
    return kept


def _read(kept: "DVCFileSystem", file: str, revision: str) -> bytes:
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError

    try:
        content: bytes = kept.read_bytes(file)
    except (OSError, DvcException, DataIndexDirError) as error:
        raise MissingError(
            f"commit {revision} has no {file} within reach: {error}; if DVC knows it, "
            "`dvc fetch --all-commits` may bring it from your remote"
        ) from error
    return content
