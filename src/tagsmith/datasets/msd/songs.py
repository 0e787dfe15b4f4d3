"""The publisher's list of songs: who made a track.

`unique_tracks.txt` has a million lines of four fields: track, song, artist and title.

    TRMMMYQ128F932D901<SEP>SOQMMHC12AB0180CB8<SEP>Faster Pussy cat<SEP>Silent Night
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from tagsmith.errors import DataError, MissingError

ADDRESS = "http://millionsongdataset.com/pages/getting-dataset"
SEPARATOR = "<SEP>"
FIELDS = ("track", "song", "artist", "title")
_TRACK_ID = re.compile("TR[A-Z0-9]{16}")


def artists(path: Path, wanted: Collection[str]) -> dict[str, str]:
    """Return who made tracks, by track id.

    Args:
        path: The list.
        wanted: Ids of the tracks that are looked for.

    Returns:
        The artists of those that are found; a name may be empty.

    Raises:
        DataError: A line is not what it should be, or lists a track again; it is named.
        MissingError: There is no list.
    """
    found: dict[str, str] = {}
    for number, line in _lines(path):
        fields = line.split(SEPARATOR)
        if len(fields) != len(FIELDS) or not _TRACK_ID.fullmatch(fields[0]):
            raise DataError(
                f"{path}, line {number} must be {SEPARATOR.join(FIELDS)} with a track "
                f"as TRMMMYQ128F932D901, and is {line[:80]!r}; fetch it again"
            )
        track_id, _, artist, _ = fields
        if track_id in found:
            raise DataError(
                f"{path}, line {number} lists {track_id} again; leave one of them out"
            )
        if track_id in wanted:
            found[track_id] = artist.strip()
    return found


def path_of(track_id: str) -> str:
    """Return the POSIX path of a track below the folder of audio.

    >>> path_of("TRABCXY128F932D901")
    'A/B/C/TRABCXY128F932D901.mp3'
    """
    return f"{track_id[2]}/{track_id[3]}/{track_id[4]}/{track_id}.mp3"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, by number from 1."""
    if not path.is_file():
        raise MissingError(
            f"{path} is not there; dataset.songs must be the publisher's "
            f"unique_tracks.txt ({ADDRESS})"
        )
    # Titles hold characters that end a line elsewhere.
    with path.open(encoding="utf-8", newline="\n") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8: {error}; fetch it again") from error
