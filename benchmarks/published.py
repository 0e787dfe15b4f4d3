"""The published networks on noise: what benchmarks of a device have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import ROOT, SEED, TAG_SHARE
from tagsmith.config import (
    DeepSpectrum,
    Feature,
    LogMel,
    Melbands,
    Model,
    Params,
    Siamese,
    Texture,
    WordModel,
)
from tagsmith.models import Tagger, build
from tagsmith.models.words import know
from tagsmith.training.batches import Clips, Lessons, Sequences
from tagsmith.training.pairs import Pairs

Tracks = Sequence[NDArray[np.float32]]
Truth = NDArray[np.bool_]

WINDOW_VALUES = 4096  # of VGG16's layer fc2
DIMENSIONS = 40  # of a genre's vector of instruments


@dataclass(frozen=True)
class Size:
    """How much a profile's data set is.

    Attributes:
        tags: That a network learns.
        tracks: Of the training split.
        whole: Tracks of all splits.
        seconds: What log-mel shows of a track.
    """

    tags: int
    tracks: int
    whole: int
    seconds: float = 30


# Of the least memory first: some backends tell no more than the most so far.
SIZES = {
    "zeroshot": Size(125, 13_626, 19_466),  # 0.7 of the tracks that OpenMIC has too
    "acousticbrainz2018": Size(766, 947_249, 1_353_213),  # AllMusic's; 0.7 of them
    "magnatagatune": Size(50, 18_706, 25_860, seconds=29.124),
    "mediaeval2019": Size(56, 9_949, 17_982),
}
# What learns from several sources of genres is as large as their labels together.
JOINT_TAGS = 766 + 315 + 327 + 296
TWINS = {"melband_fcn_published"}  # differ from another in their targets alone


@dataclass(frozen=True)
class Case:
    """A network of a profile.

    Attributes:
        profile: Its name.
        model: The model's.
    """

    profile: str
    model: str

    def __str__(self) -> str:
        """Name it, as on the command line."""
        return f"{self.profile}/{self.model}"

    @cached_property
    def params(self) -> Params:
        """The profile."""
        return Params.load(ROOT / "profiles" / f"{self.profile}.yaml")

    @property
    def config(self) -> Model:
        """The model's section."""
        return self.params.model(self.model)

    @property
    def feature(self) -> Feature:
        """What it hears."""
        return self.params.feature(self.config.feature)

    @property
    def size(self) -> Size:
        """Of the data set."""
        return SIZES[self.profile]

    @property
    def tags(self) -> int:
        """How many it learns."""
        sources = getattr(self.config, "sources", "target")
        return self.size.tags if sources == "target" else JOINT_TAGS

    @property
    def shape(self) -> tuple[int, int]:
        """Frames and bands of a track, or as much of what else is heard."""
        match self.feature:
            case LogMel() as feature:
                frames = int(self.size.seconds * feature.frames_per_second)
                return frames + (feature.frames == "centered"), feature.mel_bands
            case DeepSpectrum(seconds=seconds, hop_seconds=hop):
                return int(seconds // hop), WINDOW_VALUES
            case Melbands():
                return 40, 9

    def tagger(self) -> Tagger:
        """Build it, untrained."""
        words = isinstance(self.config, WordModel)
        network = build(
            self.config,
            self.feature,
            tags=self.tags,
            values=self.shape[1],
            dimensions=DIMENSIONS if words else None,
        )
        if words:
            rng = np.random.default_rng(SEED)
            know(network, rng.normal(size=(self.tags, DIMENSIONS)))
        names = tuple(f"tag{number:04d}" for number in range(self.tags))
        return Tagger(self.model, self.config, self.feature, names, network)

    def tracks(self, count: int) -> Tracks:
        """Make noise, of the level of what it hears."""
        rng = np.random.default_rng(SEED)
        noise = rng.standard_normal((count, *self.shape), np.float32)
        decibels = isinstance(self.feature, LogMel) and self.feature.scale == "decibels"
        return list(15 * noise - 60 if decibels else noise)

    def truth(self, count: int) -> Truth:
        """Draw who has which tag, `(tracks, tags)`."""
        rng = np.random.default_rng(SEED)
        has: Truth = rng.random((count, self.tags)) < TAG_SHARE
        return has


def cases(patterns: Sequence[str]) -> Iterator[Case]:
    """Yield the networks whose names match, all if there is no pattern."""
    for profile in SIZES:
        params = Case(profile, "").params
        for model in params.models:
            case = Case(profile, model)
            wanted = any(fnmatch(str(case), pattern) for pattern in patterns)
            if model not in TWINS and (wanted or not patterns):
                yield case


def lessons(case: Case, tracks: Tracks) -> Lessons:
    """Return what stage `train` would teach a network of such tracks."""
    config, feature, truth = case.config, case.feature, case.truth(len(tracks))
    assert not isinstance(config, Texture)  # which is solved
    if not isinstance(feature, LogMel):
        return Sequences(tracks, truth, config.training, SEED)
    clips = Clips(tracks, truth, config.training, feature, SEED)  # type: ignore[arg-type]
    return Pairs(clips, config.loss) if isinstance(config, Siamese) else clips
