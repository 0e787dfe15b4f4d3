"""Genres: what is submitted where a data set has several sources of tags."""

from tagsmith.config.section import Name, Section


class Genres(Section):
    """What becomes of the genres of AcousticBrainz; other data sets submit nothing.

    The models in `submitted` decide about the held-out tracks of every source that they
    learnt, by thresholds of that source's own. With `parents`, whoever has a subgenre
    has its genre.
    """

    submitted: tuple[Name, ...]
    parents: bool
