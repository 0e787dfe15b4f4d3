"""The page shows what was found, needs nothing else, and trusts no name."""

import base64
import hashlib
import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest

from tagsmith.errors import DataError, MissingError
from tagsmith.stages import report
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes import evaluation

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
FORMULA = r"$\frac$ {{ 7 * 7 }}"
TAGS = ("cello", "flute", "null", FORMULA, SCRIPT, IMAGE)


class Page(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, name):
        return [
            value
            for _, attrs in self.elements
            for key, value in attrs.items()
            if key == name
        ]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store that has been reported on."""
    made = Store(tmp_path_factory.mktemp("reported") / "data")
    evaluation.write(made, tags=TAGS)
    report.run(evaluation.params(), made, MemoryRecorder())
    return made


@pytest.fixture
def another(store, tmp_path):
    """A copy of it to spoil."""
    shutil.copytree(store.root, tmp_path / "data")
    return Store(tmp_path / "data")


def html(store):
    return store.place("reports", "report.html").read_text("utf-8")


def test_the_page_loads_nothing_from_elsewhere(store):
    page = Page(html(store))
    assert all(
        source.startswith("data:image/png;base64,") for source in page.all("src")
    )
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert "url(" not in html(store) and "@import" not in html(store)


def test_every_link_leads_to_something(store):
    page = Page(html(store))
    for address in page.all("href"):
        if address.startswith("#"):
            assert address[1:] in page.all("id")
        else:
            assert store.place("reports", address).is_file()


def test_the_checks_of_the_data_are_linked(store):
    linked = [a for a in Page(html(store)).all("href") if "data_docs" in a]
    assert linked == [
        f"data_docs/{n}/index.html" for n in ("features", "scores", "tables")
    ]


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_shown_as_it_was_written(store, tag):
    assert tag in Page(html(store)).text


def test_a_hostile_tag_adds_no_element(store):
    page = Page(html(store))
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    assert not [
        name for _, attrs in page.elements for name in attrs if name[:2] == "on"
    ]


def test_the_policy_lets_only_the_pages_own_script_run(store):
    script = re.search(r"<script>(.*?)</script>", html(store), re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [value for value in Page(html(store)).all("content") if "src" in value]
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")


def test_equal_inputs_are_equal_bytes(store, another):
    report.run(evaluation.params(), another, MemoryRecorder())
    assert html(another) == html(store)


def test_it_says_what_the_ensemble_reaches_and_on_which_split(store):
    figures = store.read_report("metrics", made_by="evaluate")
    reached = figures["test"]["ensemble"]["ROC-AUC-macro"]
    assert f"Macro ROC-AUC, test {reached:.3f}" in Page(html(store)).text


def test_every_model_is_compared_on_both_splits(store):
    for split in ("test", "validation"):
        table = html(store).split(f"macro, {split}")[1].split("</table>")[0]
        for model in (*evaluation.SKILLS, "ensemble"):
            assert f"<td>{model}</td>" in table


def test_groups_are_compared_in_the_table_and_leave_the_chart_alone(store):
    for split in ("test", "validation"):
        table = html(store).split(f"macro, {split}")[1].split("</table>")[0]
        ensemble, groups, models = table.split("<tbody>")[1:]
        assert "<td>ensemble</td>" in ensemble
        assert all(name in groups for name in ("group all", "group lstms"))
        assert "crnn_gru</td>" in models and "group " not in models
    chart = html(store).split('class="dots"')[1].split('class="key"')[0]
    assert "crnn_gru" in chart and "group " not in chart


def test_a_group_says_of_what_it_is_the_mean(store):
    row = html(store).split("group lstms")[1].split("</td>")[0]
    assert "mean of 2" in row
    assert 'title="crnn_lstm, crnn_bilstm">group lstms' in html(store)


def test_unseen_tags_are_told_split_by_split_and_in_the_mean(another):
    evaluation.write_zeroshot(another, TAGS)
    report.run(evaluation.params_with_words(), another, MemoryRecorder())
    section = html(another).split('id="unseen"')[1].split("</section>")[0]
    text = Page(section).text
    assert text.count("cello, flute") == 2 and text.count("mean") >= 1
    assert {"glove", "chance", "AP@1", "MAP"} <= set(text.split())
    assert 'href="#unseen"' in html(another)


def test_without_word_models_nothing_is_said_of_unseen_tags(store):
    assert 'id="unseen"' not in html(store) and "#unseen" not in html(store)


def test_figures_on_unseen_tags_that_are_not_there_name_their_stage(another):
    with pytest.raises(MissingError, match="evaluate_zeroshot"):
        report.run(evaluation.params_with_words(), another, MemoryRecorder())


def test_genres_are_told_source_by_source(another):
    params = evaluation.params()
    genres = params.genres.model_copy(update={"submitted": ("crnn_gru",)})
    folder = another.place("genres", "crnn_gru", "discogs")
    folder.mkdir(parents=True)
    figures = pd.DataFrame(
        {
            "split": split,
            "per": per,
            "block": block,
            **dict.fromkeys(("P mean", "R mean", "F mean"), value),
        }
        for split, value in (("validation", 0.111), ("test", 0.222))
        for per in ("track", "label")
        for block in ("all", "gen", "sub")
    )
    figures.to_csv(folder / "figures.csv", index=False)
    report.run(params.model_copy(update={"genres": genres}), another, MemoryRecorder())
    text = Page(html(another).split('id="genres"')[1].split("</section>")[0]).text
    assert text.count("discogs") == 2 and text.count("0.222") == 18
    assert "0.111" not in text


def test_with_one_source_of_tags_nothing_is_said_of_genres(store):
    assert 'id="genres"' not in html(store) and "#genres" not in html(store)


def test_tags_are_told_without_groups(store):
    assert "group" not in html(store).split('id="tags"')[1].split("</section>")[0]


def test_what_was_left_out_is_named_with_its_reason(store):
    text = Page(html(store)).text
    for track, reason in evaluation.QUARANTINE.items():
        assert f"{track} {reason}" in text


def test_what_splits_share_is_shown_with_its_numbers(store):
    text = Page(html(store)).text
    assert "recording unknown unknown 657 album" in text
    assert "artist 100.0 % 120 of 120 100.0 % 119 of 119 0" in text
    assert "figures on them are optimistic" in text
    assert "cut from recordings" not in text


def test_leaking_recordings_are_told_at_the_top(another):
    said(another, recording="suite")
    top = Page(html(another)).text.split("The gate")[0]
    assert "119 test tracks that training never heard (119 of them cut from" in top


def test_it_says_where_nobody_knows_what_splits_share(another):
    said(another, artist="")
    assert "nobody says which recording, album or artist" in Page(html(another)).text


def said(store, **names):
    """Say something of all tracks, and report on them."""
    store.write_table("tracks", store.read_table("tracks").assign(**names))
    evaluation.write_verdicts(store, promoted=True)
    report.run(evaluation.params(), store, MemoryRecorder())


def test_a_validation_of_an_earlier_version_is_refused(another):
    another.write_report("validation", {"success": True, "suites": {}})
    with pytest.raises(DataError, match=r"\['success', 'suites'\].*repro -f validate"):
        report.run(evaluation.params(), another, MemoryRecorder())


def test_a_promoted_version_is_called_the_champion(store):
    assert "Version 3 of tagsmith is the champion" in Page(html(store)).text


def test_a_refusal_is_told_with_its_evidence(another):
    evaluation.write_verdicts(another, promoted=False)
    report.run(evaluation.params(), another, MemoryRecorder())
    text = Page(html(another)).text
    assert "Version 3 of tagsmith stays a challenger" in text
    assert "refused" in text and evaluation.EVIDENCE["floor"] in text


def test_the_parameters_are_shown_as_resolved(store):
    text = Page(html(store)).text
    assert (
        f"bootstrap_samples: {evaluation.params().evaluation.bootstrap_samples}" in text
    )


def test_a_tag_without_positives_has_no_figure(another):
    path = another.place("reports", "per_tag.csv")
    lines = path.read_text("utf-8").splitlines()
    spoilt = [re.sub(r"cello,\d+,[^,]+,[^,]+", "cello,0,,", line) for line in lines]
    path.write_text("\n".join(spoilt), "utf-8")
    report.run(evaluation.params(), another, MemoryRecorder())
    assert "cello 0 none none" in Page(html(another)).text


def test_the_page_is_kept_with_the_run(store):
    recorder = MemoryRecorder()
    report.run(evaluation.params(), store, recorder)
    assert recorder.logged_artifacts == [(store.place("reports", "report.html"), None)]


@pytest.mark.parametrize(
    ("parts", "stage"),
    [
        (("reports", "metrics.json"), "evaluate"),
        (("reports", "intervals.json"), "evaluate"),
        (("reports", "per_tag.csv"), "evaluate"),
        (("reports", "plots", "roc.png"), "evaluate"),
        (("reports", "plots", "cooccurrence.csv"), "evaluate"),
        (("reports", "promotion.json"), "promote"),
        (("reports", "validation.json"), "validate"),
        (("fusion", "ensemble.json"), "fuse"),
        (("fusion", "candidates.csv"), "fuse"),
        (("fusion", "thresholds", "ensemble.tsv"), "fuse"),
        (("tables", "quarantine.parquet"), "validate"),
    ],
)
def test_a_missing_input_is_named_with_the_stage_that_makes_it(another, parts, stage):
    another.place(*parts).unlink()
    with pytest.raises(MissingError, match=f"{parts[-1]}.*dvc repro {stage}`"):
        report.run(evaluation.params(), another, MemoryRecorder())
