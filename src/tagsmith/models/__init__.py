"""One architecture, one file; `build` is the only way to a network.

Whatever the architecture, a *score* is defined once, in `tagsmith.models.tagger`.
"""

from typing import TYPE_CHECKING, assert_never

from tagsmith import quiet
from tagsmith.config import Crnn, Feature, Model
from tagsmith.models.tagger import Tagger, load

__all__ = ["Tagger", "build", "load"]

if TYPE_CHECKING:
    import keras


def build(config: Model, feature: Feature, *, tags: int) -> "keras.Model":
    """Build the network that a section of `params.yaml` describes, untrained.

    Args:
        config: The model's section.
        feature: The feature that it hears.
        tags: How many tags it scores.
    """
    match config:
        case Crnn():
            with quiet.native_libraries:
                from tagsmith.models.crnn import crnn

            return crnn(config, feature, tags=tags)
        case _:
            assert_never(config)
