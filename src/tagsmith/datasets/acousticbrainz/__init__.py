"""AcousticBrainz at MediaEval 2017 and 2018: documents, and genres of four sources.

The audio is nobody's to give away; what Essentia computed of it is CC0. A track is a
recording of MusicBrainz, its document a JSON file of low-level statistics. AllMusic,
Discogs, Last.fm and tagtraum each say, in words of their own, which genres and
subgenres recordings have. Release groups (albums) never straddle splits.

Reading order: `document` (one of them), `roots` (where they lie), `chunks` (a thousand
at a time), `placing` (in which order), `kept` and `documents` (all of them, as a
matrix), `truths` (who says what), `parting` (what may not straddle splits), `dataset`
(all of it becomes a listing).

References:
    Bogdanov, Porter, Urbano and Schreiber, The MediaEval 2018 AcousticBrainz Genre
    Task: Content-based Music Genre Recognition from Multiple Sources, MediaEval 2018.
"""

from tagsmith.datasets.acousticbrainz.dataset import listing

__all__ = ["listing"]
