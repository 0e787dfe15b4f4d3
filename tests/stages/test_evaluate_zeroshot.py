"""Stage `evaluate_zeroshot`: what is unseen stays unseen, and a kill costs nothing."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tagsmith import trials, vectors
from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.stages import evaluate_zeroshot
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes.experiments import (
    TAGS,
    store_with_features,
    tiny_params,
    write_vectors,
)

pytestmark = pytest.mark.keras

NAME, SOURCES = "siamese", ["glove", "chance"]
FAMILIES = {"all": ["*"], "most": ["[!s]*"]}  # five tags, and four of them
SETTINGS = {
    "seed": 1883,
    "zeroshot.tags": FAMILIES,
    "zeroshot.seen_share": 0.6,  # three of five, two of four
    "zeroshot.tag_splits": 1,
    "zeroshot.learn_from": "ab",
    "zeroshot.validation_share": 0.3,
    "zeroshot.protocol": "strict",
    "zeroshot.best": [1, 2],
    "evaluation.bootstrap_samples": 50,
    "architectures.siamese.training.phases": [
        {"epochs": 2, "learning_rate": 0.01, "decay": "none"}
    ],
}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is tidied up."""


def params(**changes):
    return tiny_params(**SETTINGS | changes)


def filled(folder):
    """Return a store with features whose tracks are two to a group."""
    store = store_with_features(folder, np.random.default_rng(1883))
    tracks = store.read_table("tracks")
    number = tracks["track_id"].str[1:].astype(int)
    group = (number // 12).astype(str) + "-" + (number % 6).astype(str)
    store.write_table("tracks", tracks.assign(group=group))
    return store


def run(store, name=NAME, **changes):
    evaluate_zeroshot.run(params(**changes), store, MemoryRecorder(), name)


def spying(taught):
    """Return a `fit` that notes what it is given."""
    from tagsmith.training.fit import fit

    def noted(tagger, lessons, validation, *others):
        known = np.array(tagger.network.get_layer("words").vectors)
        taught.append(SimpleNamespace(tags=tagger.tags, lessons=lessons, known=known))
        taught[-1].validation = validation
        return fit(tagger, lessons, validation, *others)

    return noted


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """An undisturbed run: its store, what it wrote and recorded, and what it taught."""
    store = filled(tmp_path_factory.mktemp("zeroshot"))
    recorder, taught = MemoryRecorder(), []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tagsmith.training.teach.fit", spying(taught))
        evaluate_zeroshot.run(params(), store, recorder, NAME)
    folder = store.place("zeroshot", NAME)
    tables = {
        name: pd.read_parquet(folder / f"{name}.parquet") for name in ("tags", "tracks")
    }
    return SimpleNamespace(
        store=store, folder=folder, recorder=recorder, taught=taught, **tables
    )


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path)


@pytest.fixture
def untaught(monkeypatch):
    """Let nothing be trained: mistakes are found before."""

    def fit(*_):
        pytest.fail("a network was trained in vain")

    monkeypatch.setattr("tagsmith.training.teach.fit", fit)


# --- what it writes


def test_there_are_figures_of_every_setup_split_and_vectors(ran):
    names = ["figures.csv", "intervals.json", "tags.parquet", "tracks.parquet"]
    assert sorted(path.name for path in ran.folder.iterdir()) == names
    table = pd.read_csv(ran.folder / "figures.csv")
    counts = table.groupby(["vectors", "family", "tag_split"]).size()
    splits = list(zip(FAMILIES, (1, 2), strict=True))
    assert counts.to_dict() == {(s, *n): 2 * 4 * 2 for s in SOURCES for n in splits}
    assert {"roc_auc", "hit@1", "precision@2", "rows", "undefined"} <= set(table)


def test_there_are_intervals_of_both_vectors_and_their_difference(ran):
    found = json.loads((ran.folder / "intervals.json").read_text())
    assert len(found["splits"]) == 2
    assert set(found["mean"]) == set(FAMILIES)
    for tree in [*found["splits"], *found["mean"].values()]:
        assert set(tree) == {"annotation", "retrieval"}
        assert set(tree["retrieval"]) == {*SOURCES, "difference"}


