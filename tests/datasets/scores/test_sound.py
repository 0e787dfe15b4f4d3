"""What is heard: loudness, tuning, tone, room."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.datasets.scores import equalizer, player, room, synthesis
from tagsmith.datasets.scores.dataset import soundfont
from tagsmith.datasets.scores.player import Part, Tone

for package in ("tinysoundfont", "pretty_midi"):
    pytest.importorskip(package, reason="the extra `render` is not installed")

RATE_HZ = synthesis.RATE_HZ


def part(*notes, cents=0.0, program=73, level_db=0.0):
    plain = Tone(cents, 0.0, 5.0, 0.0, 0.1, 0.0, 0.0, 1000.0, 0.0)
    return Part(
        program,
        drums=False,
        notes=np.array(notes, float),
        level_db=level_db,
        pan=0.0,
        tone=plain,
    )


def sound(played, seconds=1.0):
    return synthesis.synthesise(played, round(seconds * RATE_HZ), soundfont("timgm6mb"))


def strongest_hz(samples, rate_hz=RATE_HZ):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return np.argmax(spectrum) * rate_hz / len(samples) / 8


def test_a_note_sounds_at_its_pitch():
    assert strongest_hz(sound(part((0, 1, 81, 90)))) == pytest.approx(880, rel=0.006)


def test_a_part_out_of_tune_sounds_so():
    ratio = strongest_hz(sound(part((0, 1, 81, 90), cents=40.0))) / strongest_hz(
        sound(part((0, 1, 81, 90)))
    )
    assert 1200 * np.log2(ratio) == pytest.approx(40, abs=3)


def test_a_note_starts_at_its_onset():
    samples = np.abs(sound(part((0.5, 0.4, 72, 100))))
    assert samples[: RATE_HZ // 2].max() < 1e-4 < samples[RATE_HZ // 2 :].max()


@pytest.mark.parametrize("program", [0, 6, 40, 60, 73, 105])
def test_loudness_does_not_depend_on_the_instrument(program):
    notes = [(t / 4, 0.25, 72, 80) for t in range(8)]
    samples = sound(part(*notes, program=program, level_db=-6.0), 2.0)
    assert 20 * np.log10(synthesis.loudness(samples)) == pytest.approx(-6, abs=0.1)


def test_the_same_part_gives_the_same_samples_whatever_was_played_before():
    played = part((0, 1, 72, 90))
    first = sound(played)
    sound(part((0, 1, 40, 120), program=52))
    np.testing.assert_array_equal(first, sound(played))


@given(st.floats(-9, 9))
def test_shelves_and_peaks_boost_where_they_say(boost_db):
    far_below, corner, far_above = np.array([[10.0], [1000.0], [20000.0]])
    assert equalizer.low_shelf(far_below, 1000, boost_db) == pytest.approx(
        boost_db, abs=0.1
    )
    assert equalizer.low_shelf(far_above, 1000, boost_db) == pytest.approx(0, abs=0.1)
    assert equalizer.high_shelf(far_below, 1000, boost_db) == pytest.approx(0, abs=0.1)
    assert equalizer.high_shelf(far_above, 1000, boost_db) == pytest.approx(
        boost_db, abs=0.1
    )
    assert equalizer.peak(corner, 1000, boost_db) == pytest.approx(boost_db)
    assert equalizer.peak(far_above, 1000, boost_db) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("rate_hz", room.SAMPLE_RATES_HZ)
def test_a_note_keeps_pitch_and_level_at_any_sample_rate(rate_hz):
    plain = room.Room(0.2, 0.0, 0.0, 0.0, -np.inf, -20.0, 1, rate_hz, 0, 0.0)
    bank = soundfont("timgm6mb")
    rng = np.random.default_rng(0)
    heard = room.record([part((0, 1, 81, 90))], plain, 1.0, bank, rng)[:, 0]
    assert strongest_hz(heard, rate_hz) == pytest.approx(880, rel=0.006)
    assert 20 * np.log10(np.sqrt(np.mean(heard**2))) == pytest.approx(-20, abs=0.01)
    assert len(heard) == rate_hz


@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_its_tone_as_much_is_heard_of_a_part(seed):
    rng = np.random.default_rng(seed)
    spectrum = rng.standard_normal(1000) + 1j * rng.standard_normal(1000)
    frequencies = np.linspace(0, 22050, 1000)
    toned = room._toned(spectrum, frequencies, player._tone(None, rng))
    heard = np.linalg.norm(toned * room._hearing(frequencies))
    assert heard == pytest.approx(np.linalg.norm(spectrum))


def test_reverberation_fades_by_60_db():
    live = room.Room(1.0, 1.0, 0.0, 0.0, -np.inf, -20.0, 1, 44100, 0, 0.0)
    frequencies = np.fft.rfftfreq(2 * RATE_HZ, 1 / RATE_HZ)
    response = np.fft.irfft(
        room._answer(live, frequencies, np.random.default_rng(0))[0]
    )
    early, late = response[: RATE_HZ // 20], response[RATE_HZ - RATE_HZ // 20 : RATE_HZ]
    assert 10 * np.log10(np.mean(early**2) / np.mean(late**2)) == pytest.approx(
        57, abs=3
    )


@given(st.integers(0, 2**32 - 1))
def test_a_room_never_clips_and_keeps_the_length(seed):
    rng = np.random.default_rng(seed)
    drawn = room.draw(rng)
    noise = rng.standard_normal((1000, drawn.channels)).astype(np.float32)
    levelled = room._levelled(noise, drawn, rng)
    assert levelled.shape == noise.shape and np.abs(levelled).max() <= room.PEAK + 1e-6


def test_bit_rates_are_those_of_the_mpeg_version(tmp_path):
    drawn = room.Room(1.0, 0.0, 0.0, 0.0, -np.inf, -20.0, 1, 32000, 96, 0.0)
    tone = np.sin(np.arange(32000 * 4) / 10).astype(np.float32)[:, np.newaxis]
    room.encode(0.5 * tone, drawn, tmp_path / "a.mp3")
    assert (tmp_path / "a.mp3").stat().st_size * 8 / 4000 == pytest.approx(96, rel=0.05)
