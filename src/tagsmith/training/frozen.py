"""A frozen trunk hears each clip once: what it makes of them is kept for the phase.

    <training>.trunk/<fingerprint>/
        draw-000.npy     (tracks, steps, features) float16: a clip of each track
        validation.npy   (tracks * clips, steps, features) float16

`frozen_clips_per_track` draws are made; an epoch trains the part behind the trunk on
`clips_per_track` of them, the next epoch on the next ones, in turn. A file is there
whole or not at all, so a run that was killed goes on with those that it had finished.
The fingerprint is that of everything up to the trunk: with other weights nothing fits.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tagsmith.config import TrunkTraining
from tagsmith.errors import DataError, MissingError
from tagsmith.store import atomic
from tagsmith.training.batches import Ahead, Batch, Clips
from tagsmith.training.checkpoint import values

logger = logging.getLogger(__name__)

HALF = np.dtype("<f2")
GIGABYTE = 1e9

Kept = NDArray[np.float16]


@dataclass(frozen=True)
class FrozenClips:
    """Clips as a frozen trunk hears them: drawn once, taken in turn.

    Attributes:
        draws: `(tracks, steps, features)` of each draw, memory-mapped.
        truth: `(tracks, tags)`.
        training: Batch size and clips per epoch.
        seed: Of the experiment.
    """

    draws: Sequence[NDArray[Any]]
    truth: NDArray[np.bool_]
    training: TrunkTraining
    seed: int

    @property
    def per_epoch(self) -> int:
        """Clips in an epoch."""
        return len(self.truth) * self.training.clips_per_track

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: `(batch, steps, features)`, truth."""
        turn, track = np.divmod(np.arange(self.per_epoch), len(self.truth))
        turn += epoch * self.training.clips_per_track
        draws = turn % len(self.draws)
        order = np.random.default_rng([self.seed, epoch]).permutation(self.per_epoch)
        for start in range(0, len(order), self.training.batch_size):
            chosen = order[start : start + self.training.batch_size]
            places = zip(draws[chosen], track[chosen], strict=True)
            heard = np.stack([self.draws[draw][row] for draw, row in places])
            yield heard.astype(np.float32), self.truth[track[chosen]].astype(np.float32)


def draw(front: keras.Model, clips: Clips, *, epochs: int, folder: Path) -> FrozenClips:
    """Have the trunk hear the training clips, as far as it has not yet.

    Args:
        front: The network up to its trunk, which is frozen.
        clips: The training split.
        epochs: Of the phase; no more is drawn than they take.
        folder: Where its outputs are kept.

    Raises:
        DataError: An output is too large for float16.
        MissingError: There is no room for them.
    """
    began = time.perf_counter()
    training, tracks = clips.training, len(clips.tracks)
    assert isinstance(training, TrunkTraining)
    count = min(training.frozen_clips_per_track, epochs * training.clips_per_track)
    place = folder / fingerprint(front)
    paths = [place / f"draw-{number:03d}.npy" for number in range(count)]
    missing = [path for path in paths if not path.exists()]
    _check_room(front, tracks * len(missing), place)
    draws = [
        kept(
            front, (heard for heard, _ in Ahead(clips.drawn(number))), tracks, path=path
        )
        for number, path in enumerate(paths)
    ]
    logger.info(
        "frozen trunk: %d clips, %d of them heard before; %.2f GB, %.0f s",
        tracks * count,
        tracks * (count - len(missing)),
        sum(part.nbytes for part in draws) / GIGABYTE,
        time.perf_counter() - began,
    )
    return FrozenClips(draws, clips.truth, training, clips.seed)


def kept(
    front: keras.Model, batches: Iterable[NDArray[Any]], count: int, *, path: Path
) -> Kept:
    """Run clips through a network, or map what an earlier call made of them.

    Args:
        front: What hears them.
        batches: `(batch, frames, bands)`; not touched if the file is there.
        count: Clips of all batches together.
        path: An .npy file, which appears whole or not at all.

    Returns:
        The network's outputs for all clips, memory-mapped.
    """
    if not path.exists():
        shape = (count, *front.output_shape[1:])
        header = {"descr": HALF.str, "fortran_order": False, "shape": shape}
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for batch in batches:
                file.write(_half(front.predict_on_batch(batch)).tobytes())
    mapped: Kept = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def fingerprint(front: keras.Model) -> str:
    """Return what tells one trunk's outputs from another's."""
    made_of = hashlib.sha256()
    for array in values(front.weights):
        made_of.update(np.ascontiguousarray(array).tobytes())
    return made_of.hexdigest()[:16]


def forget(folder: Path) -> None:
    """Remove what was kept: the trunk is frozen no more."""
    shutil.rmtree(folder, ignore_errors=True)


def _half(outputs: NDArray[Any]) -> Kept:
    with np.errstate(over="ignore"):  # said below, in words
        half: Kept = np.asarray(outputs).astype(HALF)
    if not np.isfinite(half).all():
        raise DataError(
            "the trunk's outputs are no finite float16 numbers, the largest is "
            f"{np.abs(np.asarray(outputs, np.float32)).max():g}: such a trunk cannot "
            "be frozen; set train_trunk: true in every phase, or check its weights"
        )
    return half


def _check_room(front: keras.Model, clips: int, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    needed = clips * int(np.prod(front.output_shape[1:])) * HALF.itemsize
    free = shutil.disk_usage(place).free
    if needed > free:
        raise MissingError(
            f"a frozen trunk's outputs need {needed / GIGABYTE:.1f} GB in {place}, "
            f"where {free / GIGABYTE:.1f} GB are free; make room, or lower "
            "training.frozen_clips_per_track"
        )
