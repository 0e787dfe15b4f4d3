"""Stage `convert`: any audio becomes mono wavs at one sample rate.

A wav lies in the same folder below `wavs/` as its source below `raw/`. It carries in a
comment what it was made from, so a run that was killed goes on where it stopped: wavs
whose comment is right are kept, others are made, and the rest is removed.
"""

import io
import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import soundfile

from tagsmith.config import AcousticBrainzDataset, Params
from tagsmith.engine import each
from tagsmith.errors import DataError
from tagsmith.features import audio
from tagsmith.store import Store, atomic
from tagsmith.tracking.recording import Recorder

logger = logging.getLogger(__name__)

CONVERTER = 1  # raise it when the same source would become other samples


@dataclass(frozen=True)
class _Job:
    """One wav to be: everything that a worker on any machine needs."""

    source: Path
    target: Path
    sample_rate_hz: int
    made_from: str


def run(params: Params, store: Store, recorder: Recorder) -> None:
    """Bring `wavs/` up to date with the tracks that passed validation.

    Raises:
        DataError: A file cannot be decoded, or two would become the same wav.
        MissingError: `ingest` or `validate` has not run.
    """
    if isinstance(params.dataset, AcousticBrainzDataset):
        logger.info("convert: the data set is documents; there is no audio to convert")
        store.empty("wavs")
        return
    jobs = _jobs(params, store)
    _remove_others(store.place("wavs"), {job.target for job in jobs})
    todo = [job for job in jobs if not _is_done(job)]
    for _ in each(_convert, todo, params.engine, label="convert"):
        pass
    logger.info("convert: %d wavs, %d of them made now", len(jobs), len(todo))
    recorder.metrics({"wavs": float(len(jobs)), "converted": float(len(todo))})


def _jobs(params: Params, store: Store) -> list[_Job]:
    raw = store.find("raw", made_by="ingest")
    wavs = store.place("wavs")
    rate_hz = params.wavs.sample_rate_hz
    jobs: dict[Path, _Job] = {}
    for track in store.read_tracks().itertuples():
        target = wavs / PurePosixPath(str(track.path)).with_suffix(".wav")
        if target in jobs:
            raise DataError(
                f"{jobs[target].source} and {raw / str(track.path)} would both become "
                f"{target}; rename one of them or leave it out"
            )
        made_from = f"tagsmith {CONVERTER}: {rate_hz} Hz from {track.sha256}"
        jobs[target] = _Job(raw / str(track.path), target, rate_hz, made_from)
    return list(jobs.values())


def _is_done(job: _Job) -> bool:
    try:
        with soundfile.SoundFile(job.target) as wav:
            return bool(wav.comment == job.made_from)
    except soundfile.LibsndfileError:  # not there, or not a wav
        return False


def _convert(job: _Job) -> None:
    """Make one wav, whole or not at all; the only code that runs on a worker."""
    waveform = audio.read(job.source, job.sample_rate_hz)
    # In memory first: libsndfile does not say that a disk is full, Python does.
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", job.sample_rate_hz, channels=1, format="WAV", subtype="PCM_16"
    ) as wav:
        wav.comment = job.made_from
        wav.write(waveform)
    with atomic(job.target) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _remove_others(wavs: Path, wanted: Collection[Path]) -> None:
    """Remove wavs whose track is gone, and what a killed run left half-written."""
    wavs.mkdir(parents=True, exist_ok=True)
    deepest_first = sorted(wavs.rglob("*"), reverse=True)
    for path in deepest_first:
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in wanted:
            path.unlink()
