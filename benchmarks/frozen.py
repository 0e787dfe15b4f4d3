"""Epochs of a frozen trunk: from what it heard once, against through it every time.

At the published sizes of the CRNN, though with random weights, and at those of profile
`scores`, where no phase freezes the trunk. Both ways train the same layers on clips of
the same shape, and both prepare their batches as stage `train` does.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from benchmarks import data
from benchmarks.ratios import Ratio, milliseconds, quotients, taking_turns
from benchmarks.training import steps
from tagsmith.config import Params
from tagsmith.models import build
from tagsmith.models.crnn import TRUNK, VGGISH_BLOCKS, split
from tagsmith.training.batches import Ahead, Clips
from tagsmith.training.frozen import draw

MODEL = "crnn_gru"
VGGISH = {"kind": "random", "filters": VGGISH_BLOCKS, "batch_normalization": False}
BATCHES = {"mediaeval2019": 2, "scores": 8}  # in an epoch, by profile
TURNS, QUICK_TURNS = 3, 1
AT_LEAST = 5.0  # at the published sizes


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Compare epochs over the same number of clips."""
    for profile, batches in BATCHES.items():
        params = _params(profile)
        batch_size = params.model(MODEL).training.batch_size
        clips = _clips(params, batch_size * (1 if quick else batches))
        seconds = _seconds(params, clips, folder / profile, quick=quick)
        kept, through = seconds["kept"], seconds["through"]
        yield Ratio(
            f"frozen trunk of {profile}: epoch from kept outputs, through it",
            quotients(through, kept),
            at_least=AT_LEAST if profile == "mediaeval2019" else None,
            note=f"a clip of {clips.training.clip_seconds:g} s: "
            f"{milliseconds(kept, clips.per_epoch)} against "
            f"{milliseconds(through, clips.per_epoch)}",
        )


def _seconds(
    params: Params, clips: Clips, folder: Path, *, quick: bool
) -> dict[str, tuple[float, ...]]:
    keras.utils.set_random_seed(data.SEED)
    feature = params.feature("logmel")
    network = build(params.model(MODEL), feature, tags=len(data.TAGS))
    network.get_layer(TRUNK).trainable = False
    front, head = split(network)
    for part in (network, head):
        part.compile(optimizer="rmsprop", loss="binary_crossentropy")
    kept = draw(front, clips, epochs=1, folder=folder)
    return taking_turns(
        {
            "kept": lambda: steps(head, Ahead(kept.epoch(0))),
            "through": lambda: steps(network, Ahead(clips.epoch(0))),
        },
        QUICK_TURNS if quick else TURNS,
        clock=time.perf_counter,
    )


def _params(profile: str) -> Params:
    overrides: dict[str, object] = {f"models.{MODEL}.training.clips_per_track": 1}
    if profile == "mediaeval2019":
        overrides[f"models.{MODEL}.trunk"] = VGGISH
    return Params.load(data.ROOT / "profiles" / f"{profile}.yaml", overrides)


def _clips(params: Params, count: int) -> Clips:
    """Return tracks of noise, one clip of each to an epoch."""
    rng = np.random.default_rng(data.SEED)
    feature, training = params.feature("logmel"), params.model(MODEL).training
    frames = round(training.clip_seconds * feature.frames_per_second)
    shape = (frames, feature.mel_bands)
    tracks = [15 * rng.standard_normal(shape, np.float32) - 60 for _ in range(count)]
    truth = rng.random((count, len(data.TAGS))) < data.TAG_SHARE
    return Clips(tracks, truth, training, feature, data.SEED)
