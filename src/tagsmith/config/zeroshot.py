"""Zero-shot: how tags are named that nobody trained on, and how that is judged."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from tagsmith.config.section import Name, Section

Share = Annotated[float, Field(gt=0, lt=1)]


class Zeroshot(Section):
    """How unseen tags are held out, and which models are registered to name any words.

    `tags` are families of tags that are compared with one another, and held out by
    turns: patterns, as a shell's, by the family's name. `withheld` ones are
    known of tracks, and no tagger learns them. Of each family, `tag_splits` splits are
    drawn. Tracks have only seen tags (part a), both (b) or only unseen ones
    (c); a network learns from the parts in `learn_from`.
    """

    tags: dict[Name, tuple[str, ...]] = Field(min_length=1)
    withheld: tuple[str, ...]
    seen_share: Share  # of the tags
    tag_splits: PositiveInt
    learn_from: Literal["a", "b", "ab"]
    validation_share: Share  # of the tracks that are learnt from
    protocol: Literal["strict", "published"]  # published: tests on tracks it learnt
    control: Name  # vectors that mean nothing
    best: tuple[PositiveInt, ...] = Field(min_length=1)  # the k of hit@k and AP@k
    registered: dict[Name, str]  # models, with their names in the registry
