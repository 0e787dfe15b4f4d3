"""Million Song Dataset with Last.fm's tags: 505,216 tracks that listeners tagged.

The list of songs and the database of tags are the publisher's; an ontology of yours
says which of 522,366 tags count. The publisher has no audio: it is in a folder of
yours, and what is not there is left out.

Reading order: `ontology` (which tags count), `lastfm` (who has which), `songs` (who
made them), `dataset` (all of it becomes a listing).

References:
    Bertin-Mahieux, Ellis, Whitman and Lamere, The Million Song Dataset, ISMIR 2011;
    http://millionsongdataset.com/lastfm
"""

from tagsmith.datasets.msd.dataset import listing

__all__ = ["listing"]
