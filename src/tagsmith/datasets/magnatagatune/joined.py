"""Files that are parts of one, read as one; nothing is written."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any


class Joined(io.RawIOBase):
    """The bytes of several files, one after the other; for reading, and seekable.

    Attributes:
        paths: The files.
        ends: Where each ends in the whole, in bytes.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = tuple(paths)
        self._files = [path.open("rb", buffering=0) for path in paths]
        self.ends = list(accumulate(path.stat().st_size for path in paths))
        self._at = 0

    def names(self, begin: int, end: int) -> list[str]:
        """Name the files that hold the bytes from `begin` until before `end`."""
        begins = [0, *self.ends]
        return [
            path.name
            for path, first, last in zip(self.paths, begins, self.ends, strict=False)
            if first < end and begin < last
        ]

    # --- what a raw file does

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that reading can go on anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, counted from the beginning, from here, or from the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.ends[-1]}
        if origin[whence] + offset < 0:
            raise io.UnsupportedOperation(f"cannot seek to {origin[whence] + offset}")
        self._at = origin[whence] + offset
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any writable buffer
        """Read to the end of a file at most; 0 only at the end of the last."""
        number = bisect_right(self.ends, self._at)
        if number == len(self.ends):
            return 0
        left = self.ends[number] - self._at
        file = self._files[number]
        file.seek(-left, io.SEEK_END)
        count = file.readinto(memoryview(buffer)[:left]) or 0
        self._at += count
        return count

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
        super().close()
