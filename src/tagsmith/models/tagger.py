"""A trained model as a folder, and what its score of a track is.

A folder holds `model.json` (what it is, which tags it scores), `network.weights.h5`
and whatever training adds. The score of a track is the mean over its clips.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from tagsmith.config import Feature, Model
from tagsmith.errors import DataError, MissingError
from tagsmith.features.clips import spread
from tagsmith.features.logmel import logmel
from tagsmith.store import write_json

if TYPE_CHECKING:
    import keras

DESCRIPTION = "model.json"
WEIGHTS = "network.weights.h5"
TRACKS_AT_ONCE = 32  # whose clips are in memory together, however many there are


@dataclass(frozen=True)
class Tagger:
    """A network that scores tracks.

    Attributes:
        name: The model's name in `params.yaml`.
        config: Its section.
        feature: The feature that it hears.
        tags: The tags that it scores, in the order of its outputs.
        network: Decibels `(batch, frames, bands)` to scores `(batch, tags)`.
    """

    name: str
    config: Model
    feature: Feature
    tags: tuple[str, ...]
    network: "keras.Model"

    @property
    def sample_rate_hz(self) -> int:
        """The rate of the waveforms that it scores."""
        return self.feature.sample_rate_hz

    @property
    def clip_frames(self) -> int:
        """Frames of a clip."""
        seconds = self.config.training.clip_seconds
        return round(seconds * self.feature.frames_per_second)

    def score(self, waveform: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Score one recording.

        Args:
            waveform: `(samples,)` at `sample_rate_hz`.

        Returns:
            `(tags,)` scores in [0, 1].
        """
        scores = self.score_features([logmel(waveform, self.feature)])
        return np.asarray(scores[0])

    def score_features(
        self, tracks: list[NDArray[np.floating[Any]]]
    ) -> NDArray[np.float32]:
        """Score tracks whose features are known.

        Args:
            tracks: `(frames, bands)` of each track, of any length.

        Returns:
            `(tracks, tags)` scores in [0, 1].
        """
        parts = [
            self._score_together(tracks[start : start + TRACKS_AT_ONCE])
            for start in range(0, len(tracks), TRACKS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _score_together(
        self, tracks: list[NDArray[np.floating[Any]]]
    ) -> NDArray[np.float32]:
        scoring = self.config.scoring
        clips = [spread(track, self.clip_frames, scoring.clips) for track in tracks]
        scores = self.network.predict(
            np.concatenate(clips), batch_size=scoring.batch_size, verbose=0
        )
        ends = np.cumsum([len(of_track) for of_track in clips])[:-1]
        means = [part.mean(axis=0) for part in np.split(scores, ends)]
        return np.stack(means).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the folder that `load` reads."""
        from tagsmith.models import build  # noqa: PLC0415 - Keras, as in `load`

        folder.mkdir(parents=True, exist_ok=True)
        # A trained network would write its optimizer too, twice the weights' size.
        bare = build(self.config, self.feature, tags=len(self.tags))
        bare.set_weights(self.network.get_weights())
        bare.save_weights(folder / WEIGHTS)
        description = {
            "name": self.name,
            "config": self.config.model_dump(mode="json"),
            "feature": self.feature.model_dump(mode="json"),
            "tags": self.tags,
        }
        write_json(folder / DESCRIPTION, description)


def load(folder: Path) -> Tagger:
    """Read a trained model.

    Raises:
        MissingError: The folder holds no trained model.
        DataError: Its description and its weights do not belong together.
    """
    from tagsmith.models import build  # noqa: PLC0415 - Keras waits until it is needed

    if not (folder / DESCRIPTION).exists() or not (folder / WEIGHTS).exists():
        raise MissingError(
            f"{folder} holds no trained model; `dvc repro train` makes it"
        )
    description = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    config = TypeAdapter(Model).validate_python(description["config"])
    feature = TypeAdapter(Feature).validate_python(description["feature"])
    tags = tuple(description["tags"])
    network = build(config, feature, tags=len(tags))
    try:
        network.load_weights(folder / WEIGHTS)
    except ValueError as error:
        raise DataError(
            f"{folder / WEIGHTS} does not fit {DESCRIPTION}: {error}"
        ) from error
    return Tagger(description["name"], config, feature, tags, network)
