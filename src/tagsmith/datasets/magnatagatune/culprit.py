"""Which part of a broken archive to fetch again.

A zip lists its files at its end, with a checksum of each and where it begins. So a part
that is too short or too long shows in what comes after it, and one with wrong bytes in
the file that they are of.
"""

import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from tagsmith.datasets.magnatagatune.joined import Joined

SIGNATURE = b"PK\x03\x04"  # before every file of a zip
END_SIGNATURE = b"PK\x05\x06"  # of its end, which has
END_BYTES = 22  # and a comment, whose length is in the last two of them
LONGEST_END_BYTES = END_BYTES + 0xFFFF
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)
CHUNK_BYTES = 1 << 20


def find(file: BinaryIO, joined: Joined) -> str:
    """Name the part of an archive that is wrong.

    Args:
        file: The archive, buffered.
        joined: Its parts.

    Returns:
        The part's name, or two with `or` between; empty if every file in the archive is
        what the archive says.
    """
    last = joined.paths[-1].name
    for path, begin, end in zip(
        joined.paths, [0, *joined.ends], joined.ends, strict=False
    ):
        if begin == end:
            return path.name
    if _goes_on(file, joined.ends[-1]):
        return last
    try:
        with zipfile.ZipFile(file) as archive:
            members = sorted(archive.infolist(), key=lambda info: info.header_offset)
            # Negative or positive where bytes are missing or are too many.
            shift = members[0].header_offset if members else 0
            if shift:
                offsets = [info.header_offset - shift for info in members]
                return _of_wrong_length(file, joined, offsets, shift) or last
            return " or ".join(_with_wrong_bytes(archive, joined, members))
    except BROKEN:
        return last  # which holds the list


def _goes_on(file: BinaryIO, size: int) -> bool:
    """Say whether anything comes after the end of an archive of `size` bytes."""
    file.seek(max(size - LONGEST_END_BYTES, 0))
    tail = file.read()
    end = tail.rfind(END_SIGNATURE)
    comment = tail[end + END_BYTES - 2 : end + END_BYTES]
    return 0 <= end < len(tail) - END_BYTES - int.from_bytes(comment, "little")


def _of_wrong_length(
    file: BinaryIO, joined: Joined, offsets: Sequence[int], shift: int
) -> str:
    """Name the part whose end is `shift` bytes later than published."""
    for path, end in zip(joined.paths, joined.ends, strict=True):
        published = end - shift
        places = [
            offset if offset < published else offset + shift
            for offset in offsets
            if not min(end, published) <= offset < published
        ]
        if all(_begins(file, place) for place in places):
            return path.name
    return ""


def _begins(file: BinaryIO, place: int) -> bool:
    file.seek(place)
    return file.read(len(SIGNATURE)) == SIGNATURE


def _with_wrong_bytes(
    archive: zipfile.ZipFile, joined: Joined, members: Sequence[zipfile.ZipInfo]
) -> list[str]:
    ends = [info.header_offset for info in members[1:]] + [archive.start_dir]
    for info, end in zip(members, ends, strict=False):
        if not _is_whole(archive, info):
            return joined.names(info.header_offset, end)
    return []


def _is_whole(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(info) as member:
            while member.read(CHUNK_BYTES):
                pass
    except BROKEN:
        return False
    return True
