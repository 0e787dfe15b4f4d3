"""The published profiles, whole, on tiny data sets in their publishers' formats.

Sizes are shrunk by override; a profile says which stages, models and rules there are.
"""

import json
import shutil
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from tagsmith import genrefiles, tagging
from tagsmith.config import Params, read_yaml
from tagsmith.predicting import genres
from tagsmith.store import Store
from tagsmith.tracking.recording import MemoryRecorder
from tests.conftest import ROOT
from tests.fakes import acousticbrainz, fma, jamendo, magnatagatune, openmic

pytestmark = [pytest.mark.slow, pytest.mark.keras]

ONE_EPOCH = {"epochs": 1, "learning_rate": 0.001, "decay": "none"}
SMALL = {
    "engine.workers": 1,
    "validation.shortest_seconds": 1.0,
    "evaluation.bootstrap_samples": 20,
    "promotion.bootstrap_samples": 20,
    "promotion.floor": 0.0,
}
SMALL_MEDIAEVAL2019 = {
    **SMALL,
    "architectures.crnn.trunk": {
        "kind": "random",
        "filters": [[4], [4], [4, 4], [4, 4]],
        "batch_normalization": False,
    },
    "architectures.crnn.training.phases": [
        {**ONE_EPOCH, "train_trunk": False},
        {**ONE_EPOCH, "train_trunk": True},
    ],
    "architectures.crnn.training.clip_seconds": 1.0,
    "architectures.crnn.training.crop_seconds": [1.0],
    "architectures.deep_spectrum_rnn.training.phases": [ONE_EPOCH],
    **{
        f"architectures.{kind}.{size}": 8
        for kind in ("crnn", "deep_spectrum_rnn")
        for size in ("recurrent_units", "dense_units")
    },
    **{
        f"features.deep_spectrum_{window}.network": {
            "kind": "efficientnet_lite0",
            "pixels": 32,
        }
        for window in ("1s", "5s")
    },
}
SMALL_ZEROSHOT = {
    **SMALL,
    "validation.most_quarantined": 0.2,
    "architectures.siamese.filters": [4, 4, 4, 4],
    "architectures.siamese.embedding_units": 4,
    "architectures.siamese.training.phases": [
        {**ONE_EPOCH, "decay": {"per_step": 0.000001}}
    ],
    "zeroshot.seen_share": 0.6,  # of five genres: two unseen ones
    "zeroshot.tag_splits": 1,
    "zeroshot.validation_share": 0.3,
}
SMALL_ACOUSTICBRAINZ = {
    **SMALL,
    "validation.most_quarantined": 0.1,
    "architectures.melband_fcn.filters": [16, 16, 16, 16],
    "architectures.melband_fcn.training.batch_size": 16,
    "architectures.melband_fcn.training.phases": [
        {"epochs": 10, "learning_rate": 0.01, "decay": "cosine"}
    ],
}
SMALL_MAGNATAGATUNE = {
    **SMALL,
    "validation.most_quarantined": 0.1,
    "architectures.multiscale.filters": [[4, 4, 4], [4, 4], [4]],
    "architectures.multiscale.joint_filters": [4, 4],
    "architectures.multiscale.dense_units": 8,
    "architectures.multiscale.training.phases": [
        {"epochs": 3, "learning_rate": 0.001, "decay": [1, 2]}
    ],
}


@pytest.fixture
def store(mlflow_database, tmp_path):
    shutil.copytree(ROOT / "expectations", tmp_path / "expectations")
    assert mlflow_database.parent == tmp_path
    return Store(tmp_path / "data", scratch=tmp_path / "scratch")


def run(params, store):
    """Run every stage, in the order of dvc.yaml."""
    each = {
        "extract": params.features,
        "vectors": params.vectors,
        "train": params.models,
        "train_word_model": (),  # one of the models
        "evaluate_genres": params.genres.submitted,
        "evaluate_zeroshot": params.zeroshot.registered,
        "promote_zeroshot": params.zeroshot.registered,
    }
    for stage in read_yaml(ROOT / "dvc.yaml")["stages"]:
        calls = [(name,) for name in each[stage]] if stage in each else [()]
        for call in calls:
            module = import_module(f"tagsmith.stages.{stage}")
            module.run(params, store, MemoryRecorder(), *call)


def tagged(song, params):
    """What the champion says of a recording, by tag."""
    champion = f"models:/{params.promotion.registered_model}@champion"
    text, failed = tagging.tag([song], champion, as_json=True)
    assert not failed
    return {heard["tag"]: heard["score"] for heard in json.loads(text)[0]["tags"]}


