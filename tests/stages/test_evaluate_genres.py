"""Four sources, two subtasks: a tiny AcousticBrainz from its files to its runs."""

import shutil

import numpy as np
import pandas as pd
import pytest

from tagsmith import genrefiles
from tagsmith.config import Params
from tagsmith.core.genres import parent
from tagsmith.core.thresholds import decide
from tagsmith.errors import ConfigError, DataError
from tagsmith.models import sources
from tagsmith.shards import Features
from tagsmith.stages import convert, evaluate_genres, extract, ingest, train, validate
from tagsmith.store import Store, write_json
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import acousticbrainz as fake

pytestmark = pytest.mark.keras

OWN, JOINT = "melband_fcn_own", "melband_fcn"  # subtask 1; subtask 2
SIZES = {
    "engine.workers": 1,
    "validation.most_quarantined": 0.1,
    "architectures.melband_fcn.filters": [16, 16, 16, 16],
    "architectures.melband_fcn.dropout": 0.0,
    "architectures.melband_fcn.training.batch_size": 16,
    "architectures.melband_fcn.training.phases": [
        {"epochs": 20, "learning_rate": 0.01, "decay": "cosine"}
    ],
}


def loaded(section, overrides=None):
    profile = ROOT / "profiles" / "acousticbrainz2018.yaml"
    return Params.load(profile, {**SIZES, **section, **(overrides or {})})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The parameters and the store after both subtasks."""
    folder = tmp_path_factory.mktemp("acousticbrainz")
    params = loaded(fake.write(folder / "task", fake.rows(192)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        shutil.copytree(ROOT / "expectations", folder / "expectations")
        store = Store(folder / "data", scratch=folder / "scratch")
        for stage in (ingest, validate, convert):
            stage.run(params, store, MemoryRecorder())
        extract.run(params, store, MemoryRecorder(), "melbands")
        for model in (OWN, JOINT):
            train.run(params, store, MemoryRecorder(), model)
            evaluate_genres.run(params, store, MemoryRecorder(), model)
    return params, store


@pytest.fixture
def own(made, tmp_path):
    """The same with a store of one's own, for whoever changes what is in it."""
    params, store = made
    shutil.copytree(store.root, tmp_path / "data")
    return params, Store(tmp_path / "data", scratch=tmp_path / "scratch")


def figures(store, model, source):
    table = pd.read_csv(store.place("genres", model, source, "figures.csv"))
    return table.set_index(["split", "per", "block"])["F mean"]


def said(store, source, split):
    """What a source says of the tracks of a split that passed validation."""
    genres, tracks = store.read_table("genres"), store.read_tracks(elsewhere=True)
    kept = tracks.index[tracks["split"] == split]
    return genres[(genres["source"] == source) & genres["track_id"].isin(kept)]


def test_bad_documents_are_in_quarantine_with_their_reason(made):
    _, store = made
    reasons = " ".join(store.read_table("quarantine")["reason"])
    assert len(store.read_table("quarantine")) == len(fake.FURTHER)
    for words in ("JSON", "39 bands", "lacks lowlevel.melbands", "NaN", "no document"):
        assert words in reasons


def test_scores_are_of_the_targets_tracks_and_tags_in_its_own_spelling(made):
    _, store = made
    known = said(store, fake.TARGET, "test")
    for model in (OWN, JOINT):
        scores = store.read_scores(model, "test")
        assert set(scores.index) == set(known["track_id"])
        assert set(scores.columns) == set(store.read_tags())
    assert len(store.read_tracks(elsewhere=True)) > len(store.read_tracks())


def test_one_source_is_submitted_in_subtask_1_and_all_in_subtask_2(made):
    _, store = made
    submitted = {
        m: sorted(p.name for p in store.place("genres", m).iterdir())
        for m in (OWN, JOINT)
    }
    assert submitted == {OWN: [fake.TARGET], JOINT: sorted(fake.SOURCES)}


@pytest.mark.parametrize("source", fake.SOURCES)
def test_a_run_has_that_sources_held_out_tracks_and_labels_alone(made, source):
    _, store = made
    run = genrefiles.read_run(store.place("genres", JOINT, source, "test.tsv"))
    known = said(store, source, "test")
    assert set(run["recording"]) == set(known["track_id"])
    genres = store.read_table("genres")
    own = set(genres["label"][genres["source"] == source])
    assert set(run["label"]) <= own


@pytest.mark.parametrize("source", fake.SOURCES)
def test_thresholds_carry_the_names_of_that_sources_labels(made, source):
    _, store = made
    path = store.place("genres", JOINT, source, "thresholds.tsv")
    table = pd.read_csv(path, sep="\t", header=None)
    genres = store.read_table("genres")
    assert set(table[0]) == set(genres["label"][genres["source"] == source])


