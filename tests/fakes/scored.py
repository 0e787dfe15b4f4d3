"""A store as `train` leaves it: tables, every model's scores, and its history."""

from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith.config import SPLITS, Params
from tagsmith.datasets.listing import one_source
from tagsmith.store import Store
from tests.conftest import ROOT
from tests.fakes.experiments import withheld

TAGS = ["cello", "flute", "null", "slow"]  # one reads like a missing value
SKILLS = {"crnn_gru": 1.0, "crnn_lstm": 1.2, "crnn_bilstm": 1.4}
GROUPS = {"all": "*", "lstms": "crnn_*lstm"}
MEMBERS = {"groups/all": (*SKILLS,), "groups/lstms": ("crnn_lstm", "crnn_bilstm")}
TRACKS = {"train": 60, "validation": 80, "test": 80}


def params(**overrides) -> Params:
    """Return the default profile with three models and few resamples, and overrides."""
    return with_models(SKILLS, {"evaluation.bootstrap_samples": 50, **overrides})


def with_models(names, overrides) -> Params:
    """Return the default profile with these of its models, and overrides."""
    whole = Params.load(ROOT / "profiles" / "scores.yaml")
    models = whole.model_dump(mode="json")["models"]
    mine = {
        "models": {name: models[name] for name in names},
        "fusion.groups": GROUPS,
        "fusion.methods": ["mean", "weighted", "greedy", "subsets"],
        "tuning.spaces": {},
        "zeroshot.registered": {},  # no siamese model is among them
    }
    return whole.override({**mine, **overrides})


def store(folder: Path, rng: np.random.Generator) -> Store:
    """Write the tables, then what each model's training leaves behind."""
    made = Store(folder / "data")
    splits = [split for split in SPLITS for _ in range(TRACKS[split])]
    names = [f"t{number:03d}" for number in range(len(splits))]
    groups = [f"g{number // 2:03d}" for number in range(len(splits))]
    tracks = pd.DataFrame({"track_id": names, "split": splits, "group": groups})
    has = rng.random((len(names), len(TAGS))) < 0.3
    rows, columns = np.nonzero(has)
    pairs = {"track_id": np.array(names)[rows], "tag": np.array(TAGS)[columns]}
    made.write_table("tracks", tracks)
    made.write_table("annotations", pd.DataFrame(pairs))
    made.write_table("withheld", withheld(tracks))
    made.write_table("genres", one_source())
    made.write_table("quarantine", pd.DataFrame({"track_id": pd.Series(dtype=str)}))
    for model, skill in SKILLS.items():
        _write_model(made, model, _scores(made, skill, rng))
    return made


def _scores(made, skill, rng):
    tables = {}
    for split in SPLITS:
        truth = made.read_truth(split)
        heard = skill * truth.to_numpy() + rng.normal(size=truth.shape)
        table = pd.DataFrame(1 / (1 + np.exp(-heard)), truth.index, truth.columns)
        tables[split] = table.sample(frac=1, random_state=1)
    return tables


def _write_model(made, model, tables):
    for split, table in tables.items():
        made.write_scores(model, split, table)
    history = made.place("models", model, "history.csv")
    history.parent.mkdir(parents=True)
    history.write_text("epoch,loss,validation_roc_auc\n1,0.7,0.6\n2,0.5,0.7\n")
