"""Labels keep apart what their source keeps apart, and come back as they were spelt."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tagsmith.core import genres
from tagsmith.core.genres import LabelSpace, label_space, normal_names, normalized
from tagsmith.errors import DataError

SOURCES = ("allmusic", "discogs", "lastfm", "tagtraum")
OVERLAPS = {  # of normalised labels, as published
    ("allmusic", "discogs"): 72,
    ("allmusic", "tagtraum"): 55,
    ("allmusic", "lastfm"): 61,
    ("discogs", "tagtraum"): 36,
    ("discogs", "lastfm"): 97,
    ("lastfm", "tagtraum"): 73,
}
EVERYWHERE = ["blues", "classical", "electronic", "jazz", "latin", "reggae"]


def cased(part):
    """A spelling that its letters decide: none differ in case only."""
    return part.upper() if len(part) % 2 else part


parts = st.tuples(st.text("ab-/ 2", max_size=2), st.sampled_from(["a", "b", "é"]))
own_labels = st.lists(parts.map("".join).map(cased), min_size=1, max_size=2)
vocabulary = st.sets(own_labels.map(genres.SEPARATOR.join), min_size=1, max_size=12)


def named(labels):
    """The names of labels, where they can be named: a dash too many ends in nothing."""
    assume(all(all(map(normalized, label.split("---"))) for label in labels))
    return normal_names(labels)


def space_of(sources):
    for labels in sources.values():
        named(labels)
    return label_space(sources)


@pytest.fixture(scope="session")
def vocabularies(fixtures):
    """The real labels of each source, and `combined`."""
    folder = fixtures / "acousticbrainz"
    if not (folder / "classes_combined.txt").is_file():
        pytest.skip(f"AcousticBrainz's vocabularies are not in {folder}")
    return {name: lines(folder, name) for name in (*SOURCES, "combined")}


def lines(folder, name):
    text = (folder / f"classes_{name}.txt").read_text("utf-8")
    return [line.partition(": ")[2] for line in text.splitlines()]


# --- published


def test_the_union_of_the_four_sources_is_the_published_one(vocabularies):
    space = label_space({source: vocabularies[source] for source in SOURCES})
    assert list(space.labels) == sorted(vocabularies["combined"])
    assert len(space.labels) == 1424
    assert sum(map(genres.is_genre, space.labels)) == 60


def test_sources_share_as_many_labels_as_published(vocabularies):
    space = label_space({source: vocabularies[source] for source in SOURCES})
    known = {source: set(space.spellings[source]) for source in SOURCES}
    counts = [sum(label in known[each] for each in SOURCES) for label in space.labels]
    assert [counts.count(times) for times in (1, 2, 3, 4)] == [1231, 133, 33, 27]
    pairs = itertools.combinations(SOURCES, 2)
    assert {(a, b): len(known[a] & known[b]) for a, b in pairs} == OVERLAPS
    shared = set.intersection(*known.values())
    assert sorted(filter(genres.is_genre, shared)) == EVERYWHERE


def test_two_labels_of_allmusic_alone_collide(vocabularies):
    found = {source: genres.collisions(vocabularies[source]) for source in SOURCES}
    europop = ("pop/rock---euro-pop", "pop/rock---europop")
    assert found == dict.fromkeys(SOURCES, ()) | {"allmusic": (europop,)}


# --- naming


@pytest.mark.parametrize(
    ("label", "normal"),
    [
        ("Pop/Rock---C-86", "poprock---c"),
        ("electronic---2-step/british garage", "electronic---stepbritishgarage"),
        ("nü metal", "nümetal"),
        ("raï", "raï"),
    ],
)
def test_the_normal_form_is_letters_in_lower_case(label, normal):
    assert normalized(label) == normal


@given(st.text())
def test_what_is_normalised_stays_as_it_is(label):
    assert normalized(normalized(label)) == normalized(label)


@given(vocabulary)
def test_names_of_one_source_differ(labels):
    names = named(labels)
    assert set(names) == labels and len(set(names.values())) == len(labels)


@given(vocabulary)
def test_only_what_collides_is_not_in_normal_form(labels):
    alike = {label for group in genres.collisions(labels) for label in group}
    above = {genres.parent(label) or label for label in labels}
    assume(len(set(map(normalized, above))) == len(above))  # else genres collide too
    names = named(labels)
    assert {own for own, name in names.items() if name != normalized(own)} <= alike
    assert set(map(normalized, names.values())) == set(map(normalized, labels))


@given(vocabulary)
def test_a_subgenre_is_named_after_its_genre(labels):
    names = named(labels)
    for label in labels:
        if genres.parent(label) in names:
            assert genres.parent(names[label]) == names[genres.parent(label)]


def test_the_label_in_normal_form_keeps_it():
    names = normal_names(
        ["Pop/Rock---euro-pop", "Pop/Rock---Europop", "Pop/Rock---ska"]
    )
    assert names == {
        "Pop/Rock---Europop": "poprock---europop",
        "Pop/Rock---euro-pop": "poprock---euro-pop",
        "Pop/Rock---ska": "poprock---ska",
    }


def test_subgenres_follow_a_genre_that_collides():
    names = normal_names(["r&b", "rb", "rb---soul", "r&b---soul", "r&b---funk"])
    assert names["rb---soul"] == "rb---soul"
    assert names["r&b---soul"] == "r&b---soul" and names["r&b---funk"] == "r&b---funk"


@pytest.mark.parametrize(
    ("labels", "evidence"),
    [
        (["rock---Indie", "rock---indie"], r"case only: \['rock---Indie', 'rock---ind"),
        (["EURO-pop", "euro-pop", "europop"], r"case only: \['EURO-pop', 'euro-pop'"),
        (["rock---77", "rock---1980", "rock"], r"letters .*rock---1980', 'rock---77'"),
        (["rock---"], r"letters in every part, got \['rock---'\]"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_named(labels, evidence):
    with pytest.raises(DataError, match=evidence):
        normal_names(labels)
    with pytest.raises(DataError, match=f"discogs: .*{evidence}"):
        label_space({"discogs": labels, "lastfm": ["rock"]})


# --- spaces


@given(st.dictionaries(st.sampled_from(SOURCES), vocabulary, min_size=1))
def test_every_source_finds_its_own_labels_again(sources):
    space = space_of(sources)
    for source, labels in sources.items():
        assert space.own(source) == tuple(sorted(labels))
        outputs = [space.labels[column] for column in space.columns(source)]
        spelt = [space.spelling(label, source) for label in outputs]
        assert spelt == sorted(labels)


@given(st.dictionaries(st.sampled_from(SOURCES), vocabulary, min_size=1))
def test_a_space_has_what_a_source_has_and_is_sorted(sources):
    space = space_of(sources)
    columns = [column for each in sources for column in space.columns(each)]
    assert set(columns) == set(range(len(space.labels)))
    assert list(space.labels) == sorted(set(space.labels))


@given(st.dictionaries(st.sampled_from(SOURCES), vocabulary, min_size=1))
def test_a_space_survives_json(sources):
    space = space_of(sources)
    assert LabelSpace.from_tree(json.loads(json.dumps(space.tree()))) == space


def test_one_source_keeps_its_spelling():
    space = label_space({"discogs": ["Rock---C-86", "Rock", "Rock---C 86", "Rock"]})
    assert space.labels == ("Rock", "Rock---C 86", "Rock---C-86")
    assert space.own("discogs") == space.labels


def test_several_sources_meet_in_normal_form():
    space = label_space({"allmusic": ["pop/rock", "folk"], "lastfm": ["Pop Rock"]})
    assert space.labels == ("folk", "poprock")
    assert space.spelling("poprock", "lastfm") == "Pop Rock"
    assert space.spelling("folk", "lastfm") is None
    assert space.columns("lastfm").tolist() == [1]


@pytest.mark.parametrize(
    ("sources", "evidence"),
    [
        ({}, "at least one source"),
        ({"discogs": []}, r"discogs must have labels, none of them empty: \[\]"),
        ({"discogs": ["rock", ""]}, r"none of them empty: \['', 'rock'\]"),
    ],
)
def test_a_space_needs_labels(sources, evidence):
    with pytest.raises(DataError, match=evidence):
        label_space(sources)


def test_an_unknown_source_is_answered_with_the_known_ones():
    space = label_space({"discogs": ["rock"]})
    for asked in (space.own, space.columns, lambda source: space.spelling("x", source)):
        with pytest.raises(DataError, match=r"of 'spotify'; .* \['discogs'\]"):
            asked("spotify")


@pytest.mark.parametrize(
    ("tree", "evidence"),
    [
        ({"labels": ["rock"]}, r"needs \['spellings'\], got \['labels'\]"),
        (
            {"labels": ["rock"], "spellings": {"discogs": {"pop": "Pop"}}},
            r"discogs spells what is no label: \['pop'\]",
        ),
    ],
)
def test_a_tree_that_is_no_space_is_refused(tree, evidence):
    with pytest.raises(DataError, match=evidence):
        LabelSpace.from_tree(tree)


# --- parents


def test_a_subgenre_without_its_genre_stays_alone():
    labels = ["pop", "rock", "rock---indie", "jazz---bebop"]
    decided = np.array([[0, 0, 1, 0], [1, 0, 0, 1]], dtype=bool)
    complete = genres.with_parents(decided, labels)
    assert complete.tolist() == [[False, True, True, False], [True, False, False, True]]


@given(vocabulary.map(sorted), st.integers(0, 2**32 - 1))
def test_parents_are_all_that_is_added(labels, seed):
    decided = np.random.default_rng(seed).random((5, len(labels))) < 0.3
    before = decided.copy()
    complete = genres.with_parents(decided, labels)
    for had, has in zip(decided, complete, strict=True):
        own = {label for label, said in zip(labels, had, strict=True) if said}
        expected = own | ({genres.parent(label) for label in own} & set(labels))
        assert {name for name, is_ in zip(labels, has, strict=True) if is_} == expected
    assert (genres.with_parents(complete, labels) == complete).all()
    assert (decided == before).all()


@pytest.mark.parametrize("shape", [(2, 3), (2,), (1, 2, 2)])
def test_parents_need_a_column_per_label(shape):
    with pytest.raises(DataError, match=r"\(tracks, 2\), a column per label, got"):
        genres.with_parents(np.zeros(shape, dtype=bool), ["a", "b"])