def test_from_the_publishers_files_to_the_nine_models_fusion(store, tmp_path):
    section = jamendo.write(tmp_path / "jamendo", jamendo.rows(seconds=6))
    profile = ROOT / "profiles/mediaeval2019.yaml"
    params = Params.load(profile, {**SMALL_MEDIAEVAL2019, **section})
    run(params, store)
    candidates = pd.read_csv(store.place("fusion", "candidates.csv"))
    assert (candidates["method"] == "single").sum() == 9
    metrics = json.loads(store.place("reports", "metrics.json").read_text())
    groups = {name for name in metrics["test"] if name.startswith("groups/")}
    assert groups == {
        f"groups/{name}" for name in ("all", "crnn", "ds", "ds_1s", "ds_5s")
    }
    song = next(tmp_path.glob("jamendo/audio/*/*.mp3"))
    assert set(tagged(song, params)) == set(jamendo.TAGS)


def test_from_magnatagatunes_zip_parts_to_its_champion(store, tmp_path):
    folder = tmp_path / "magnatagatune"
    section = magnatagatune.write(folder)["dataset"]
    checksum = magnatagatune.md5(magnatagatune.pack(folder))
    section = {**section, "audio_checksum": checksum}
    profile = ROOT / "profiles/magnatagatune.yaml"
    params = Params.load(profile, {**SMALL_MAGNATAGATUNE, "dataset": section})
    run(params, store)
    reasons = store.read_table("quarantine").set_index("track_id")["reason"]
    assert {track.split("-")[3] for track in reasons.index} == {
        magnatagatune.EMPTY,
        magnatagatune.CORRUPT,
    }
    leaks = store.read_report("validation", made_by="validate")["leaks"]
    assert leaks["test"]["recording"]["shared"] == 0
    assert leaks["test"]["artist"]["shared"] > 0  # as on the real one
    song = next(folder.glob("b/*.mp3"))
    assert set(tagged(song, params)) == {"guitar", "drum", "flute"}


def test_from_fma_and_openmic_to_a_model_that_scores_unseen_genres(store, tmp_path):
    folder = tmp_path / "fma"
    described = fma.rows()
    fma.write(folder, described)
    rng = np.random.default_rng(1883)
    said = {
        f"{row['track_id']:06d}_0": dict(zip(openmic.INSTRUMENTS, answers, strict=True))
        for row, answers in zip(
            described, rng.random((len(described), 20)), strict=True
        )
    }
    heard = openmic.write(tmp_path / "openmic-2018", said)
    section = fma.section(folder, openmic=str(heard))
    profile = ROOT / "profiles/zeroshot.yaml"
    places = {"dataset": section, "vectors.instruments.openmic": str(heard)}
    params = Params.load(profile, {**SMALL_ZEROSHOT, **places})
    run(params, store)
    told = store.read_report("zeroshot_siamese", made_by="promote_zeroshot")
    assert told["registered_model"] == "zeroshot-fma"
    tags = pd.read_parquet(store.place("zeroshot", "siamese", "tags.parquet"))
    unseen = list(tags["tag"][tags["side"] == "unseen"])
    song = next(folder.glob("fma_large/000/*.mp3"))
    model = f"models:/zeroshot-fma@{told['alias']}"
    text, failed = tagging.tag([song], model, words=unseen, as_json=True)
    assert not failed and len(json.loads(text)[0]["tags"]) == 2


def test_from_acousticbrainz_to_a_run_of_the_registered_ensemble(store, tmp_path):
    folder = tmp_path / "acousticbrainz"
    described = acousticbrainz.rows(192)
    section = acousticbrainz.write(folder, described)
    section["dataset"] = {**section["dataset"], "split": "halved"}
    profile = ROOT / "profiles/acousticbrainz2018.yaml"
    params = Params.load(profile, {**SMALL_ACOUSTICBRAINZ, **section})
    run(params, store)
    page = store.place("reports", "report.html").read_text()
    assert "Genres, source by source" in page and "melband_fcn_published" in page
    new = tmp_path / "new"
    for number, row in enumerate(described[:8]):
        acousticbrainz.write_document(new, row, 1000 + number)
    champion = f"models:/{params.promotion.registered_model}@champion"
    card = store.read_report("model_card", made_by="promote")
    assert set(card["sources"]) == {"discogs", "lastfm", "tagtraum"}
    assert all(0.2 < each["f_score"] <= 1 for each in card["sources"].values())
    said_of = store.read_table("genres").groupby("source", observed=True)["label"]
    all_labels = said_of.agg(set)
    for source in ("allmusic", "discogs"):
        out = tmp_path / f"{source}.tsv"
        genres.submit(
            [str(new)], out, champion, source=source, parents=True, engine=params.engine
        )
        decided = genrefiles.read_run(out)
        assert set(decided["recording"]) == {row["recording"] for row in described[:8]}
        assert set(decided["label"]) <= all_labels[source]
        right = [
            (row["recording"], acousticbrainz.labels(row, source)[0])
            for row in described[:8]
            if row["subgenre"][0] in acousticbrainz.KNOWN[source]
        ]
        said = set(zip(decided["recording"], decided["label"], strict=True))
        assert len(said.intersection(right)) >= len(right) - 2
