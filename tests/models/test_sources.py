"""Which model of a bundle decides for which source."""

import json

import pandas as pd
import pytest

from tagsmith.errors import MissingError
from tagsmith.models import sources
from tagsmith.store import Store, write_json, write_text

F_SCORES = {  # by model and source, on validation; on test the other way round
    "own": {"allmusic": 0.5},
    "joint": {"allmusic": 0.6, "discogs": 0.3, "lastfm": 0.4},
    "published": {"allmusic": 0.4, "discogs": 0.35, "lastfm": 0.4},
}


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "data")
    for model, figures in F_SCORES.items():
        write_json(made.place("models", model, "model.json"), {"name": model})
        write_text(made.place("models", model, "history.csv"), "epoch\n")
        for source, f_score in figures.items():
            folder = made.place("genres", model, source)
            write_text(folder / "thresholds.tsv", f"jazz of {source}\t{f_score}\n")
            rows = [
                (split, per, block, value)
                for split, value in {"validation": f_score, "test": -f_score}.items()
                for per in ("track", "label")
                for block in ("all", "gen", "sub")
                for value in [value if (per, block) == ("track", "all") else 1 - value]
            ]
            table = pd.DataFrame(rows, columns=["split", "per", "block", "F mean"])
            table.to_csv(folder / "figures.csv", index=False)
    return made


def put(store, bundle, submitted=tuple(F_SCORES)):
    bundle.mkdir()
    sources.put(store, bundle, submitted=submitted, target="allmusic")
    return bundle


def test_the_best_on_a_sources_validation_tracks_decides_for_it(store, tmp_path):
    bundle = put(store, tmp_path / "bundle")
    told = json.loads((bundle / sources.DESCRIPTION).read_text())
    models = {"discogs": "published", "lastfm": "joint"}  # equal ones: the first
    assert told == {"target": "allmusic", "models": models}
    for source, model in models.items():
        limits = (bundle / "sources" / f"{source}.tsv").read_text()
        assert limits == f"jazz of {source}\t{F_SCORES[model][source]}\n"


def test_a_bundle_has_the_models_that_decide_and_no_others(store, tmp_path):
    bundle = put(store, tmp_path / "bundle")
    found = {p.relative_to(bundle).as_posix() for p in bundle.glob("models/*/*")}
    assert found == {"models/joint/model.json", "models/published/model.json"}


def test_where_nothing_is_submitted_nothing_is_put(store, tmp_path):
    bundle = put(store, tmp_path / "bundle", submitted=())
    assert list(bundle.iterdir()) == []


def test_one_source_needs_no_other_model(store, tmp_path):
    bundle = put(store, tmp_path / "bundle", submitted=("own",))
    assert [path.name for path in bundle.iterdir()] == [sources.DESCRIPTION]


def test_a_model_that_was_not_evaluated_is_named(store, tmp_path):
    with pytest.raises(MissingError, match=r"genres/joint2.*evaluate_genres"):
        put(store, tmp_path / "bundle", submitted=("own", "joint2"))
