"""Genres of new tracks as a MediaEval run: what `tagsmith predict-genres` does.

Documents below folders and addresses are read on every core into one matrix beside the
run, so that a command that was killed goes on where it was, and are scored thousands at
a time. Files that are named one by one, audio among them, are heard one by one.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from tagsmith import genrefiles
from tagsmith.config import Engine, Melbands
from tagsmith.core.genres import with_parents
from tagsmith.core.thresholds import decide
from tagsmith.datasets.acousticbrainz import documents
from tagsmith.datasets.acousticbrainz.roots import STATISTICS_FILE
from tagsmith.engine import progress
from tagsmith.errors import DataError, MissingError
from tagsmith.features import melbands
from tagsmith.models import sources
from tagsmith.models.analysis import Frames
from tagsmith.models.ensemble import Ensemble
from tagsmith.predicting import output
from tagsmith.predicting.alone import alone
from tagsmith.predicting.model import fetch
from tagsmith.predicting.shards import Failure
from tagsmith.tracking import registry

logger = logging.getLogger(__name__)

GENRES = f"models:/tagsmith-genres@{registry.CHAMPION}"  # where nobody names a model
AT_ONCE = 4096  # documents that are scored together: 6 MB of statistics

Said = tuple[str, list[str]]  # a track's id and its labels


@dataclass(frozen=True)
class Decider:
    """An ensemble that decides genres.

    Attributes:
        ensemble: Of the target, or of another source.
        parents: Whether who has a subgenre is given its genre too.
        uri: What messages call it.
    """

    ensemble: Ensemble
    parents: bool
    uri: str

    def labels(self, tracks: Sequence[Mapping[str, Frames]]) -> Iterator[list[str]]:
        """Yield the labels of each track, in the order of the tags."""
        scores = self.ensemble.score_features(tracks)
        limits, rule = self.ensemble.thresholds, self.ensemble.calibration
        decisions = decide(scores, limits, rule)
        if self.parents:
            decisions = with_parents(decisions, self.ensemble.tags)
        names = np.array(self.ensemble.tags, dtype=object)
        yield from (names[row].tolist() for row in decisions)

    def features(self) -> dict[str, Melbands]:
        """Return what the members hear of a document, by name.

        Raises:
            DataError: A member hears what no document holds.
        """
        members = self.ensemble.members.values()
        heard = {member.config.feature: member.feature for member in members}
        bands = {n: each for n, each in heard.items() if isinstance(each, Melbands)}
        if others := sorted(heard.keys() - bands.keys()):
            raise DataError(
                f"{self.uri} hears {others}, but documents hold mel bands alone; name "
                "audio, or a --model that was trained on documents"
            )
        return bands


def submit(
    tracks: Sequence[str],
    out: Path,
    model_uri: str | None = None,
    *,
    source: str | None = None,
    parents: bool,
    engine: Engine,
) -> tuple[str, bool]:
    """Let an ensemble decide the genres of tracks, and write them as a MediaEval run.

    A track that cannot be heard is not in the run; a file beside it says why.

    Args:
        tracks: Documents, audio files, and folders or addresses of documents, or of
            what `tagsmith read-documents` wrote. The name of a file, without its
            ending, is the track's id.
        out: The run, `id TAB label TAB label...`.
        model_uri: A registered model, or a bundle's folder; None for the champion of
            the profile `acousticbrainz2018`.
        source: Whose labels are decided, where models learnt several sources; None for
            the target's.
        parents: Whether who has a subgenre is given its genre too.
        engine: Where documents are read.

    Returns:
        What was written, in a sentence, and whether a track is missing.

    Raises:
        ConfigError: The model is no ensemble.
        DataError: Two tracks have one id, none could be heard, the model does not know
            that source or hears what documents do not hold, or another process writes
            the same run.
        MissingError: No version has that alias, or a folder has no documents.
        TrackingError: The registry cannot be reached, or refuses.
    """
    roots = [each for each in tracks if "://" in each or Path(each).is_dir()]
    files = [Path(each) for each in tracks if each not in roots]
    with alone(out) as scratch:
        model = fetch(model_uri or GENRES, scratch)
        decider = Decider(_ensemble(model.bundle, source), parents, model.uri)
        failures: list[Failure] = []
        said = _of_files(decider, files, failures)
        if roots:
            decider.features()  # objects before anything is read
            folder = scratch / "documents"
            index = documents.read(roots, folder, engine=engine)
            said = chain(said, _of_documents(decider, index, folder, failures))
        rows = _each_once(said)
        failed = output.failed_path(out)
        output.write_failures(failures, failed)
        if not rows:
            raise DataError(
                f"none of {len(failures)} tracks could be heard; {failed} says why"
            )
        genrefiles.write_run(out, rows.keys(), rows.values())
    text = f"{out}: {len(rows)} tracks, by {model.version}"
    if failures:
        text += f"; {len(failures)} could not be heard: {failed} says why"
    return text, bool(failures)


def _ensemble(bundle: Path, source: str | None) -> Ensemble:
    return Ensemble.load(bundle) if source is None else sources.load(bundle, source)


def _of_files(
    decider: Decider, files: Sequence[Path], failures: list[Failure]
) -> Iterator[Said]:
    for path in progress(files, total=len(files), label="tracks"):
        try:
            (labels,) = decider.labels([decider.ensemble.analyse(path)])
        except (DataError, MissingError) as error:
            failures.append(Failure(path.stem, str(path), str(error)))
            continue
        yield path.stem, labels


def _of_documents(
    decider: Decider,
    index: pd.DataFrame,
    folder: Path,
    failures: list[Failure],
) -> Iterator[Said]:
    """Yield what is decided of documents that were read into a folder."""
    features = decider.features()
    bad = index["problem"] != ""
    failures += map(Failure._make, index[bad][["document", "path", "problem"]].values)
    good = index[~bad]  # by row of the matrix
    matrix = np.load(folder / STATISTICS_FILE, mmap_mode="r")
    starts = range(0, len(good), AT_ONCE)
    for start in progress(starts, total=len(starts), label="thousands of documents"):
        some = good[start : start + AT_ONCE]
        statistics = np.asarray(matrix[some["row"]])
        heard = {
            name: melbands.scaled(statistics, scale=each.scale, dtype=each.precision)
            for name, each in features.items()
        }
        together = [
            {name: values[place] for name, values in heard.items()}
            for place in range(len(some))
        ]
        yield from zip(some["document"], decider.labels(together), strict=True)


def _each_once(said: Iterator[Said]) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for track_id, labels in said:
        if track_id in rows:
            raise DataError(f"two of the tracks have the id {track_id}; rename one")
        rows[track_id] = labels
    return rows
