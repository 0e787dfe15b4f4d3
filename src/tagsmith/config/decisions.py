"""From scores to decisions, figures and a champion."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from tagsmith.config.section import Comparison, Fraction, Name, Section


class Calibration(Section):
    """How validation scores become one threshold per tag."""

    rule: Literal["f1", "youden"]
    comparison: Comparison
    fallback_to_top_tag: bool


class Fusion(Section):
    """Which ways of fusing are tried on validation scores.

    `weights` are the ensemble's if there are any, whatever the methods come to: by
    model, relative to each other; a model with 0, or without a weight, is no member.
    `groups` are means that are reported beside the best ensemble: patterns of model
    names, as a shell's, by the group's name.
    """

    methods: tuple[Literal["mean", "weighted", "greedy", "subsets"], ...] = Field(
        min_length=1
    )
    weights: dict[Name, NonNegativeFloat]
    groups: dict[Name, str]
    metric: Literal["roc_auc_macro", "pr_auc_macro"]
    greedy_rounds: PositiveInt


class Evaluation(Section):
    """How sure the test figures are."""

    bootstrap_samples: PositiveInt
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Promotion(Section):
    """The gate between `challenger` and `champion`."""

    registered_model: str
    metric: Literal["roc_auc_macro", "pr_auc_macro"]
    floor: Fraction
    confidence: Annotated[float, Field(gt=0, lt=1)]
    bootstrap_samples: PositiveInt
