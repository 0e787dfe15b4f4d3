"""Experiments of other commits: a store with the files that DVC kept of one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagsmith.config import SplitName
from tagsmith.errors import DataError, MissingError
from tagsmith.store import Store, scores_parts

TABLES = ("tracks", "annotations", "quarantine", "genres", "withheld")


@contextmanager
def measured(revision: str, system: str, split: SplitName) -> Iterator[Store]:
    """Give a store with a commit's tables and one system's scores, for a while.

    Args:
        revision: Whatever git takes for a commit.
        system: A model, `ensemble` or a group.
        split: Whose scores.

    Raises:
        DataError: There is no such commit here.
        MissingError: It has no such file, or DVC's cache and remote do not.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import RevError, SCMError

    files = [f"tables/{name}.parquet" for name in TABLES]
    files.append("/".join(scores_parts(system, split)))
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as folder:
        store = Store(Path(folder))
        try:
            kept = DVCFileSystem(repo=".", rev=revision)
            for file in files:
                place = store.place(file)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(kept.read_bytes(f"data/{file}"))
        except (RevError, SCMError) as error:
            raise DataError(
                f"{revision!r} is neither a folder nor a commit of this repository; "
                "`git log` and `git tag` name those"
            ) from error
        except (FileNotFoundError, DvcException) as error:
            raise MissingError(
                f"commit {revision} has no {file} within reach: {error}; if DVC knows "
                f"it, `dvc fetch --all-commits` may bring it from your remote"
            ) from error
        yield store
