"""What runs on a worker: a shard of tracks becomes a file of scores.

A process loads the ensemble once, and scores with one thread: use as many workers as
there are cores.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from tagsmith.errors import DataError, MissingError
from tagsmith.models.analysis import Frames
from tagsmith.models.ensemble import Ensemble
from tagsmith.predicting.manifest import Track
from tagsmith.predicting.shards import Failure, Shard, write

MOST_BYTES = 1 << 28  # of features that wait to be scored together

TENSORFLOW_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

Heard = tuple[Track, Mapping[str, Frames]]

_lock = threading.Lock()  # a worker of Dask may have several threads, and one ensemble


def score(shard: Shard, bundle: Path) -> int:
    """Score the tracks of a shard, write its file and return its number.

    A track that cannot be heard is a failure, and does not stop the others.
    """
    failures: list[Failure] = []
    found: dict[str, np.ndarray] = {}
    with _lock:
        ensemble = loaded(bundle)
        for some in _together(_heard(ensemble, shard.tracks, failures)):
            rows = ensemble.score_features([features for _, features in some])
            for (track, _), row in zip(some, rows, strict=True):
                if np.isfinite(row).all():
                    found[track.track_id] = row
                else:
                    reason = "its scores are no numbers; is it damaged?"
                    failures.append(Failure(track.track_id, track.path, reason))
        write(shard, found, failures, ensemble.tags)
    return shard.number


@lru_cache(maxsize=1)
def loaded(bundle: Path) -> Ensemble:
    """Load an ensemble, once in a process."""
    logging.getLogger("tensorflow").setLevel("ERROR")  # its remarks on tracing
    for threads in TENSORFLOW_THREADS:  # of networks that are not in ONNX
        os.environ.setdefault(threads, "1")
    return Ensemble.load(bundle, threads=1)


def _heard(
    ensemble: Ensemble, tracks: Sequence[Track], failures: list[Failure]
) -> Iterator[Heard]:
    for track in tracks:
        try:
            yield track, ensemble.analyse(track.file)
        except (DataError, MissingError, OSError) as error:
            failures.append(Failure(track.track_id, track.path, str(error)))


def _together(heard: Iterator[Heard]) -> Iterator[list[Heard]]:
    """Yield as many tracks at once as memory should hold; short ones, a shard's all."""
    some: list[Heard] = []
    size = 0
    for track, features in heard:
        some.append((track, features))
        size += sum(frames.nbytes for frames in features.values())
        if size > MOST_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some
