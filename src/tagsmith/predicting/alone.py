"""One process at a time makes an output, and keeps beside it what is unfinished."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tagsmith.errors import DataError

UNFINISHED = ".unfinished"  # behind the output's name: shards, documents, and the model


@contextmanager
def alone(out: Path) -> Iterator[Path]:
    """Give a folder for what is unfinished; it is gone when the output is made.

    Raises:
        DataError: Another process makes the same output.
    """
    scratch = out.with_name(out.name + UNFINISHED).absolute()
    scratch.parent.mkdir(parents=True, exist_ok=True)
    lock = scratch.with_name(f".{scratch.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            try:
                yield scratch
                shutil.rmtree(scratch)
            finally:
                with suppress(OSError):  # not empty: it is for the next attempt
                    scratch.rmdir()
                lock.unlink(missing_ok=True)
    except Timeout as error:
        raise DataError(
            f"another process is making {out} (it holds {lock}); wait for it, or name "
            "another --out"
        ) from error
