"""`python -m benchmarks.missing_labels few`: what to do with tags nobody asked about.

Several sources annotate overlapping sets of tracks, each with labels of its own, some
of which they share. A network that learns all of them meets labels that no source of a
track has. Are these left out of the loss (`masked`), or taken for denied (`negative`,
as Schreiber had it)? And is either better than to learn from the one source alone that
is judged (`alone`)?

Music is made up, so that the whole truth is known of the test tracks. What sources say
is true, and what they deny is not the case: nothing but being asked differs. The three
networks of a draw start from the same seed; draws differ in music, labels, sources and
seed. Intervals are Student's, of the paired differences between draws. Eight draws take
some ten minutes on one core; `make bench` does not ask for them.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from benchmarks import data
from tagsmith.config import Calibration, MelbandFcn
from tagsmith.core import metrics, thresholds
from tagsmith.core.genres import LabelSpace, label_space
from tagsmith.models import Tagger, build
from tagsmith.tracking.recording import MemoryRecorder
from tagsmith.training import device
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.training.knowledge import knowledge
from tagsmith.training.learner import Validation
from tagsmith.training.teach import teach

LABELS = [first + second for first in "abcdef" for second in "vwxyz"]
SOURCES = ("target", "second", "third")
OWN_LABELS = 20  # of each source
SPLITS = {"train": 2000, "validation": 1000, "test": 2000}  # tracks
# Of the tracks, how many a source annotates, as far as they have labels of its own; and
# how much that depends on the music: the standard deviation of the log odds of it.
SOURCING = {"few": (0.35, 0.0), "many": (0.8, 0.0), "choosy": (0.35, 2.5)}
HIDDEN = 24  # numbers of which music and labels are made
FREQUENCY = (0.03, 0.25)  # of a label
DOUBT = 0.5  # standard deviation of what is not in the music, beside 1 of what is
NOISE = 0.6  # of each statistic
WAYS = ("alone", "negative", "masked")
CONFIDENCE = 0.95
FIGURES = ("ROC-AUC-macro", "PR-AUC-macro", "F-score-macro")
DECISIONS = Calibration(rule="f1", comparison="inclusive", fallback_to_top_tag=True)
NETWORK = {
    "filters": [16, 32, 64, 128],
    "training.batch_size": 64,
    "training.phases": [{"epochs": 30, "learning_rate": 0.01, "decay": "cosine"}],
}

Features = NDArray[np.float32]
Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Draw:
    """Made-up music, what is true of it, and whom one could ask.

    Attributes:
        tracks: `(tracks, 40, 9)` by split.
        truth: `(tracks, labels)` by split.
        asked: `(training tracks, sources)`: who annotates which.
        vocabularies: The labels of each source.
    """

    tracks: Mapping[str, Features]
    truth: Mapping[str, Truth]
    asked: NDArray[np.bool_]
    vocabularies: Mapping[str, list[str]]

    @property
    def genres(self) -> pd.DataFrame:
        """What the sources say of training tracks: source, track_id and label."""
        truth = pd.DataFrame(self.truth["train"], names(self.asked), LABELS)
        said = []
        for source, asked in zip(SOURCES, self.asked.T, strict=True):
            own = truth.loc[asked, self.vocabularies[source]].stack()  # noqa: PD013
            said.append(
                own[own].index.to_frame(index=False, name=["track_id", "label"])
            )
        return pd.concat(said, keys=SOURCES, names=["source", None]).reset_index(
            "source"
        )

    def of_target(self, split: str) -> Truth:
        """Return what is true of a split of the target's labels, `(tracks, labels)`."""
        own = [LABELS.index(label) for label in self.vocabularies["target"]]
        return self.truth[split][:, own]


def draw(seed: int, coverage: float, choosiness: float) -> Draw:
    """Make music up: bands and labels are different mixtures of the same numbers."""
    rng = np.random.default_rng([data.SEED, seed])
    heard = rng.normal(0, 1 / np.sqrt(HIDDEN), (HIDDEN, 40 * 9))
    meant = rng.normal(0, 1 / np.sqrt(HIDDEN), (HIDDEN, len(LABELS)))
    limits = stats.norm.isf(rng.uniform(*FREQUENCY, len(LABELS))) * np.hypot(1, DOUBT)
    tracks, truth = {}, {}
    for split, count in reversed(SPLITS.items()):  # `hidden` is training's at the end
        hidden = rng.normal(0, 1, (count, HIDDEN))
        level = np.tanh(2 * hidden @ heard) + rng.normal(0, NOISE, (count, 40 * 9))
        tracks[split] = level.reshape(-1, 40, 9).astype(np.float32)
        doubt = rng.normal(0, DOUBT, (count, len(LABELS)))
        truth[split] = hidden @ meant + doubt > limits
    own = {each: sorted(rng.permutation(LABELS)[:OWN_LABELS]) for each in SOURCES}
    table = pd.DataFrame(truth["train"], columns=LABELS)
    says = np.stack([table[own[source]].any(axis=1) for source in SOURCES], axis=1)
    taste = special.logit(coverage) + choosiness * hidden @ rng.normal(
        0, 1 / np.sqrt(HIDDEN), (HIDDEN, len(SOURCES))
    )
    asked = says & (rng.random(says.shape) < special.expit(taste))
    return Draw(tracks, truth, asked, own)


