"""A card as Markdown: its sections, its tables, and names that are only names."""

import copy
import itertools

import pytest
from markdown_it import MarkdownIt

from tagsmith import cards
from tagsmith.reporting import card as layout
from tagsmith.reporting.origin import as_yaml
from tagsmith.store import Store
from tests.fakes import evaluation

SECTIONS = ["Data", "Figures", "Tags", "Members", "Limits", "Latency"]
EVIL = "r|b `x` *y* <script>alert(1)</script> [z](http://a)\n# no"


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("card") / "data")
    evaluation.write(store)
    measured = store.read_report("metrics", made_by="evaluate")["test"]["ensemble"]
    known = cards.of_ensemble(evaluation.params(), store, measured)
    settled = store.read_report("promotion", made_by="promote")
    return {**known, "model": settled, "test_set_sha256": "5e" * 32}


@pytest.fixture
def facts(gathered):
    return copy.deepcopy(gathered)


def markdown(facts):
    return layout.markdown(facts, as_yaml(facts["parameters_of"]))


def tokens(text):
    return MarkdownIt("commonmark").enable("table").parse(text)


def texts(text, kind):
    """The text of every element of a kind."""
    found = tokens(text)
    return [
        after.content
        for token, after in itertools.pairwise(found)
        if token.type == f"{kind}_open"
    ]


def test_the_sections_are_those_of_a_model_card(facts):
    first, *sections = texts(markdown(facts), "heading")
    assert first == "tagsmith version 3"
    assert sections == [*SECTIONS, "Made of", "Parameters"]


def test_who_decides_for_other_sources_is_told(facts):
    assert facts["sources"] == {}  # the data set has one source of tags
    facts["sources"] = {"last|fm": {"model": "joint", "f_score": 0.3541}}
    text = markdown(facts)
    assert "Other sources" in texts(text, "heading")
    assert r"| last\|fm | joint | 0.354 |" in text


def test_every_tag_has_its_row_with_its_threshold(facts):
    lines = markdown(facts).splitlines()
    for each in facts["tags"]:
        (row,) = [line for line in lines if line.startswith(f"| {each['tag']} |")]
        assert row.endswith(
            f"{each['f_score']:.3f} | {each['precision']:.3f} | "
            f"{each['recall']:.3f} | {each['threshold']:.3f} |"
        )


def test_figures_members_versions_and_parameters_are_told(facts):
    text = markdown(facts)
    test = {each["metric"]: each for each in facts["figures"]}["ROC-AUC-macro"]
    assert (
        f"| ROC-AUC-macro | {test['validation']:.3f} | {test['test']:.3f} | "
        f"{test['low']:.3f} to {test['high']:.3f} |"
    ) in text
    assert all(
        f"| {name.replace('_', chr(92) + '_')} |" in text for name in facts["members"]
    )
    assert f"| keras | {facts['made_of']['versions']['keras']} |" in text
    (code,) = [each.content for each in tokens(text) if each.type == "code_block"]
    assert code.strip() == as_yaml(facts["parameters_of"]).strip()


@pytest.mark.parametrize("promoted", [True, False])
def test_it_says_whether_the_version_was_promoted_and_why(facts, promoted):
    facts["model"] |= {"promoted": promoted, "reason": "it is below the floor"}
    words = "Promoted to champion" if promoted else "Not promoted"
    assert f"{words}: it is below the floor." in markdown(facts)


def test_names_are_only_names(facts):
    facts["tags"][0]["tag"] = EVIL
    facts["data"]["licences"] = {EVIL: 1}
    facts["limits"] = [EVIL]
    html = MarkdownIt("commonmark").enable("table").render(markdown(facts))
    assert "<script>" not in html
    assert "<a " not in html and "<em>y" not in html
    assert html.count("&lt;script&gt;") == 3
    assert len(texts(markdown(facts), "heading")) == 9


def test_what_is_not_known_has_words(facts):
    facts["tags"][0] |= {"roc_auc": None, "threshold": None}
    (row,) = [
        line
        for line in markdown(facts).splitlines()
        if line.startswith(f"| {facts['tags'][0]['tag']} |")
    ]
    assert "| none |" in row
    assert row.endswith("| never |")


def test_the_description_is_short_and_says_where_the_rest_is(facts):
    text = layout.description(facts, "The rest is elsewhere.")
    assert len(text) < layout.LONGEST_DESCRIPTION
    assert texts(text, "heading")[1:] == [s for s in SECTIONS if s != "Tags"]
    assert text.endswith("The rest is elsewhere.")


def test_a_long_description_is_cut_between_lines(facts):
    facts["data"]["licences"] = {f"licence {n:04d}": n for n in range(400)}
    text = layout.description(facts, "The rest is elsewhere.")
    assert len(text) <= layout.LONGEST_DESCRIPTION
    assert text.endswith(" tracks\n...\n\nThe rest is elsewhere.")


def test_equal_facts_are_equal_text(facts):
    assert markdown(facts) == markdown(copy.deepcopy(facts))
