"""The clips as files: what is missing is rendered, what is not wanted is removed.

A clip's file carries the hash of everything that it was made from in its name, and
appears whole or not at all. So a file that exists is done, whatever became of the run
that made it, and there is no other record to keep.
"""

import hashlib
import json
import logging
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith import engine
from tagsmith.config import Loky, ScoresDataset
from tagsmith.datasets.listing import Listing
from tagsmith.datasets.scores import abc, performance, room
from tagsmith.datasets.scores.compositions import ARTISTS, package, voices
from tagsmith.datasets.scores.programme import Clip, plan
from tagsmith.errors import MissingError

logger = logging.getLogger(__name__)

FOLDER = "clips"
BUNDLED = "timgm6mb"
LICENCE = "composition in the public domain; performance rendered by tagsmith"


def listing(config: ScoresDataset, raw: Path, *, seed: int, workers: int) -> Listing:
    """Return the data set, after rendering what is missing of it.

    Args:
        config: How many clips, how long, from which sound banks.
        raw: Where the audio lies; clips of other parameters are removed from there.
        seed: Of everything that is drawn.
        workers: Processes that render; -1 for one per core.

    Raises:
        MissingError: A package or a sound bank is not there.
    """
    soundfonts = tuple(soundfont(name) for name in config.soundfonts)
    clips = plan(config, seed=seed)
    origin = _origin(soundfonts, config.clip_seconds, seed)
    files = {_path(clip, origin): clip for clip in clips}
    _remove_others(raw, files)
    missing = [item for item in files.items() if not (raw / item[0]).exists()]
    logger.info("scores: %d clips, %d of them to render", len(files), len(missing))
    render = partial(
        _render, raw=raw, soundfonts=soundfonts, seconds=config.clip_seconds, seed=seed
    )
    where = Loky(kind="loky", workers=workers)
    for _ in engine.each(render, missing, where, label="rendering"):
        pass  # what counts is the files
    return _tables(files, config.clip_seconds)


def soundfont(name: str) -> Path:
    """Return the file of a sound bank.

    Args:
        name: `timgm6mb` for the one that pretty_midi carries, else a path.

    Raises:
        MissingError: It is not there.
    """
    path = package("pretty_midi") / "TimGM6mb.sf2" if name == BUNDLED else Path(name)
    if not path.is_file():
        raise MissingError(
            f"sound bank {name!r} is not a file ({path}); set dataset.soundfonts to "
            f"{BUNDLED!r} or to the path of an .sf2 file"
        )
    return path


def _render(
    item: tuple[str, Clip],
    raw: Path,
    soundfonts: tuple[Path, ...],
    seconds: float,
    seed: int,
) -> None:
    path, clip = item
    rng = np.random.default_rng([seed, clip.number, 1])
    bank = soundfonts[int(rng.integers(len(soundfonts)))]
    if clip.composition.kind == "chorale":
        score = voices(clip.composition)
        parts = performance.play_voices(score, clip, seconds, rng)
    else:
        tune = abc.read(clip.composition.source)
        parts = performance.play_tune(tune, clip, seconds, rng)
    place = room.draw(rng)
    room.encode(room.record(parts, place, seconds, bank, rng), place, raw / path)


def _origin(soundfonts: tuple[Path, ...], seconds: float, seed: int) -> str:
    """Return a hash of what all clips are made from: banks, this code, parameters."""
    digest = hashlib.sha256(json.dumps([seed, seconds]).encode())
    for path in [*soundfonts, *sorted(Path(__file__).parent.glob("*.py"))]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _path(clip: Clip, origin: str) -> str:
    described = json.dumps([origin, asdict(clip)], sort_keys=True)
    key = hashlib.sha256(described.encode()).hexdigest()[:12]
    return f"{FOLDER}/{clip.number:06d}-{key}.mp3"


def _remove_others(raw: Path, files: dict[str, Clip]) -> None:
    for path in (raw / FOLDER).glob("*"):
        if path.relative_to(raw).as_posix() not in files:
            path.unlink()


def _tables(files: dict[str, Clip], seconds: float) -> Listing:
    tracks = pd.DataFrame(
        {
            "track_id": Path(path).stem,
            "path": path,
            "declared_seconds": seconds,
            "artist": ARTISTS[clip.composition.collection],
            "album": clip.composition.collection,
            "recording": "",  # each clip is a performance of its own
            "licence": LICENCE,
            "group": clip.composition.group,
            "split": clip.split,
        }
        for path, clip in files.items()
    )
    tags = [(Path(path).stem, tag) for path, clip in files.items() for tag in clip.tags]
    return Listing(tracks, pd.DataFrame(tags, columns=["track_id", "tag"]))
