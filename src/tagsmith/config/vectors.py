"""Tag vectors: what words mean, as numbers."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from tagsmith.config.section import Section

# What is looked up instead of a tag: `r&b: rhythm and blues`.
Spellings = dict[str, str]


class GloveFile(Section):
    """A text file of GloVe's, a word and its numbers a line, of any dimension."""

    kind: Literal["glove_file"]
    path: Path
    spellings: Spellings


class GlovePackage(Section):
    """GloVe 6B from a package index: 50 numbers a word from PyPI, 100 from npm.

    `path` is the folder into which npm installed its package; the one of PyPI needs
    none.
    """

    kind: Literal["glove_package"]
    dimensions: Literal[50, 100]
    path: Path | None
    spellings: Spellings


class InstrumentVectors(Section):
    """Which instruments are heard in a tag's tracks, and which are not: OpenMIC-2018.

    `openmic` is the publisher's folder. Every tag's vector is the sum over its tracks,
    those of `tracks`, and is then standardised, over its own 40 numbers.
    """

    kind: Literal["instruments"]
    openmic: Path
    values: Literal["counts", "confidences"]
    tracks: Literal["all", "train"]


class RandomVectors(Section):
    """Numbers that mean nothing: the control. A tag's depend on its name and a seed."""

    kind: Literal["random"]
    dimensions: PositiveInt


class SentenceVectors(Section):
    """What a sentence encoder makes of a tag; needs the extra `sentences`.

    `model` is a folder, or a name that its library knows; `prompt` has a `{}` where
    the tag goes.
    """

    kind: Literal["sentences"]
    model: str
    prompt: Annotated[str, Field(pattern=r"\{\}")]


Vectors = Annotated[
    GloveFile | GlovePackage | InstrumentVectors | RandomVectors | SentenceVectors,
    Field(discriminator="kind"),
]
