"""The default data set: real compositions, synthesised performances.

Dances from Ryan's Mammoth Collection (1883) and O'Neill's Music of Ireland (1903) and
Bach's four-part chorales are played by the instruments of a sound bank and encoded as
mp3. The tags come before the sound, so they are exact: 21 instruments, drums, solo,
slow, fast and chorale. Which dance a tune is (jig or reel) is known too but is no tag:
a first network, which looked at the sound twice a second, did not hear it (ROC-AUC .7).

Reading order: `compositions` (what may be played; `abc` reads tunes), `programme` (what
each clip will be), `arrange` (roles), `performance` (touch), `synthesis`, `room` (up to
the codec), `dataset` (files).
"""

from tagsmith.datasets.scores.dataset import listing, soundfont

__all__ = ["listing", "soundfont"]
