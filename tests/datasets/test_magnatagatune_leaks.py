"""What published splits of MagnaTagATune share with training, as the reference counts.

The original deals clips at random, so that test holds other parts of what training has
heard; the split by folder keeps recordings and albums apart, though not artists.
"""

import pandas as pd
import pytest

from tagsmith.config import HELD_OUT, MagnaTagATuneDataset
from tagsmith.core import leaks
from tagsmith.datasets.magnatagatune import partition
from tests.fakes import magnatagatune as fake


@pytest.fixture
def shared(official, tmp_path):
    """A function from a kind of split to tracks shared and known, by split and kind."""

    def count(kind):
        config = MagnaTagATuneDataset(**fake.section(tmp_path, split=kind))
        dealt = partition.deal(official.clips, official.truth, config, seed=0)
        tracks = pd.DataFrame(map(vars, official.clips)).assign(split=dealt)
        found = leaks.found(tracks)
        assert not any(leak.unknown or leak.unknown_in_training for leak in found)
        return {(leak.split, leak.kind): (leak.shared, leak.known) for leak in found}

    return count


def test_nearly_all_of_the_originals_test_clips_share_a_recording_with_training(shared):
    counts = shared("original")
    assert counts["test", "recording"] == (5591, 5863)  # 95.4 %
    assert counts["validation", "recording"] == (1888, 2000)  # 94.4 %
    assert counts["test", "album"] == (5862, 5863)
    assert counts["test", "artist"] == (5863, 5863)
    for kind in ("album", "artist"):
        assert counts["validation", kind] == (2000, 2000)


def test_no_test_clip_by_folder_shares_a_recording_or_an_album_with_training(shared):
    counts = shared("folder")
    for split, known in (("test", 5329), ("validation", 1825)):
        assert counts[split, "recording"] == counts[split, "album"] == (0, known)
    assert counts["test", "artist"] == (3284, 5329)


@pytest.mark.parametrize("kind", leaks.KINDS)
def test_what_published_clips_are_dealt_by_is_not_shared(shared, kind):
    counts = shared(kind)
    for split in HELD_OUT:
        assert counts[split, kind][0] == 0
