"""The reader of ABC tunes."""

import pytest

from tagsmith.datasets.scores import abc
from tagsmith.datasets.scores.abc import Note


def tune(body, *, key="C", meter="4/4", unit="1/8"):
    return abc.read(f"X:1\nT:A tune\nR:Reel\nM:{meter}\nL:{unit}\nK:{key}\n{body}\n")


def notes(body, **header):
    return [note for bar in tune(body, **header).bars for note in bar]


def pitches(body, **header):
    return [note.pitch for note in notes(body, **header)]


def quarters(body, **header):
    return pytest.approx([note.quarters for note in notes(body, **header)])


def test_letters_and_octaves_are_midi_pitches():
    assert pitches("C, C c c' B, b") == [48, 60, 72, 84, 59, 83]


@pytest.mark.parametrize(
    ("key", "altered"),
    [
        ("C", {}),
        ("G", {"F": 66}),
        ("D", {"F": 66, "C": 61}),
        ("Em", {"F": 66}),
        ("Ador", {"F": 66}),
        ("Amix", {"F": 66, "C": 61}),
        ("F", {"B": 70}),
        ("Bb", {"B": 70, "E": 63}),
        ("Cm", {"B": 70, "E": 63, "A": 68}),
        ("F#m", {"F": 66, "C": 61, "G": 68}),
        ("E", {"F": 66, "C": 61, "G": 68, "D": 63}),
    ],
)
def test_a_key_signature_alters_its_letters(key, altered):
    natural = dict(zip("CDEFGAB", (60, 62, 64, 65, 67, 69, 71), strict=True))
    assert pitches("CDEFGAB", key=key) == list((natural | altered).values())


def test_an_accidental_lasts_until_the_bar_line_in_its_octave():
    assert pitches("^F F f =f | F f", key="D") == [66, 66, 78, 77, 66, 78]


def test_lengths_multiply_and_divide_the_unit():
    assert quarters("A A2 A/ A// A3/2 A/4") == [0.5, 1, 0.25, 0.125, 0.75, 0.125]


def test_a_missing_unit_follows_from_the_metre():
    assert abc.read("X:1\nM:2/4\nK:C\nA").bars == ((Note(69, 0.25),),)
    assert abc.read("X:1\nM:6/8\nK:C\nA").bars == ((Note(69, 0.5),),)


def test_broken_rhythm_takes_from_one_note_and_gives_to_the_other():
    assert quarters("A>B A<B A>>B (f>.e)") == [
        *(0.75, 0.25, 0.25, 0.75),
        *(0.875, 0.125, 0.75, 0.25),
    ]


def test_three_notes_of_a_triplet_take_the_time_of_two():
    assert quarters("((3ABc) d (3:2:2 A2B z") == [
        *(1 / 3, 1 / 3, 1 / 3, 0.5),
        *(2 / 3, 1 / 3, 0.5),
    ]


def test_rests_are_notes_without_a_pitch():
    assert notes("z2 A") == [Note(None, 1.0), Note(69, 0.5)]


def test_tied_notes_of_a_bar_are_one():
    assert notes("A2-A B") == [Note(69, 1.5), Note(71, 0.5)]


def test_of_notes_struck_together_the_first_counts():
    assert notes("[c2E2]A [AC]2") == [Note(72, 1.0), Note(69, 0.5), Note(69, 1.0)]


def test_ornaments_and_remarks_are_not_played():
    assert pitches('"Am"v{fga}~A !trill!u.B % c\nN: d\nTc') == [69, 71, 72]


def test_a_repeated_strain_is_played_twice():
    assert pitches("A | B :| c | d |]") == [69, 71, 69, 71, 72, 74]
    assert pitches("|: A :: B :|") == [69, 69, 71, 71]


def test_a_repeat_takes_its_second_ending():
    assert pitches("|: A |1 B :|2 c || d |]") == [69, 71, 69, 72, 74]


def test_bars_of_a_real_tune_are_full():
    body = "G | ABc def | gfe dcB | A3 B3 | (c3 c2) :|"
    lengths = [sum(n.quarters for n in bar) for bar in tune(body, meter="6/8").bars]
    assert lengths == [0.5, 3, 3, 3, 2.5] * 2


def test_the_scale_starts_with_the_tonic():
    assert tune("A", key="Ador").scale == (9, 11, 0, 2, 4, 6, 7)


def test_a_file_holds_tunes_from_one_number_to_the_next():
    text = "% a book\nX:1\nK:C\nA\n\nX:2\nK:C\nB\n"
    assert [abc.read(block).number for block in abc.blocks(text)] == ["1", "2"]
