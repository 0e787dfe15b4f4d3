"""What is derived from a melody, and how it is fitted to players."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.datasets.scores import abc, arrange, performance, player
from tagsmith.datasets.scores.arrange import Event
from tagsmith.datasets.scores.instruments import INSTRUMENTS
from tagsmith.datasets.scores.programme import Clip

JIG = abc.read(
    "X:1\nR:jig\nM:6/8\nL:1/8\nK:G\n"
    "|:GBd gdB|cec BGB|AFA DFA|G3 G3:|\n|:gfg dBG|ecA F2D|Ace dcA|BGF G3:|\n"
)
SECONDS = 12.0
instruments = st.sampled_from(sorted(INSTRUMENTS))
seeds = st.integers(0, 2**32 - 1)


def clip(*lineup, notes_per_second=4.0, study=False):
    return Clip(0, None, "train", lineup, "moderate", notes_per_second, study)


def play(clip, seed):
    rng = np.random.default_rng(seed)
    return performance.play_tune(JIG, clip, SECONDS, rng)


def limits(name, part):
    (voice,) = (v for v in INSTRUMENTS[name].voices if v.program == part.program)
    return voice.low, voice.high


def test_chords_are_the_triads_that_the_melody_outlines():
    chords = [span.chord for span in arrange.spans(JIG)][:7]
    g, c, d = (7, 11, 2), (0, 4, 7), (2, 6, 9)
    assert chords == [g, g, c, g, d, d, g]


def test_spans_cover_the_tune_without_gaps():
    spans = arrange.spans(JIG)
    ends = [span.onset + span.quarters for span in spans]
    assert [span.onset for span in spans[1:]] == ends[:-1]


@given(instruments, seeds, st.booleans())
def test_nobody_plays_outside_an_instruments_range(name, seed, study):
    (part,) = play(clip(name, study=study), seed)
    low, high = limits(name, part)
    assert low <= part.notes[:, 2].min() and part.notes[:, 2].max() <= high


@given(instruments, instruments, seeds)
def test_players_keep_their_ranges_together(first, second, seed):
    for name, part in zip(
        (first, second), play(clip(first, second), seed), strict=True
    ):
        low, high = limits(name, part)
        assert low <= part.notes[:, 2].min() and part.notes[:, 2].max() <= high


@pytest.mark.parametrize("notes_per_second", [0.6, 1.3, 3.0, 5.2, 8.0])
@given(seed=seeds)
def test_the_melody_has_the_rate_of_notes_that_was_asked_for(notes_per_second, seed):
    (part,) = play(clip("flute", notes_per_second=notes_per_second), seed)
    assert len(part.notes) / SECONDS == pytest.approx(
        notes_per_second, abs=0.2, rel=0.06
    )


@given(seeds)
def test_a_melody_keeps_its_shape_wherever_it_lies(seed):
    (part,) = play(clip("violin"), seed)
    steps = set(np.diff(part.notes[np.argsort(part.notes[:, 0]), 2]) % 12)
    melody = arrange.melody(JIG)
    wrapped = [*melody, melody[0]]
    written = np.diff([event.pitch for event in wrapped])
    assert steps <= set(written % 12)


def test_the_second_voice_lies_below_the_melody():
    melody, spans = arrange.melody(JIG), arrange.spans(JIG)
    for event, below in zip(melody, arrange.harmony(melody, spans), strict=True):
        assert event.pitch - 12 <= below.pitch <= event.pitch - 3


@given(seeds)
def test_leaving_out_notes_leaves_no_gaps(seed):
    kept = arrange.double(arrange.melody(JIG), np.random.default_rng(seed))
    ends = [event.onset + event.quarters for event in kept]
    assert [event.onset for event in kept[1:]] == pytest.approx(ends[:-1])


@given(seeds)
def test_notes_are_within_velocities_and_the_clip(seed):
    for part in play(clip("piano", "bass", "drums"), seed):
        onset, duration, _, velocity = part.notes.T
        assert onset.min() >= 0 and onset.max() < SECONDS and duration.min() > 0
        assert player.VELOCITIES[0] <= velocity.min() <= velocity.max() <= 127


@given(st.integers(0, 127), instruments)
def test_folding_keeps_the_pitch_class(pitch, name):
    for voice in INSTRUMENTS[name].voices:
        folded = performance._folded(pitch, voice)
        assert (folded - pitch) % 12 == 0
        assert voice.low <= folded <= voice.high


def test_four_voices_are_shared_out_among_the_players():
    voices = [[Event(q, 1.0, p) for q in range(16)] for p in (72, 67, 60, 48)]
    rng = np.random.default_rng(0)
    parts = performance.play_voices(voices, clip("oboe", "horn"), SECONDS, rng)
    assert [len(set(part.notes[:, 2])) for part in parts] == [2, 2]
