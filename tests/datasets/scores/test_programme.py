"""What every clip will be, before a note is played."""

from collections import Counter

import pandas as pd
import pytest

from tagsmith.config import SPLITS, Params, ScoresDataset
from tagsmith.datasets.scores import compositions, programme
from tagsmith.datasets.scores.compositions import DANCES, Composition
from tagsmith.datasets.scores.instruments import INSTRUMENTS
from tests.conftest import ROOT

pytest.importorskip("music21", reason="the extra `render` is not installed")

CLIPS = 600


def config(clips):
    return ScoresDataset(
        kind="scores",
        clips=clips,
        clip_seconds=29,
        soundfonts=("timgm6mb",),
        shares={"train": 0.7, "validation": 0.15, "test": 0.15},
    )


@pytest.fixture(scope="module")
def plan():
    return programme.plan(config(CLIPS), seed=1)


@pytest.fixture(scope="module")
def tags(plan):
    rows = [(clip.number, clip.split, tag) for clip in plan for tag in clip.tags]
    return pd.DataFrame(rows, columns=["clip", "split", "tag"])


@pytest.fixture(scope="module")
def heard(tags):
    """Those that follow from how a clip is played."""
    return tags[~tags["tag"].isin(DANCES.values())]


def tune(rhythm):
    source = f"X:1\nT:A tune\nR:{rhythm}\nK:C\nA\n"
    return Composition(compositions.RYAN, "1", "A tune", "tune", source, "")


def test_there_are_at_least_25_tags_of_how_a_clip_is_played(heard):
    assert heard["tag"].nunique() >= 25


def test_every_such_tag_has_five_positives_in_every_split(heard):
    counts = pd.crosstab(heard["tag"], heard["split"])
    assert counts[list(SPLITS)].to_numpy().min() >= 5


def test_every_such_tag_is_on_a_twentieth_of_the_clips(heard):
    assert heard.groupby("tag").size().min() >= CLIPS / 20


def test_the_books_say_of_most_tunes_which_dance_they_are():
    tunes = [c for c in compositions.compositions() if c.kind == "tune"]
    counts = {"reel": 715, "jig": 514, "hornpipe": 462, "slip jig": 97}
    counts |= {"strathspey": 49, "clog": 37, "air": 33, "": 1161}
    assert Counter(tune.dance for tune in tunes) == counts
    silent = sum(not compositions.abc.read(tune.source).rhythm for tune in tunes)
    assert (len(tunes), silent) == (3068, 1135)


@pytest.mark.parametrize(
    ("rhythm", "dance"),
    [
        *(("Reel", "reel"), ("reel % fast", "reel"), (" AIR ", "air")),
        *(("jig", "jig"), ("double jig", "jig"), ("Double Jig", "jig")),
        *(("slip jig", "slip jig"), ("Slipjig", "slip jig")),
        *(("", ""), ("waltz", ""), ("highland fling", ""), ("reels", "")),
    ],
)
def test_a_dance_has_one_name_however_its_book_spells_it(rhythm, dance):
    assert tune(rhythm).dance == dance


def test_a_clip_is_tagged_with_the_dance_of_its_tune_and_no_other(plan):
    for clip in plan[:60]:
        said = set(clip.tags) & set(DANCES.values())
        assert said == ({clip.composition.dance} - {""})
        assert not (said and clip.composition.kind == "chorale")
        assert "" not in clip.tags


def test_the_default_data_set_has_the_dances_that_its_profile_withholds():
    params = Params.load(ROOT / "profiles" / "scores.yaml")
    clips = programme.plan(params.dataset, seed=params.seed)
    assert set(params.zeroshot.withheld) == set(DANCES.values())
    assert set(params.zeroshot.withheld) <= {tag for clip in clips for tag in clip.tags}


def test_a_tune_never_straddles_splits(plan):
    memberships = {(clip.composition.group, clip.split) for clip in plan}
    assert len(memberships) == len({group for group, _ in memberships})


def test_more_clips_leave_the_first_as_they_were(plan):
    assert programme.plan(config(2 * CLIPS), seed=1)[:CLIPS] == plan


def test_the_splits_have_their_shares(plan):
    counts = Counter(clip.split for clip in plan)
    shares = config(CLIPS).shares
    assert all(abs(counts[s] / CLIPS - getattr(shares, s)) < 0.02 for s in SPLITS)


def test_another_seed_is_another_data_set(plan):
    other = programme.plan(config(CLIPS), seed=2)
    assert (
        sum(a.composition == b.composition for a, b in zip(plan, other, strict=True))
        < 30
    )


def test_the_same_instruments_play_all_collections(plan):
    collections = [clip.composition.collection for clip in plan]
    table = pd.crosstab(collections, [clip.lineup[0] for clip in plan])
    tunes = table.loc[[compositions.RYAN, compositions.ONEILL]]
    assert set(INSTRUMENTS) == set(tunes.columns[(tunes > 0).all()])


def test_more_clips_than_tunes_play_tunes_again():
    plan = programme.plan(config(8000), seed=1)
    counts = Counter(clip.composition.group for clip in plan)
    memberships = {(clip.composition.group, clip.split) for clip in plan}
    assert max(counts.values()) > programme.CLIPS_PER_TUNE
    assert len(memberships) == len(counts)


def test_solo_is_one_player_who_is_not_an_ensemble(plan):
    for clip in plan:
        alone = len(clip.lineup) == 1 and clip.lineup[0] not in {"choir", "strings"}
        assert ("solo" in clip.tags) == alone


def test_slow_and_fast_are_apart(plan):
    rates = {
        tag: [c.notes_per_second for c in plan if c.tempo == tag]
        for tag in ("slow", "fast")
    }
    assert 3 * max(rates["slow"]) < min(rates["fast"])


def test_the_chorales_are_in_four_parts():
    chorale = next(c for c in compositions.compositions() if c.kind == "chorale")
    voices = compositions.voices(chorale)
    heights = [sum(e.pitch for e in voice) / len(voice) for voice in voices]
    assert len(voices) == 4 and heights == sorted(heights, reverse=True)


def test_most_bars_of_the_tunes_are_full():
    bars = full = 0
    for tune in (c for c in compositions.compositions()[::40] if c.kind != "chorale"):
        read = compositions.abc.read(tune.source)
        bars += len(read.bars)
        length = 4 * read.meter[0] / read.meter[1]
        full += sum(
            abs(sum(n.quarters for n in bar) - length) < 0.01 for bar in read.bars
        )
    assert full / bars > 0.8  # the rest are pickups and what completes them
