"""MagnaTagATune: 25,863 clips of 29 s, tagged by players of a game.

The annotations are the publisher's table of 188 tags; the audio is in a folder of
yours, in the publisher's three parts, or fetched. Clips of one recording sound alike,
so what may share a split matters: by folder is the rule that publications follow, the
original of the multi-scale network dealt clips at random.

Reading order: `clips` (what a file's name says), `annotations` (who has which tag),
`synonyms` (tags that mean the same), `partition` (who is in which split), `fetch`,
`joined`, `culprit`, `archive` and `audio` (three parts become audio), `dataset` (all of
it becomes a listing).

References:
    Law, West, Mandel, Bay and Downie, Evaluation of algorithms using games: the case of
    music tagging, ISMIR 2009; https://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset
"""

from tagsmith.datasets.magnatagatune.dataset import listing

__all__ = ["listing"]
