"""MTG-Jamendo: 55,000 free tracks of full length, tagged by those who uploaded them.

Tables, checksums and licences come from a checkout of the publisher's repository; the
audio is in a folder of yours, or fetched into one. The five official splits are kept.
In the mood/theme tables of split 0, that of MediaEval 2019, neither an artist nor an
album is in two splits (874, 307 and 327 artists).

Reading order: `tables` (who has which tag), `details` (names and licences),
`manifests` (checksums), `fetch` (tars become audio), `dataset` (all of it becomes a
listing).

References:
    Bogdanov et al., The MTG-Jamendo dataset for automatic music tagging, ICML 2019;
    https://github.com/MTG/mtg-jamendo-dataset
"""

from tagsmith.datasets.jamendo.dataset import listing

__all__ = ["listing"]
