"""What the published networks need of this device: for who wants to train them.

    KERAS_BACKEND=jax python -m benchmarks.networks [PATTERN ...]
        [--precision mixed_bfloat16] [--steps 30] [--json FILE]

A pattern is of `profile/model`, such as `mediaeval2019/crnn_*`. Weights are drawn,
inputs are noise, batches those of the profile. A step is one of stage `train`, from
arrays in memory to its loss on the host; the median counts, and the first step's excess
is what compilation takes. Rates of scoring are those of `Tagger.score_features`. An
epoch has as many tracks as the training split of the published data set, and waits for
no input; `benchmarks.feeding` tells whether it would.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from benchmarks.data import SEED
from benchmarks.published import Case, cases, lessons
from tagsmith.config import Application, DeepSpectrum, EfficientNetLite0
from tagsmith.models.batched import in_batches
from tagsmith.models.imagenet.application import application
from tagsmith.models.imagenet.efficientnet_lite import efficientnet_lite0
from tagsmith.training import device
from tagsmith.training.learner import compiled, summed

SCORINGS = 5
MEBIBYTE, HOUR_SECONDS = 2**20, 3600
# What looks at pictures: the feature's profile, and one of its features with the CNN.
CNNS = (("mediaeval2019", "deep_spectrum_5s"), ("scores", "deep_spectrum_5s"))
HEAD = (
    f"{'':38}{'batch':>6}{'ms/step':>9}{'learnt/s':>10}{'scored/s':>10}"
    f"{'compile s':>10}{'peak MiB':>9}{'epoch s':>9}{'all h':>8}"
)


@dataclass(frozen=True)
class Cost:
    """What a network needs.

    Attributes:
        network: `profile/model`, or the CNN and its layer.
        batch: Clips, tracks or pictures at once.
        step_seconds: Of learning a batch; NaN if it only scores.
        scored_per_second: Tracks, or pictures.
        compile_seconds: Of the first step and the first scoring together.
        peak_bytes: Of the device, so far in this process on JAX; None if nobody says.
        epochs: As published.
        epoch_tracks: Tracks, so clips, of an epoch.
    """

    network: str
    batch: int
    step_seconds: float
    scored_per_second: float
    compile_seconds: float
    peak_bytes: int | None
    epochs: int = 0
    epoch_tracks: int = 0

    @property
    def epoch_seconds(self) -> float:
        """Of the published training split."""
        return -(-self.epoch_tracks // self.batch) * self.step_seconds

    def line(self) -> str:
        """Say it."""
        peak = "-" if self.peak_bytes is None else f"{self.peak_bytes / MEBIBYTE:.0f}"
        learnt = self.batch / self.step_seconds
        hours = self.epochs * self.epoch_seconds / HOUR_SECONDS
        return (
            f"{self.network:38}{self.batch:6}{1000 * self.step_seconds:9.2f}"
            f"{learnt:10.0f}{self.scored_per_second:10.0f}{self.compile_seconds:10.1f}"
            f"{peak:>9}{self.epoch_seconds:9.1f}{hours:8.2f}"
        )


def network(case: Case, precision: str, steps: int) -> Cost:
    """Measure a network that learns."""
    device.prepare(SEED, precision, "none")
    _forget_peak()
    tagger, training = case.tagger(), case.config.training
    tracks = case.tracks(training.batch_size)
    taught = lessons(case, tracks)
    # Of a CRNN's phases the last one trains the trunk too.
    learner = compiled(taught, tagger.network, training.phases[-1])
    ((batch, targets),) = taught.epoch(0)
    first, step = _median(
        lambda: device.learn(learner, batch, targets, summed=summed(taught)), steps
    )
    first_scored, scored = _median(
        lambda: tagger.score_features(tracks), min(steps, SCORINGS)
    )
    return Cost(
        network=str(case),
        batch=training.batch_size,
        step_seconds=step,
        scored_per_second=len(tracks) / scored,
        compile_seconds=first - step + first_scored - scored,
        peak_bytes=_peak(),
        epochs=training.epochs,
        epoch_tracks=case.size.tracks,
    )


def cnn(profile: str, name: str, precision: str, steps: int) -> Cost:
    """Measure a CNN that looks at pictures, and learns nothing."""
    device.prepare(SEED, precision, "none")
    _forget_peak()
    feature = Case(profile, "").params.feature(name)
    assert isinstance(feature, DeepSpectrum)
    match feature.network:
        case Application() as config:
            looks, title = application(config), f"{config.name} {config.layer}"
        case EfficientNetLite0(pixels=pixels):
            looks, title = efficientnet_lite0(pixels), "EfficientNet-Lite0"
    shape = (feature.batch_images, *looks.input_shape[1:])
    pictures = np.random.default_rng(SEED).integers(0, 256, shape, np.uint8)
    first, seconds = _median(
        lambda: in_batches(looks, pictures, len(pictures)), min(steps, SCORINGS)
    )
    return Cost(
        network=f"{title}, pictures",
        batch=len(pictures),
        step_seconds=float("nan"),
        scored_per_second=len(pictures) / seconds,
        compile_seconds=first - seconds,
        peak_bytes=_peak(),
    )


def costs(patterns: list[str], precision: str, steps: int) -> Iterator[Cost]:
    """Yield what each network needs; CNNs come if there is no pattern, or by `cnn`."""
    for case in cases([pattern for pattern in patterns if pattern != "cnn"]):
        if patterns != ["cnn"]:
            yield network(case, precision, steps)
            gc.collect()
    if not patterns or "cnn" in patterns:
        for profile, name in CNNS:
            yield cnn(profile, name, precision, steps)
            gc.collect()


def _median(call: Callable[[], object], times: int) -> tuple[float, float]:
    """Return the seconds of a first call, and the median of the others."""
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return seconds[0], float(np.median(seconds[1:]))


def _peak() -> int | None:
    """Return the most bytes of the device that were in use."""
    if keras.backend.backend() == "jax":
        import jax  # noqa: PLC0415 - as in the branches below: of one backend

        stats = jax.local_devices()[0].memory_stats()
        return int(stats["peak_bytes_in_use"]) if stats else None
    if keras.backend.backend() == "torch":
        import torch  # noqa: PLC0415

        here = torch.cuda.is_available()
        return int(torch.cuda.max_memory_allocated()) if here else None
    import tensorflow as tf  # noqa: PLC0415

    here = tf.config.list_physical_devices("GPU")
    return (
        int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if here else None
    )


def _forget_peak() -> None:
    if keras.backend.backend() == "torch":
        import torch  # noqa: PLC0415 - as above

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()


def main() -> None:
    """Print a line per network as soon as it is known."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.networks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    options = parser.parse_args()
    print(device.prepare(SEED, options.precision, "none"))
    print(HEAD)
    found = []
    for cost in costs(options.patterns, options.precision, options.steps):
        print(cost.line(), flush=True)
        found.append(asdict(cost))
        if options.json:  # whatever ends this, what was measured is there
            options.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
