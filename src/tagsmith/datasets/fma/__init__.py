"""Free Music Archive: 106,574 free tracks, of genres in a hierarchy of 161.

Metadata and audio are there already: the publisher's `fma_metadata.zip`, and one of
`fma_small.zip` (8,000 tracks), `fma_medium.zip` (25,000), `fma_large.zip` (all, clips
of 30 s as the two before) and `fma_full.zip` (all of every track), unpacked.

Reading order: `tables` (text becomes rows), `genres` (what they are called), `tracks`
(who has which), `openmic` (which tracks are in that data set), `dataset` (all of it
becomes a listing).

References:
    Defferrard, Benzi, Vandergheynst and Bresson, FMA: A dataset for music analysis,
    ISMIR 2017; https://github.com/mdeff/fma
"""

from tagsmith.datasets.fma.dataset import listing

__all__ = ["listing"]