def test_the_interval_of_a_split_is_of_the_figure_beside_it(ran):
    found = json.loads((ran.folder / "intervals.json").read_text())
    table = pd.read_csv(ran.folder / "figures.csv")
    table = table[(table["tracks"] == "B+C") & (table["tags"] == "Y")]
    for row in table.itertuples():
        interval = found["splits"][row.tag_split - 1][row.direction][row.vectors]
        assert interval["value"] == pytest.approx(row.roc_auc)


def test_means_and_curves_are_recorded(ran):
    logged = {name: value for name, value, _ in ran.recorder.logged_metrics}
    found = json.loads((ran.folder / "intervals.json").read_text())["mean"]
    mean = found["most"]["retrieval"]["difference"]["value"]
    assert logged["most/retrieval/difference"] == mean
    assert {"split_1/glove/loss", "split_2/chance/validation_roc_auc"} <= set(logged)


def test_unfinished_work_is_gone_in_the_end(ran):
    assert not list(ran.store.scratch.rglob("*.np[yz]"))
    assert not list(ran.store.scratch.rglob("*.parquet"))


# --- what is learnt


def used(ran, number, use):
    """Return the tracks of a use, and the seen tags, of a split of the tags."""
    tags = ran.tags[ran.tags["tag_split"] == number]
    tracks = ran.tracks[ran.tracks["tag_split"] == number].set_index("track_id")
    seen = list(tags["tag"][tags["side"] == "seen"])
    return list(tracks.index[tracks["use"] == use]), seen


def test_no_track_or_group_that_is_learnt_is_tested(ran):
    known = ran.store.read_tracks()
    for _, tracks in ran.tracks.set_index("track_id").groupby("tag_split"):
        learnt, tested = (
            tracks.index[tracks["use"] != ""],
            tracks.index[tracks["tested"]],
        )
        assert len(learnt) and len(tested)
        assert set(known.loc[learnt, "group"]).isdisjoint(known.loc[tested, "group"])
        assert not (known.loc[learnt, "split"] == "test").any()


