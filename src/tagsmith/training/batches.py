"""Batches of clips or tracks, from a feature store, while the network computes.

An epoch is a function of seed and number: order, crops and augmentation of epoch 7 are
the same whether epochs 1 to 6 ran in this process or in one that was killed.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import ClipTraining, LogMel, Training
from tagsmith.features.clips import Frames, crop, padded
from tagsmith.training.augmentation import augment
from tagsmith.training.knowledge import Knowledge

Truth = NDArray[np.bool_]
Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
DRAWS = 1  # behind seed and number: a draw is not the epoch of that number
AHEAD = 4  # batches that wait for the network: memory is bounded by them


class Lessons(Protocol):
    """What a network is taught: as many epochs of batches as anybody wants."""

    @property
    def truth(self) -> Truth | Knowledge:
        """`(tracks, tags)`; or what several sources know of as many."""

    @property
    def training(self) -> Training:
        """Batch size, phases and whatever else says how it is learned."""

    @property
    def per_epoch(self) -> int:
        """Clips, or tracks, in an epoch."""

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: what is heard, and its tags."""


@dataclass(frozen=True)
class Clips:
    """The training split as an endless source of clips.

    Attributes:
        tracks: `(frames, bands)` of each track, memory-mapped.
        truth: `(tracks, tags)`.
        training: Batch size, crops, augmentation.
        feature: What the frames are.
        seed: Of the experiment.
    """

    tracks: Sequence[Frames]
    truth: NDArray[np.bool_]
    training: ClipTraining
    feature: LogMel
    seed: int

    @property
    def clip_frames(self) -> int:
        """Frames of a clip."""
        return self._frames(self.training.clip_seconds)

    @property
    def per_epoch(self) -> int:
        """Clips in an epoch."""
        return len(self.tracks) * self.training.clips_per_track

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: clips `(batch, frames, bands)`, truth."""
        rng = np.random.default_rng([self.seed, epoch])
        order = np.tile(np.arange(len(self.tracks)), self.training.clips_per_track)
        rng.shuffle(order)
        return self._batches(order, rng)

    def drawn(self, draw: int) -> Iterator[Batch]:
        """Yield one clip of each track, in the tracks' order, as an epoch would.

        Args:
            draw: Which of any number of draws; each has its own chance.
        """
        rng = np.random.default_rng([self.seed, draw, DRAWS])
        return self._batches(np.arange(len(self.tracks)), rng)

    def _batches(
        self, order: NDArray[np.int_], rng: np.random.Generator
    ) -> Iterator[Batch]:
        for start in range(0, len(order), self.training.batch_size):
            chosen = order[start : start + self.training.batch_size]
            clips = np.stack([self._clip(self.tracks[track], rng) for track in chosen])
            yield clips, self.truth[chosen].astype(np.float32)

    def _clip(self, track: Frames, rng: np.random.Generator) -> NDArray[np.float32]:
        shown = self._frames(rng.choice(self.training.crop_seconds))
        return augment(
            crop(track, self.clip_frames, shown, rng),
            self.training.augmentation,
            feature=self.feature,
            rng=rng,
        )

    def _frames(self, seconds: float) -> int:
        return round(seconds * self.feature.frames_per_second)


@dataclass(frozen=True)
class Sequences:
    """The training split as an endless source of whole tracks.

    Attributes:
        tracks: `(steps, values)` of each track, memory-mapped.
        truth: `(tracks, tags)`; or what several sources know, where the targets of a
            batch are -1 for what none of them does.
        training: Batch size.
        seed: Of the experiment.
    """

    tracks: Sequence[Frames]
    truth: Truth | Knowledge
    training: Training
    seed: int

    @property
    def per_epoch(self) -> int:
        """Tracks in an epoch."""
        return len(self.tracks)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: `(batch, longest, values)`, targets."""
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.tracks))
        for start in range(0, len(order), self.training.batch_size):
            chosen = order[start : start + self.training.batch_size]
            heard = padded([self.tracks[track] for track in chosen])
            yield heard, self._targets(chosen)

    def _targets(self, chosen: NDArray[np.int_]) -> NDArray[np.float32]:
        if isinstance(self.truth, Knowledge):
            return self.truth.rows(chosen)
        return self.truth[chosen].astype(np.float32)


@dataclass
class Ahead:
    """Prepares batches in a thread, a few ahead of who takes them.

    Attributes:
        batches: What to prepare.
        waited_seconds: How long the taker has waited so far.
    """

    batches: Iterator[Batch]
    waited_seconds: float = field(default=0.0, init=False)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches; what preparing them raises is raised here."""
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(AHEAD)
        stopped = threading.Event()
        thread = threading.Thread(
            target=self._prepare, args=(ready, stopped), daemon=True
        )
        thread.start()
        try:
            while (item := self._next(ready)) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stopped.set()

    def _next(
        self, ready: "queue.Queue[Batch | BaseException | None]"
    ) -> Batch | BaseException | None:
        began = time.perf_counter()
        item = ready.get()
        self.waited_seconds += time.perf_counter() - began
        return item

    def _prepare(
        self,
        ready: "queue.Queue[Batch | BaseException | None]",
        stopped: threading.Event,
    ) -> None:
        try:
            for batch in self.batches:
                ready.put(batch)
                if stopped.is_set():
                    return
            ready.put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the taker
            ready.put(error)