def test_both_subtasks_learn_what_is_there_to_hear(made):
    _, store = made
    assert figures(store, OWN, fake.TARGET)["test", "track", "all"] > 0.8
    for source in fake.SOURCES:
        assert figures(store, JOINT, source)["test", "track", "gen"] > 0.8


class Killer(MemoryRecorder):
    """A recorder during one of whose epochs the process dies."""

    def metrics(self, values, step=0):
        if step == 2:
            raise KeyboardInterrupt
        super().metrics(values, step)


def test_a_killed_run_that_asks_all_sources_ends_as_an_undisturbed_one(own):
    params, store = own
    scores = store.read_scores(JOINT, "test")
    with pytest.raises(KeyboardInterrupt):
        train.run(params, store, Killer("first"), JOINT)
    assert train.interrupted_run(params, store, JOINT) == "first"
    train.run(params, store, MemoryRecorder("first"), JOINT)
    pd.testing.assert_frame_equal(store.read_scores(JOINT, "test"), scores)


def test_parents_are_decided_with_their_subgenres(own):
    params, store = own
    with_parents = params.override({"genres.parents": True})
    evaluate_genres.run(with_parents, store, MemoryRecorder(), OWN)
    run = genrefiles.read_run(store.place("genres", OWN, fake.TARGET, "test.tsv"))
    labels = run.groupby("recording", observed=True)["label"].agg(set)
    assert all({parent(x) or x for x in given} <= given for given in labels)


def test_a_label_that_no_validation_track_has_is_never_decided(own):
    params, store = own
    genres = store.read_table("genres")
    rare = store.read_tags()[1]
    held = said(store, fake.TARGET, "validation")
    gone = genres.index.isin(held.index[held["label"] == rare])
    store.write_table("genres", genres[~gone])
    evaluate_genres.run(params, store, MemoryRecorder(), OWN)
    folder = store.place("genres", OWN, fake.TARGET)
    limits = pd.read_csv(folder / "thresholds.tsv", sep="\t", header=None, index_col=0)
    assert np.isinf(limits.loc[rare, 1])
    assert rare not in set(genrefiles.read_run(folder / "test.tsv")["label"])


def test_a_source_without_held_out_tracks_stops_the_stage(own):
    params, store = own
    genres = store.read_table("genres")
    held = said(store, "discogs", "test").index
    store.write_table("genres", genres.drop(held))
    with pytest.raises(DataError, match="source discogs has no test tracks"):
        evaluate_genres.run(params, store, MemoryRecorder(), JOINT)


def test_a_track_without_any_label_stops_the_stage(own):
    params, store = own
    none = params.override({"calibration.fallback_to_top_tag": False})
    scores = "tagsmith.core.thresholds.fit"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, lambda truth, *_: np.full(truth.shape[1], 2.0))
        with pytest.raises(DataError, match="fallback_to_top_tag"):
            evaluate_genres.run(none, store, MemoryRecorder(), OWN)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"models.melband_fcn.sources": ["discogs"]}, "without the target"),
        ({"models.melband_fcn.sources": ["allmusic", "spotfy"]}, "spotfy"),
        ({"dataset.target": "napster"}, "napster"),
        ({"genres.submitted": ["crnn"]}, "crnn"),
    ],
)
def test_sources_that_cannot_be_are_refused(tmp_path, overrides, message):
    with pytest.raises(ConfigError, match=message):
        loaded({"dataset": fake.section(tmp_path)}, overrides)


# --- in a bundle


@pytest.fixture
def bundle(made, tmp_path):
    """As much of a bundle as other sources need."""
    params, store = made
    rule = params.calibration.model_dump(mode="json")
    write_json(tmp_path / "bundle/ensemble.json", {"weights": {}, "calibration": rule})
    sources.put(store, tmp_path / "bundle", submitted=(OWN, JOINT), target=fake.TARGET)
    return tmp_path / "bundle"


@pytest.mark.parametrize("source", sorted({*fake.SOURCES} - {fake.TARGET}))
def test_a_bundle_decides_for_other_sources_as_was_evaluated(made, bundle, source):
    _, store = made
    decider = sources.load(bundle, source)
    run = genrefiles.read_run(store.place("genres", JOINT, source, "test.tsv"))
    ids = list(run["recording"].unique())
    heard = Features(store.place("features", "melbands")).tracks(ids)
    scores = decider.score_features([{"melbands": each} for each in heard])
    decided = decide(scores, decider.thresholds, decider.calibration)
    pairs = {(ids[t], decider.tags[tag]) for t, tag in np.argwhere(decided)}
    assert pairs == set(zip(run["recording"], run["label"], strict=True))


def test_a_source_that_nothing_learnt_is_named_with_those_that_are_known(bundle):
    with pytest.raises(DataError, match=r"'napster'; it knows \['allmusic', 'discogs'"):
        sources.load(bundle, "napster")