def test_only_seen_tags_are_learnt(ran):
    assert len(ran.taught) == 4  # two splits, of each both vectors
    for place, unit in enumerate(ran.taught):
        tracks, seen = used(ran, 1 + place // 2, "train")
        assert len(seen) == 3 - place // 2 and list(unit.tags) == seen
        truth = ran.store.read_known().loc[tracks, seen]
        np.testing.assert_array_equal(unit.lessons.truth, truth)
        tracks, _ = used(ran, 1 + place // 2, "validation")
        truth = ran.store.read_known().loc[tracks, seen]
        np.testing.assert_array_equal(unit.validation.truth, truth)


def test_a_network_is_told_what_its_seen_tags_mean(ran):
    for place, unit in enumerate(ran.taught):
        table = vectors.load(ran.store.place("vectors", SOURCES[place % 2]))
        np.testing.assert_array_equal(unit.known, table.of(unit.tags))


def test_with_both_vectors_the_same_clips_are_heard(ran):
    ours, control, *_ = [unit.lessons.clips for unit in ran.taught]
    for (heard, truth), (again, same) in zip(
        ours.epoch(0), control.epoch(0), strict=True
    ):
        np.testing.assert_array_equal(heard, again)
        np.testing.assert_array_equal(truth, same)


def test_a_family_is_of_the_tags_that_its_patterns_name(ran, store):
    tags = ran.tags.groupby("family")["tag"].agg(list).to_dict()
    known = ["air", "flute", "organ", "polka", "slow"]
    assert tags == {"all": known, "most": known[:-1]}
    some = params(**{"zeroshot.tags": {"own": ["[fo]*", "air"]}})
    material = trials.gather(some, store, NAME)
    assert list(material.truth.columns) == ["air", "flute", "organ"]
    assert material.vectors["glove"].shape == (3, 6)


def test_a_trial_says_which_of_all_tracks_were_tested(store):
    material = trials.gather(params(), store, NAME)
    split = trials._holdout(params(), material, "most", 0)
    scores = split.truth.astype(float)  # as if all were known
    trial = trials.trial(split, scores)
    np.testing.assert_array_equal(trial.truth, split.truth.iloc[trial.rows])
    np.testing.assert_array_equal(trial.scores, trial.truth)
    assert split.tracks["tested"].iloc[trial.rows].all()
    assert list(split.truth.columns[~trial.unseen]) == list(split.seen)


# --- kills


def dying(saved):
    """Return a `Checkpoint.save` that notes itself; the fifth is a process's last."""
    from tagsmith.training.checkpoint import Checkpoint

    def save(self, *progress, usual=Checkpoint.save, **arrays):
        usual(self, *progress, **arrays)
        saved.append(self.path.name)
        if len(saved) == 5:
            raise Killed

    return save


@pytest.mark.slow
def test_a_killed_run_repeats_no_finished_network_and_ends_as_an_undisturbed_one(
    ran, tmp_path, monkeypatch
):
    store = Store(shutil.copytree(ran.store.root, tmp_path / "data"), scratch=tmp_path)
    saved, taught = [], []
    place = "tagsmith.training.checkpoint.Checkpoint.save"
    monkeypatch.setattr(place, dying(saved))
    with pytest.raises(Killed):  # in the third of four networks
        run(store)
    monkeypatch.setattr("tagsmith.training.teach.fit", spying(taught))
    run(store)
    assert (len(taught), len(saved)) == (2, 4 * 2)  # of two epochs each
    for name in ("figures.csv", "intervals.json"):
        again = store.place("zeroshot", NAME, name).read_bytes()
        assert again == (ran.folder / name).read_bytes()


def test_work_on_other_groups_or_parameters_is_not_continued(store):
    def scratch(**changes):
        return trials.gather(params(**changes), store, NAME).scratch

    before = scratch()
    assert scratch(**{"zeroshot.best": [3]}) == before  # judges the same scores
    assert scratch(**{"word_models.siamese.dropout": 0.25}) != before
    store.write_table("tracks", store.read_table("tracks").assign(group="all"))
    assert scratch() != before


# --- mistakes

in_vain = pytest.mark.usefixtures("untaught")


@in_vain
@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({}, "multiscale", "models.multiscale is a multiscale, which knows only the"),
        ({}, "siamse", "no model 'siamse' .*did you mean 'siamese'"),
        (
            {"zeroshot.tags": {"all": ["*"], "new": ["x*"]}},
            NAME,
            r"tags.new is \['x\*'\]",
        ),
        (
            {"word_models.siamese.vectors": "chance"},
            NAME,
            "'chance', and so is zeroshot",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(store, changes, name, message):
    with pytest.raises(ConfigError, match=message):
        run(store, name, **changes)


@in_vain
def test_a_tag_without_a_vector_is_named(store):
    write_vectors(store, TAGS)
    with pytest.raises(DataError, match=r"2 have words .* 'air' \(air\), 'polka'"):
        run(store)


@in_vain
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("split", "test", "leaves no training tracks and no validation tracks: of 24"),
        ("group", "all", "leaves no .*tested tracks with an unseen tag"),
    ],
)
def test_a_split_that_leaves_nothing_is_refused(store, column, value, message):
    store.write_table("tracks", store.read_table("tracks").assign(**{column: value}))
    with pytest.raises(DataError, match=message):
        run(store)


@in_vain
@pytest.mark.parametrize(
    ("folder", "stage"),
    [("features/logmel_22050", "extract"), ("vectors/chance", "vectors")],
)
def test_what_has_not_been_made_is_answered_with_its_stage(store, folder, stage):
    shutil.rmtree(store.place(folder))
    with pytest.raises(MissingError, match=f"`dvc repro {stage}` makes it"):
        run(store)
