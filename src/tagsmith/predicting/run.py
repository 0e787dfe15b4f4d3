"""From a manifest to a table of scores, on any engine, however often it is killed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from tagsmith.config import Engine
from tagsmith.engine import each
from tagsmith.errors import ConfigError, DataError
from tagsmith.predicting import manifest as manifests
from tagsmith.predicting import output, shards, worker
from tagsmith.predicting.alone import alone
from tagsmith.predicting.manifest import Track
from tagsmith.predicting.model import Model, fetch
from tagsmith.predicting.shards import Shard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Predicted:
    """What was predicted.

    Attributes:
        out: The scores' file.
        model: What made them: `model`, `version`, `bundle_sha256`, `tags` and more.
        tracks: How many have scores.
    """

    out: Path
    model: dict[str, Any]
    tracks: int

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores `(tracks, tags)` in [0, 1], float32, by track id."""
        return pd.read_parquet(self.out)

    @cached_property
    def failed(self) -> pd.DataFrame:
        """The tracks that have none: `track_id`, `path`, `reason`."""
        return output.read_failures(output.failed_path(self.out))

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        text = f"{self.out}: {self.tracks} tracks, {len(self.model['tags'])} tags"
        text += f", scored by {self.model['version']}"
        if len(self.failed):
            path = output.failed_path(self.out)
            text += f"; {len(self.failed)} could not be scored: {path} says why"
        return text


def scores(
    manifest: Path, out: Path, model_uri: str | None, engine: Engine
) -> Predicted:
    """Score the tracks of a manifest; see `predict`, which can decide too."""
    return predict(manifest, out, model_uri, engine)


def predict(
    manifest: Path,
    out: Path,
    model_uri: str | None,
    engine: Engine,
    *,
    decisions: bool = False,
) -> Predicted:
    """Score the tracks of a manifest with an ensemble.

    Args:
        manifest: A table, a list of paths or a folder: see `predicting.manifest`.
        out: The `.parquet` file of scores. Others are named after it.
        model_uri: A registered model, or a bundle's folder; None for the champion.
        engine: Where tracks are scored. Workers elsewhere must reach the current
            folder, the tracks and the output's folder under the same paths.
        decisions: Whether decisions are written too.

    Returns:
        What is in the files. A track that cannot be scored is in `failed`, not in
        `scores`.

    Raises:
        ConfigError: The output is no `.parquet`, or the model is no ensemble.
        DataError: The manifest is wrong, no track could be scored, or another process
            makes the same output.
        MissingError: The manifest, its files, the model or the engine is not there.
        TrackingError: The registry cannot be reached, or refuses.
    """
    if out.suffix != ".parquet":
        raise ConfigError(
            f"scores are written as Parquet; {out} should end in .parquet"
        )
    tracks = manifests.read(manifest)
    with alone(out) as scratch:
        model = fetch(model_uri, scratch)
        made_of = shards.fingerprint(tracks, model.sha256)
        told = model.described() | {"fingerprint": made_of}
        if _made_of(out) == made_of:
            logger.info("%s is there already, made of the same", out)
        else:
            plan = _scored(tracks, scratch, model, engine)
            _write(plan, out, told)
        if decisions:
            output.write_decisions(out, output.decisions_path(out), model.decide)
    return Predicted(out, told, pq.read_metadata(out).num_rows)


def _scored(
    tracks: Sequence[Track], scratch: Path, model: Model, engine: Engine
) -> list[Shard]:
    plan = list(shards.plan(tracks, scratch, model.sha256))
    todo = [shard for shard in plan if not shard.is_finished]
    logger.info(
        "%d tracks in %d shards, %d of them finished before",
        len(tracks),
        len(plan),
        len(plan) - len(todo),
    )
    score = partial(worker.score, bundle=model.bundle)
    for _ in each(score, todo, engine, label="predict"):
        pass
    return plan


def _write(plan: Sequence[Shard], out: Path, told: dict[str, Any]) -> None:
    failed = output.failed_path(out)
    failures = (each for shard in plan for each in shards.read_failures(shard))
    count = output.write_failures(failures, failed)
    if count == sum(len(shard.tracks) for shard in plan):
        raise DataError(
            f"none of the {count} tracks could be scored; {failed} says why"
        )
    output.decisions_path(out).unlink(missing_ok=True)  # they are of other scores
    output.write_scores(plan, out, told)


def _made_of(path: Path) -> str | None:
    """Return the fingerprint of scores that are there."""
    made_of: str | None = (
        shards.told(path).get("fingerprint") if path.exists() else None
    )
    return made_of
