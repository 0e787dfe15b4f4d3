"""Compare new audio with a model's reference: what `tagsmith drift` does.

Below the output's folder:

    drift.html       the page
    drift.json       the same facts
    scores.parquet   of the new tracks, as `tagsmith predict` writes them
"""

import json
import logging
import math
import tempfile
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from tagsmith import predicting, sounds
from tagsmith.config import Params
from tagsmith.core import drift, histograms
from tagsmith.core.drift import Verdict
from tagsmith.core.reference import Tracks, Tree
from tagsmith.errors import MissingError
from tagsmith.models import ensemble
from tagsmith.predicting import manifest as manifests
from tagsmith.predicting.model import Model, fetch
from tagsmith.predicting.run import Predicted
from tagsmith.reporting import drift as layout
from tagsmith.store import write_json, write_text

logger = logging.getLogger(__name__)

PAGE, FACTS, SCORES = "drift.html", "drift.json", "scores.parquet"
MOST_UNLIKE = 12  # tracks that are named
EXIT_CODES: dict[Verdict, int] = {"stable": 0, "shifted": 1, "unknown": 2}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What is said of new audio.

    Attributes:
        text: For a terminal.
        json: The facts, as in `drift.json`.
        exit_code: 0 if stable, 1 if shifted, 2 if there are too few tracks to judge.
    """

    text: str
    json: str
    exit_code: int


def answer(manifest: Path, out: Path, model_uri: str | None, params: Params) -> Answer:
    """Score new audio, compare it with the model's reference, and write the page.

    A track that cannot be heard is reported in the log and has no part in it.

    Args:
        manifest: As for `predicting.predict`.
        out: The folder for the page, the facts and the scores.
        model_uri: A registered model, or a bundle's folder; None for the champion.
        params: What a shift must reach, and where the work runs.

    Raises:
        ConfigError: The model is no ensemble.
        DataError: The manifest is wrong, or no track could be heard.
        MissingError: The manifest, its files, or the model is not there, or the model
            has no reference.
        TrackingError: The registry cannot be reached, or refuses.
    """
    with tempfile.TemporaryDirectory(prefix="tagsmith-") as scratch:
        model = fetch(model_uri, Path(scratch))
        reference = _reference(model)
        predicted = predicting.scores(
            manifest, out / SCORES, model.version, params.engine
        )
        tracks = _heard(manifest, predicted, model, params)
    facts = _facts(reference, tracks, params)
    facts |= {
        "model": model.version,
        "manifest": str(manifest),
        "failed": predicted.failed.to_dict("records"),
    }
    told = json.dumps(_plain(facts), indent=2, ensure_ascii=False)
    write_json(out / FACTS, json.loads(told))
    write_text(out / PAGE, layout.render(facts))
    return Answer(
        text=f"{layout.text(facts)}\n  page: {out / PAGE}",
        json=told,
        exit_code=EXIT_CODES[facts["comparison"].verdict],
    )


def _reference(model: Model) -> Tree:
    path = model.bundle / ensemble.REFERENCE
    if not path.is_file():
        raise MissingError(
            f"{model.version} has no {ensemble.REFERENCE} to compare with: it was "
            "promoted before references were kept; `dvc repro promote` promotes what "
            "data/ holds with one, or name a later version by --model"
        )
    reference: Tree = json.loads(path.read_text("utf-8"))
    return reference


def _heard(
    manifest: Path, predicted: Predicted, model: Model, params: Params
) -> Tracks:
    """Listen to the tracks that could be scored."""
    for track, reason in zip(*_failed(predicted), strict=True):
        logger.warning("%s is left out: %s", track, reason)
    scores = predicted.scores
    files = {track.track_id: track.file for track in manifests.read(manifest)}
    paths = [files[track] for track in scores.index]
    heard = sounds.table(paths, list(scores.index), params.engine)
    return Tracks(heard, scores, model.decide(scores))


def _failed(predicted: Predicted) -> tuple[list[str], list[str]]:
    failed = predicted.failed
    return list(failed["path"]), list(failed["reason"])


def _facts(reference: Tree, tracks: Tracks, params: Params) -> Facts:
    known = {*reference["numbers"], *reference["kinds"]}
    unlike = drift.unlike(reference, tracks, params.drift).head(MOST_UNLIKE)
    return {
        "comparison": drift.compare(reference, tracks, params.drift),
        "tracks": len(tracks),
        "reference": {name: reference[name] for name in ("split", "tracks")},
        "limits": params.drift.model_dump(mode="json"),
        "lacking": [
            name for name in (*tracks.numbers, *tracks.kinds) if name not in known
        ],
        "histograms": histograms.of(reference, tracks, params.drift),
        "kinds": histograms.shares(reference, tracks),
        "unlike": unlike.rename_axis("track_id").reset_index().to_dict("records"),
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any tree of facts
    """Return facts as JSON has them: no dataclasses, and null for NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
