"""What the sections of `params.yaml` are made of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Checksum = Annotated[  # of a file; empty for one that the user vouches for
    str,
    StringConstraints(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})?$"),
]
Comparison = Literal["inclusive", "strict"]  # of a score with its threshold
SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
HELD_OUT = SPLITS[1:]


class Section(BaseModel):
    """A part of `params.yaml`: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
