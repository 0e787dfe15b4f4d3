"""What a model's score of a track is.

It is the mean over the track's clips, or what a network that hears whole tracks says.
One that learnt the labels of several sources scores its target's, or any other's. A
word model compares: its score is half of 1 plus the cosine of where a word is with the
mean of where the track's clips are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np
from numpy.typing import NDArray

from tagsmith.config import (
    Crnn,
    DeepSpectrumRnn,
    Feature,
    MelbandFcn,
    Model,
    Multiscale,
    Scoring,
    Siamese,
    Texture,
    WordModel,
)
from tagsmith.core.genres import LabelSpace
from tagsmith.features.clips import Frames, consecutive, padded, spread
from tagsmith.models.batched import in_batches
from tagsmith.store import Scores

if TYPE_CHECKING:
    import keras

Vectors = NDArray[np.floating[Any]]
TRACKS_AT_ONCE = 32  # whose clips are in memory together, however many there are


@dataclass(frozen=True)
class Tagger:
    """A network that scores tracks.

    Attributes:
        name: The model's name in `params.yaml`.
        config: Its section.
        feature: The feature that it hears.
        tags: The tags that it scores, in the order of its outputs; with a space the
            target's, in the order of `space.own(target)`.
        network: Clips `(batch, frames, bands)`, or `(batch, windows, values)` with
            NaN behind a track's end, to scores `(batch, tags)`; with a space to those
            of all its labels. Where it only scores, an `OnnxNetwork` stands in for it.
        space: The labels of several sources, those that the network learnt; None where
            there are only tags.
        target: The source whose labels the tags are; empty where none is known.
    """

    name: str
    config: Model
    feature: Feature
    tags: tuple[str, ...]
    network: "keras.Model"
    space: LabelSpace | None = None
    target: str = ""

    @property
    def outputs(self) -> int:
        """How many tags or labels the network scores."""
        return len(self.tags if self.space is None else self.space.labels)

    @property
    def clip_frames(self) -> int:
        """Frames of a clip; a network that hears whole tracks has none."""
        return int(self.network.input_shape[1])

    @property
    def values(self) -> int:
        """The width of the feature that it hears."""
        return int(self.network.input_shape[2])

    @property
    def dimensions(self) -> int | None:
        """Of the tags' vectors; None if it does not compare with any."""
        if not isinstance(self.config, WordModel):
            return None
        from tagsmith.models.words import WORDS  # noqa: PLC0415 - Keras, needed here only

        return int(self.network.get_layer(WORDS).dimensions)

    def score_features(self, tracks: Sequence[Frames]) -> NDArray[np.float32]:
        """Score tracks whose features are known.

        Args:
            tracks: `(frames, bands)` of each track, or `(windows, values)`; of any
                length.

        Returns:
            `(tracks, tags)` scores in [0, 1].
        """
        score: Callable[[Sequence[Frames]], Scores]
        match self.config:
            case Crnn(scoring=scoring) | Multiscale(scoring=scoring):
                together, score = TRACKS_AT_ONCE, partial(self._clips, scoring=scoring)
            case DeepSpectrumRnn(scoring_batch_size=size):
                together, score = size, self._sequences
            case MelbandFcn() if self.space is not None:
                return self.score_source(tracks, self.target)
            case MelbandFcn(scoring_batch_size=size):
                together, score = size, self._sequences
            case Siamese() | Texture():
                return self.score_words(tracks)
            case _:
                assert_never(self.config)
        return _each(score, tracks, together)

    def score_source(
        self, tracks: Sequence[Frames], source: str
    ) -> NDArray[np.float32]:
        """Score the labels of one of the sources that the network learnt from.

        Args:
            tracks: `(bands, statistics)` of each track.
            source: Its target, or another source of its space.

        Returns:
            `(tracks, labels)` scores in [0, 1], in the order of `space.own(source)`.

        Raises:
            DataError: It learnt nothing from that source.
        """
        assert isinstance(self.config, MelbandFcn)
        assert self.space is not None
        columns = self.space.columns(source)

        def of_some(some: Sequence[Frames]) -> Scores:
            return self._sequences(some)[:, columns]

        return _each(of_some, tracks, self.config.scoring_batch_size)

    def speaking(self, source: str) -> "Tagger":
        """Return the same network as a tagger of another source's labels.

        Raises:
            DataError: It learnt nothing from that source.
        """
        assert self.space is not None
        return replace(self, tags=self.space.own(source), target=source)

    def score_words(
        self, tracks: Sequence[Frames], vectors: Vectors | None = None
    ) -> NDArray[np.float32]:
        """Score any words; only a model of these can, a siamese or a texture one.

        Args:
            tracks: `(frames, bands)` of each track, of any length.
            vectors: `(words, dimensions)`; None for the tags that it learnt.

        Returns:
            `(tracks, words)` scores in [0, 1].
        """
        from tagsmith.models import words  # noqa: PLC0415 - Keras, needed here only

        cosines = words.compared(
            self.network, self.over_clips(self._audio, tracks), vectors
        )
        return np.asarray((1 + cosines) / 2, np.float32).clip(0, 1)

    @cached_property
    def _audio(self) -> "keras.Model":
        """The branch that hears; made once, as Keras traces every new network."""
        from tagsmith.models import words  # noqa: PLC0415 - Keras, needed here only

        return words.audio(self.network)

    def over_clips(
        self, network: "keras.Model", tracks: Sequence[Frames]
    ) -> NDArray[np.float32]:
        """Return the mean over each track's clips of what a network says of them.

        Args:
            network: The branch that hears, or a part of it.
            tracks: `(frames, bands)` of each track, of any length.

        Returns:
            `(tracks, values)`.
        """
        assert isinstance(self.config, WordModel)
        size = self.config.scoring_batch_size

        def of_some(some: Sequence[Frames]) -> Scores:
            clips = [consecutive(track, self.clip_frames) for track in some]
            return _means(network, clips, size)

        return _each(of_some, tracks, TRACKS_AT_ONCE)

    def _clips(self, tracks: Sequence[Frames], *, scoring: Scoring) -> Scores:
        clips = [spread(track, self.clip_frames, scoring.clips) for track in tracks]
        return _means(self.network, clips, scoring.batch_size)

    def _sequences(self, tracks: Sequence[Frames]) -> Scores:
        return np.asarray(self.network.predict_on_batch(padded(tracks)))


def _each(
    compute: Callable[[Sequence[Frames]], Scores], tracks: Sequence[Frames], count: int
) -> NDArray[np.float32]:
    """Compute a row per track for `count` of them at a time, however many there are."""
    parts = [
        compute(tracks[start : start + count]) for start in range(0, len(tracks), count)
    ]
    return np.concatenate(parts).astype(np.float32, copy=False)


def _means(
    network: "keras.Model", clips: Sequence[NDArray[np.float32]], batch_size: int
) -> Scores:
    """Return the mean over each track's clips of what a network says of them."""
    said = in_batches(network, np.concatenate(clips), batch_size)
    ends = np.cumsum([len(of_track) for of_track in clips])[:-1]
    return np.stack([part.mean(axis=0) for part in np.split(said, ends)])
