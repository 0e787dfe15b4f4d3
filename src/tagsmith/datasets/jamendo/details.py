"""What the publisher's other files say of tracks: names and licences, where they are.

`data/raw.meta.tsv` has one row per track, separated by tabs and never quoted:

    TRACK_ID  ARTIST_ID  ALBUM_ID  TRACK_NAME  ARTIST_NAME  ALBUM_NAME  RELEASEDATE  URL

`audio_licenses.txt` has a block of lines per track: its path, who made it, and under
which licence it is available:

    46/3346.mp3
    Song by Artist from Jamendo: http://www.jamendo.com/track/3346
    Available under a Creative Commons Attribution license: http://creativecommons.org/licenses/by/3.0/
"""

import logging
import re
from pathlib import Path
from typing import NamedTuple

from tagsmith.datasets.jamendo.tables import lines_of

logger = logging.getLogger(__name__)

COLUMNS = 8  # of raw.meta.tsv
_PATH = re.compile(r"\d+/\d+\.mp3")
_ADDRESS = re.compile(r"https?://\S+")
_JAMENDO = re.compile(r"https?://([\w-]+\.)*jamendo\.com(/|$)")
_CREATIVE_COMMONS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/licenses/"
    r"(?P<code>[a-z-]+)/(?P<version>[\d.]+)(?:/(?P<country>[a-z]+))?/?"
)


class Names(NamedTuple):
    """Who made a track, and on which album it is."""

    artist: str
    album: str


def names(metadata: Path) -> dict[str, Names]:
    """Read the names of artists and albums by track id; none where the file is not.

    Rows of another number of fields are left out and counted in the log: a name is
    only shown, what artist a track is of is told by its id.

    Raises:
        DataError: The file is not UTF-8.
    """
    path = metadata / "data" / "raw.meta.tsv"
    if not path.is_file():
        return {}
    found, left_out = {}, 0
    for number, line in lines_of(path):
        fields = line.split("\t")
        if len(fields) == COLUMNS + 1 and not fields[4]:
            del fields[4]  # a title that ends in a tab
        if len(fields) == COLUMNS and number > 1:
            found[fields[0]] = Names(fields[4], fields[5])
        elif number > 1:
            left_out += 1
    if left_out:
        logger.warning("%s: %d rows do not have %d fields", path, left_out, COLUMNS)
    return found


def licences(metadata: Path) -> dict[str, str]:
    """Read the tracks' licences by path; none where the file is not.

    A track's licence is the last address in its block that is not one of Jamendo's
    own. Creative Commons' addresses are shortened to `CC BY-NC-SA 3.0`; others stay.

    Raises:
        DataError: The file is not UTF-8.
    """
    path = metadata / "audio_licenses.txt"
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    track = ""
    for _, line in lines_of(path):
        if _PATH.fullmatch(line.strip()):
            track = line.strip()
            continue
        for address in _ADDRESS.findall(line):
            if track and not _JAMENDO.match(address):
                found[track] = _shortened(address)
    return found


def _shortened(address: str) -> str:
    match = _CREATIVE_COMMONS.fullmatch(address)
    if not match:
        return address
    country = f" {match['country'].upper()}" if match["country"] else ""
    return f"CC {match['code'].upper()} {match['version']}{country}"
