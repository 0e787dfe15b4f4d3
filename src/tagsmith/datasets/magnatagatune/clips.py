"""What the name of a clip's file says.

    f/american_bach_soloists-j_s__bach_solo_cantatas-01-bwv54__i_aria-30-59.mp3

is, in folder f, seconds 30 to 59 of track 1, `bwv54__i_aria`, of an album by an artist.
Names of albums and recordings begin with what they belong to, as titles such as
`requiem` have several owners.
"""

import re
from dataclasses import dataclass

_PATH = re.compile(
    r"(?P<folder>[0-9a-f])/"
    r"(?P<recording>(?P<album>(?P<artist>[^-/\0-\x1f]+)-[^-/\0-\x1f]+)"
    r"-\d+-[^-/\0-\x1f]+)"
    r"-(?P<start>\d+)-(?P<end>\d+)\.mp3"
)


@dataclass(frozen=True)
class Clip:
    """A few seconds of a recording: what is a track everywhere else.

    Attributes:
        clip_id: The publisher's number.
        path: POSIX path below the folder of the data set.
        folder: One of 0 to 9 and a to f; no album is in two of the publisher's.
        artist: As written, `american_bach_soloists`.
        album: Artist and album, with a hyphen between.
        recording: Artist, album, number and title: what it was cut from.
        start_seconds: Where in the recording it begins.
        end_seconds: Where it ends.
    """

    clip_id: int
    path: str
    folder: str
    artist: str
    album: str
    recording: str
    start_seconds: int
    end_seconds: int

    @property
    def track_id(self) -> str:
        """The path without its suffix."""
        return self.path.removesuffix(".mp3")


def parse(clip_id: int, path: str) -> Clip | None:
    """Return what a path says; None if it is not like the publisher's."""
    match = _PATH.fullmatch(path)
    if match is None or int(match["start"]) >= int(match["end"]):
        return None
    return Clip(
        clip_id=clip_id,
        path=path,
        folder=match["folder"],
        artist=match["artist"],
        album=match["album"],
        recording=match["recording"],
        start_seconds=int(match["start"]),
        end_seconds=int(match["end"]),
    )
