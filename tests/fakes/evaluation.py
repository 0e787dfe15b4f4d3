"""A store as stage `promote` leaves it: made-up scores, really evaluated."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tagsmith.config import SPLITS, Params
from tagsmith.core import leaks, unseen, zeroshot
from tagsmith.datasets.listing import one_source
from tagsmith.stages import calibrate, evaluate, fuse
from tagsmith.store import TRACK_COLUMNS, Store, atomic, write_json, write_text
from tagsmith.tracking.recording import MemoryRecorder
from tests.fakes.experiments import withheld
from tests.fakes.scored import with_models

SKILLS = {"crnn_gru": 1.5, "crnn_lstm": 1.4, "crnn_bilstm": 1.6}
SOURCES = ("glove", "chance")  # of tag vectors
SIZES = {"train": 420, "validation": 120, "test": 120}
TAGS = (
    *("banjo", "bassoon", "cello", "chorale", "clarinet", "classical", "drums"),
    *("fast", "flute", "folk", "guitar", "harp", "harpsichord", "hornpipe", "jig"),
    *("minor", "piano", "quartet", "reel", "slow", "strings", "trombone"),
    *("trumpet", "violin", "waltz"),
)
EVIDENCE = {
    "floor": "ROC-AUC-macro 0.9561 reaches the floor of 0.9",
    "better": "ROC-AUC-macro is +0.0121 against version 2, 95% interval "
    "[+0.0040, +0.0201], better in 99% of 1000 resamples",
    "data": "the data passed validation",
}
QUARANTINE = {
    "train_0007": "is silent: -92.1 dB of full scale",
    "train_0113": "decodes to 3.1 s, declared are 29.0 s",
    "test_0042": "is silent: -88.0 dB of full scale",
}


def params() -> Params:
    """Return the default profile with three models and few resamples."""
    return with_models(SKILLS, {"evaluation.bootstrap_samples": 20})


def params_with_words() -> Params:
    """Return the same with a model that scores any words."""
    return with_models([*SKILLS, "texture"], {"evaluation.bootstrap_samples": 20})


def write_zeroshot(store: Store, tags: Sequence[str]) -> None:
    """Write what `evaluate_zeroshot` leaves of two splits of one family."""
    rng = np.random.default_rng(1883)
    folder = store.place("zeroshot", "texture")
    folder.mkdir(parents=True)
    made = {name: [_trial(rng, len(tags)) for _ in range(2)] for name in SOURCES}
    side = np.where(np.arange(len(tags)) < 2, "unseen", "seen")
    rows = [
        pd.DataFrame({"tag_split": n, "family": "sounds", "tag": tags, "side": side})
        for n in (1, 2)
    ]
    pd.concat(rows).to_parquet(folder / "tags.parquet", index=False)
    figures = [
        unseen.figures(each, best=[1]).assign(
            tag_split=n, family="sounds", vectors=source
        )
        for source, trials in made.items()
        for n, each in enumerate(trials, start=1)
    ]
    pd.concat(figures).to_csv(folder / "figures.csv", index=False)
    config = params().evaluation
    found = unseen.summary(made, config, control="chance", seed=0)
    tree = {"splits": found["splits"], "mean": {"sounds": found["mean"]}}
    write_json(folder / "intervals.json", tree)


def _trial(rng: np.random.Generator, tags: int) -> unseen.Trial:
    """Let tracks have any tags, and scores be nearly right."""
    truth = rng.random((40, tags)) < 0.4
    new = np.arange(tags) < 2
    return unseen.Trial(
        truth=truth,
        scores=truth + rng.normal(size=truth.shape),
        unseen=new,
        part=zeroshot.parts(truth, ~new),
        rows=np.arange(40),
    )


def write(store: Store, *, tags: tuple[str, ...] = TAGS, promoted: bool = True) -> None:
    """Write all that stage `report` reads."""
    rng = np.random.default_rng(1883)
    _write_tables(store, tags, rng)
    noise = {split: rng.normal(size=store.read_truth(split).shape) for split in SPLITS}
    distinctness = rng.uniform(0.3, 1.3, len(tags))
    for model, skill in SKILLS.items():
        _write_model(store, model, skill * distinctness, noise=noise, rng=rng)
        calibrate.run(params(), store, MemoryRecorder(), model)
    fuse.run(params(), store, MemoryRecorder())
    evaluate.run(params(), store, MemoryRecorder())
    write_verdicts(store, promoted=promoted)


def write_verdicts(store: Store, *, promoted: bool) -> None:
    """Write what validation and the gate said."""
    suites = {"tracks": 14, "annotations": 5, "splits": 4}
    summary = {
        name: {"success": True, "expectations": count, "unmet": []}
        for name, count in suites.items()
    }
    found = leaks.tree(leaks.found(store.read_tracks()))
    verdict = {"success": True, "suites": summary, "leaks": found}
    store.write_report("validation", verdict)
    for name in ("tables", "features", "scores"):
        write_text(store.place("reports", "data_docs", name, "index.html"), "docs")
    checks = [
        {"name": name, "passed": promoted or name != "floor", "evidence": evidence}
        for name, evidence in EVIDENCE.items()
    ]
    promotion = {
        "promoted": promoted,
        "version": "3",
        "registered_model": "tagsmith",
        "alias": "champion" if promoted else "challenger",
        "test_set_sha256": "5e" * 32,
        "reason": "; ".join(EVIDENCE.values()),
        "checks": checks,
    }
    store.write_report("promotion", promotion)


def _write_tables(
    store: Store, tags: tuple[str, ...], rng: np.random.Generator
) -> None:
    tracks = pd.DataFrame(
        _track(split, number) for split in SPLITS for number in range(SIZES[split])
    )
    store.write_table("tracks", tracks[list(TRACK_COLUMNS)])
    has = rng.random((len(tracks), len(tags))) < rng.uniform(0.06, 0.4, len(tags))
    rows, columns = np.nonzero(has)
    pairs = {
        "track_id": tracks["track_id"].to_numpy()[rows],
        "tag": np.array(tags)[columns],
    }
    store.write_table("annotations", pd.DataFrame(pairs))
    store.write_table("withheld", withheld(tracks))
    store.write_table("genres", one_source())
    bad = pd.DataFrame(QUARANTINE.items(), columns=["track_id", "reason"])
    store.write_table("quarantine", bad)


def _track(split: str, number: int) -> dict[str, object]:
    return {
        "track_id": f"{split}_{number:04d}",
        "path": f"{split}/{number:04d}.mp3",
        "sha256": f"{number:064x}",
        "declared_seconds": 29.0,
        "decoded_seconds": 29.0,
        "sample_rate_hz": 44100,
        "channels": 2,
        "rms_db": -18.5,
        "artist": f"fiddler {number % 37}",
        "album": "",
        "recording": "",
        "group": f"{split} tune {number % 37}",
        "licence": "public domain",
        "split": split,
        "problem": "",
    }


def _write_model(
    store: Store,
    model: str,
    skill: np.ndarray,
    *,
    noise: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> None:
    """Write scores, whose noise the models half share, and a history."""
    for split in SPLITS:
        truth = store.read_truth(split)
        heard = 2 * truth.to_numpy() * skill - 1.5 + 0.7 * noise[split]
        heard += 0.7 * rng.normal(size=truth.shape)
        scores = pd.DataFrame(1 / (1 + np.exp(-heard)), truth.index, truth.columns)
        store.write_scores(model, split, scores)
    epochs = np.arange(1, 21)
    history = {
        "epoch": epochs,
        "loss": 0.12 + 0.35 * np.exp(-epochs / 6 * SKILLS[model]),
        "validation_roc_auc": 0.94 - 0.35 * np.exp(-epochs / 4 * SKILLS[model]),
    }
    with atomic(store.place("models", model, "history.csv")) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
