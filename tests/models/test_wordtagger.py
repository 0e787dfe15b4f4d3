"""A siamese model as a bundle: any words are scored, and what does not fit is said."""

import json
import shutil

import numpy as np
import pytest

from tagsmith import vectors
from tagsmith.errors import DataError, MissingError
from tagsmith.models import bundle as bundles
from tagsmith.models.wordtagger import WordTagger, write_bundle
from tagsmith.store import Store
from tagsmith.vectors import WordVectors
from tests.fakes import ensembles, wordtaggers
from tests.fakes.experiments import TAGS, write_vectors

pytestmark = pytest.mark.keras
ASKED = ["sea shanty", "hurdy gurdy", "Flute"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A store that nobody changes."""
    return wordtaggers.store(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def bundle(made, tmp_path_factory):
    """A bundle that nobody changes."""
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(made, "siamese", folder)
    return folder


@pytest.fixture(scope="module")
def tagger(bundle):
    return WordTagger.load(bundle)


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copy")


@pytest.fixture
def recording(tmp_path):
    return ensembles.tone(tmp_path / "tone.wav")


def test_any_words_are_scored_in_their_order(tagger, recording):
    scores = tagger.score(recording, ASKED)
    np.testing.assert_allclose(scores, tagger.score(recording, ASKED[::-1])[::-1])
    assert scores.dtype == np.float32
    assert len({*scores.round(3)}) == 3
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_word_scores_the_same_whoever_is_asked_for_beside_it(tagger, recording):
    together = tagger.score(recording, ASKED)
    alone = [tagger.score(recording, [word])[0] for word in ASKED]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_without_words_it_scores_the_tags_that_it_learnt(tagger, recording):
    scores = tagger.score(recording)
    np.testing.assert_allclose(scores, tagger.score(recording, TAGS), rtol=1e-5)
    assert {each.tag for each in tagger.listen(recording)} == {*TAGS}


def test_the_word_that_fits_best_is_first_and_top_limits_their_number(
    tagger, recording
):
    heard = tagger.listen(recording, ASKED, top=2)
    best = sorted(zip(tagger.score(recording, ASKED), ASKED, strict=True))[::-1]
    assert [each.tag for each in heard] == [word for _, word in best[:2]]
    assert heard[0].score == pytest.approx(best[0][0], abs=1e-6)


def test_words_without_a_vector_are_named(tagger, recording):
    with pytest.raises(DataError, match=wordtaggers.LACKS):
        tagger.score(recording, ["flute", wordtaggers.LACKS])


def test_a_closed_table_knows_its_tags_only(copy, recording):
    table = vectors.load(copy / "vectors")
    closed = {**table.meta, "open": False, "kind": "random"}
    shutil.rmtree(copy / "vectors")
    WordVectors(table.words, table.values, closed).save(copy / "vectors")
    tagger = WordTagger.load(copy)
    assert len(tagger.score(recording, ["sea", "flute"])) == 2
    with pytest.raises(DataError, match=r"know only .* not 'sea shanty'"):
        tagger.score(recording, ["sea shanty"])


def test_a_bundle_has_the_figures_on_unseen_tags(bundle):
    meta = json.loads((bundle / "meta.json").read_text())
    assert meta["splits"] == 2
    assert meta["unseen_tags"]["sounds"]["retrieval"]["difference"]["value"] == 0.1


def test_a_bundle_has_what_the_model_knows_and_not_how_it_learnt(bundle, made):
    held = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*.*")}
    words = {f"vectors/{name}" for name in ("words.txt", "vectors.npy", "vectors.json")}
    model = {"model/model.json", "model/network.weights.h5"}
    assert held == {"meta.json", *model, *words}
    table = made.place("vectors", "glove", "vectors.npy")
    assert (bundle / "vectors/vectors.npy").read_bytes() == table.read_bytes()


def test_equal_models_are_equal_bytes(bundle, made, tmp_path):
    write_bundle(made, "siamese", tmp_path / "again")
    assert bundles.sha256(tmp_path / "again") == bundles.sha256(bundle)


@pytest.mark.parametrize("part", ["model", "vectors"])
def test_a_bundle_that_lost_a_part_says_so(copy, part):
    shutil.rmtree(copy / part)
    with pytest.raises(MissingError, match=f"no {part}; `tagsmith promote-zeroshot`"):
        WordTagger.load(copy)


def test_vectors_that_changed_since_training_are_refused(made, tmp_path):
    changed = Store(tmp_path / "data", made.root)
    write_vectors(changed, wordtaggers.WORDS[::-1])
    with pytest.raises(DataError, match="learnt its tags with other vectors"):
        write_bundle(changed, "siamese", tmp_path / "bundle")


def test_a_model_that_knows_no_words_is_refused(made, tmp_path):
    path = made.place("models", "siamese", "model.json")
    store = Store(tmp_path / "data", made.root)
    described = json.loads(path.read_text())
    described["config"] = {"kind": "crnn"}
    shutil.copytree(path.parent, store.place("models", "siamese"))
    store.place("models", "siamese", "model.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="is a crnn, which knows only the tags"):
        write_bundle(store, "siamese", tmp_path / "bundle")


def test_a_model_that_was_not_evaluated_is_not_bundled(made, tmp_path):
    store = Store(tmp_path / "data")
    shutil.copytree(made.place("models"), store.place("models"))
    with pytest.raises(MissingError, match="dvc repro evaluate_zeroshot"):
        write_bundle(store, "siamese", tmp_path / "bundle")
