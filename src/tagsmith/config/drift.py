"""Drift: when new audio counts as unlike that on which the champion was measured."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveInt

from tagsmith.config.section import Fraction, Section


class LeastDifference(Section):
    """How far tracks must lie from the reference, on average, in each unit."""

    level_db: NonNegativeFloat
    seconds: NonNegativeFloat
    centroid_hz: NonNegativeFloat
    quiet_share: Fraction
    tags: NonNegativeFloat  # decided for a track
    score: Fraction  # of any tag, and of a track's surest


class Drift(Section):
    """What a difference must reach, beside being significant, to be a shift."""

    least_tracks: PositiveInt  # on either side; fewer are not judged
    significance: Annotated[float, Field(gt=0, lt=1)]  # of all quantities together
    least_distance: Fraction  # Kolmogorov and Smirnov's
    least_share: Fraction  # of the tracks: decided otherwise, or of another format
    least_difference: LeastDifference
