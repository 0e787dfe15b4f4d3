"""Data sets: what is learned from, and how it is split."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from tagsmith.config.section import Checksum, Fraction, Name, Section


class SplitShares(Section):
    """How groups of tracks are dealt to the splits: shares that sum to 1."""

    train: Fraction
    validation: Fraction
    test: Fraction

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:  # noqa: PLR2004 - rounding of decimals in YAML
            raise ValueError(f"train + validation + test must be 1, got {total:g}")
        return self


class ScoresDataset(Section):
    """The default data set: real compositions, synthesised performances."""

    kind: Literal["scores"]
    clips: PositiveInt
    clip_seconds: PositiveFloat
    soundfonts: tuple[str, ...]
    shares: SplitShares


class FolderDataset(Section):
    """Bring your own music: a manifest beside a folder of audio."""

    kind: Literal["folder"]
    manifest: Path
    root: Path
    shares: SplitShares


class JamendoDataset(Section):
    """MTG-Jamendo: the publisher's tables, and audio that is there or fetched.

    `metadata` is a checkout of the publisher's repository, `audio` the folder that its
    paths are below; `fetch` names what is downloaded into it, if anything.
    """

    kind: Literal["jamendo"]
    metadata: Path
    subset: Literal["all", "moodtheme", "instrument", "genre", "top50tags"]
    split: Annotated[int, Field(ge=0, le=4)]
    audio: Path
    fetch: Literal["none", "audio", "audio-low"]


class MagnaTagATuneDataset(Section):
    """MagnaTagATune: the publisher's annotations and audio, there already or fetched.

    `folder` holds `annotations_final.csv`, and `mp3.zip.001` to `.003` or the audio
    that was unpacked from them. A recording is what the publisher calls a track: it was
    cut into the clips that are tracks here.
    """

    kind: Literal["magnatagatune"]
    folder: Path
    fetch: bool
    annotations_checksum: Checksum
    audio_checksum: Checksum  # of the three parts, joined
    synonyms: str  # published | none | a file like the published one
    most_frequent_tags: PositiveInt
    frequent_in: Literal["train", "all"]  # whose clips are counted
    untagged: Literal["keep", "drop"]  # clips with none of these tags
    split: Literal["folder", "original", "recording", "album", "artist"]
    shares: SplitShares  # of recordings, albums or artists; the others are fixed


class FmaDataset(Section):
    """Free Music Archive: the publisher's metadata, and audio that is there already.

    `metadata` is the folder of `tracks.csv` and `genres.csv`, `audio` that below which
    `000/000002.mp3` lies. With `openmic`, the folder of OpenMIC-2018, only tracks count
    that are in that data set too, as in the zero-shot experiments.
    """

    kind: Literal["fma"]
    metadata: Path
    audio: Path
    subset: Literal["small", "medium", "large", "full"]
    genres: Literal["top", "own", "all"]  # root genre | as given | and their ancestors
    least_artists: PositiveInt  # of a genre; three can be in every split
    openmic: Path | None
    split: Literal["published", "artist"]  # the publisher's | dealt by artist
    shares: SplitShares  # of artists; the publisher's is fixed


class MsdDataset(Section):
    """Million Song Dataset with Last.fm's tags, and audio that is there already.

    `songs` is the publisher's `unique_tracks.txt`, `tags` its `lastfm_tags.db`.
    `ontology` names the tags that count, one a line, or two columns with a tab between:
    Last.fm's tag, and what it is called here. Audio lies at `A/B/C/TRABC....mp3` below
    `audio`.
    """

    kind: Literal["msd"]
    songs: Path
    tags: Path
    ontology: Path
    least_strength: Annotated[float, Field(ge=0, le=100)]  # of Last.fm's tag of a track
    audio: Path
    shares: SplitShares  # of artists


class GroundTruth(Section):
    """The task's ground truths of one source, `.tsv` or `.tsv.bz2`; null where none."""

    train: Path
    validation: Path | None
    test: Path | None


class AcousticBrainzDataset(Section):
    """AcousticBrainz: documents of low-level statistics, and genres of several sources.

    `documents` are folders of `.json` files, however deep, or addresses that fsspec
    reads, or folders that `tagsmith read-documents` wrote. Every source has tags of its
    own; those of `target` are learnt and judged, and the other sources say more about
    the tracks to a model that asks them.

    Splits are the `published` files'. The task kept the truth of its test: `halved` has
    half of the release groups of validation for a test instead. Or all release groups
    are dealt.
    """

    kind: Literal["acousticbrainz"]
    documents: tuple[str, ...] = Field(min_length=1)
    truth: dict[Name, GroundTruth] = Field(min_length=1)
    target: Name
    split: Literal["published", "halved", "release_group"]
    shares: SplitShares  # of release groups; the other splits are fixed

    @model_validator(mode="after")
    def _target_is_a_source(self) -> Self:
        if self.target not in self.truth:
            raise ValueError(
                f"target is {self.target!r}, but truth has {sorted(self.truth)}"
            )
        return self

    @model_validator(mode="after")
    def _published_splits_have_files(self) -> Self:
        wanted = {"published": ("validation", "test"), "halved": ("validation",)}
        for source, files in self.truth.items():
            for name in wanted.get(self.split, ()):
                if getattr(files, name) is None:
                    raise ValueError(
                        f"split is {self.split}, but truth.{source} has no {name}; "
                        "name the file, or set split to release_group"
                    )
        return self


Dataset = Annotated[
    ScoresDataset
    | FolderDataset
    | JamendoDataset
    | MagnaTagATuneDataset
    | FmaDataset
    | MsdDataset
    | AcousticBrainzDataset,
    Field(discriminator="kind"),
]