def names(rows: NDArray[np.generic]) -> list[str]:
    """Name tracks by their place."""
    return [f"t{number:05d}" for number in range(len(rows))]


def figures(of: Draw, way: str, seed: int) -> dict[str, float]:
    """Train a network and judge it by the target's labels on the test tracks."""
    device.prepare(seed, "float32")
    asked = ["target"] if way == "alone" else list(SOURCES)
    space = label_space({source: of.vocabularies[source] for source in asked})
    tagger = _untrained(space)
    _teach(tagger, of, space, way, seed)
    scores = {
        split: tagger.score_features(of.tracks[split])
        for split in ("validation", "test")
    }
    limits = thresholds.fit(of.of_target("validation"), scores["validation"], DECISIONS)
    decisions = thresholds.decide(scores["test"], limits, DECISIONS)
    return metrics.evaluate(of.of_target("test"), scores["test"], decisions)


def _untrained(space: LabelSpace) -> Tagger:
    name = "melband_fcn"
    changes = {f"models.{name}.{key}": value for key, value in NETWORK.items()}
    params = data.params(**changes)
    config = params.model(name)
    assert isinstance(config, MelbandFcn)
    feature = params.feature(config.feature)
    network = build(config, feature, tags=len(space.labels))
    return Tagger(name, config, feature, space.own("target"), network, space, "target")


def _teach(tagger: Tagger, of: Draw, space: LabelSpace, way: str, seed: int) -> None:
    """Teach it the tracks that its sources annotate, as stage `train` does."""
    every = of.asked if way != "alone" else of.asked[:, :1]
    rows = np.flatnonzero(every.any(axis=1))
    known = None
    if way != "alone":
        ids = np.take(names(of.asked), rows)
        known = knowledge(of.genres, space, ids, unknown=way)
    with tempfile.TemporaryDirectory(prefix="tagsmith-missing-") as folder:
        teach(
            tagger,
            of.tracks["train"][rows],
            of.of_target("train")[rows],
            validation=Validation(of.tracks["validation"], of.of_target("validation")),
            checkpoint=Checkpoint(Path(folder) / "training.npz"),
            recorder=MemoryRecorder(),
            seed=seed,
            knowledge=known,
        )


def measured(sourcing: str, draws: int) -> Iterator[pd.DataFrame]:
    """Yield a table of each draw: figures by way, as soon as it is done."""
    for seed in range(draws):
        made = draw(seed, *SOURCING[sourcing])
        table = pd.DataFrame({way: figures(made, way, seed) for way in WAYS})
        yield table.loc[list(FIGURES)]


def compared(tables: list[pd.DataFrame]) -> Iterator[str]:
    """Say by how much ways differ, with an interval that holds 95 % of the time."""
    for one, other in (
        ("masked", "negative"),
        ("masked", "alone"),
        ("negative", "alone"),
    ):
        for figure in FIGURES:
            gains = [each.loc[figure, one] - each.loc[figure, other] for each in tables]
            mean, error = np.mean(gains), stats.sem(gains)
            half = error * stats.t.isf((1 - CONFIDENCE) / 2, len(gains) - 1)
            wins = sum(gain > 0 for gain in gains)
            yield (
                f"{one} - {other}, {figure}: {mean:+.4f} "
                f"[{mean - half:+.4f}, {mean + half:+.4f}], above 0 in {wins} of "
                f"{len(gains)}"
            )


def main() -> None:
    """Print the figures of every draw, and what they say together."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.missing_labels", description=__doc__
    )
    parser.add_argument("sourcing", choices=SOURCING)
    parser.add_argument("--draws", type=int, default=8, help="two or more")
    options = parser.parse_args()
    coverage, choosiness = SOURCING[options.sourcing]
    print(
        f"each source annotates {coverage:.0%} of the tracks, choosiness {choosiness}"
    )
    tables = []
    for table in measured(options.sourcing, options.draws):
        tables.append(table)
        print(f"draw {len(tables)}\n{table.round(4)}", flush=True)
    print("\n".join(compared(tables)))


if __name__ == "__main__":
    main()
