"""The gate between `challenger` and `champion`: checks, each with its evidence.

An ensemble becomes champion if

1. its figure on the test set reaches the floor;
2. it is better than the present champion on the same test set, surely: the lower end of
   the confidence interval of the paired difference (bootstrap over tracks) is above 0.
   Without a champion there is nobody to beat. A champion that was measured on another
   test set cannot be compared, and stays;
3. the data passed validation.

A tie is a refusal: whoever uses the champion gets a new one only for a reason.

A model for any words becomes champion if what such models say of unseen tags is above
the control, surely, and the data passed validation.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import Promotion
from tagsmith.core.bootstrap import difference
from tagsmith.core.metrics import OFFICIAL, Scores, Truth, areas


@dataclass(frozen=True)
class Check:
    """What was asked of a challenger, and the answer.

    Attributes:
        name: `floor`, `better`, `control` or `data`.
        passed: The answer.
        evidence: The numbers behind it, as a sentence.
    """

    name: str
    passed: bool
    evidence: str


@dataclass(frozen=True)
class Champion:
    """What is known of the present champion.

    Attributes:
        version: Its number in the registry.
        test_set_sha256: The test set on which it was measured.
        scores: Its `(tracks, tags)` scores there.
    """

    version: str
    test_set_sha256: str
    scores: NDArray[np.float32]


def test_set_sha256(truth: pd.DataFrame, audio_sha256: Sequence[str]) -> str:
    """Name a test set by its tracks' ids and audio, its tags, and who has which.

    Args:
        truth: Booleans `(tracks, tags)`, indexed by track id.
        audio_sha256: Of each track's file, in the order of `truth`.
    """
    total = hashlib.sha256()
    for words in (truth.index, audio_sha256, truth.columns):
        total.update("\n".join(map(str, words)).encode() + b"\0")
    total.update(np.packbits(truth.to_numpy(bool)).tobytes())
    return total.hexdigest()


def reaches_floor(truth: Truth, scores: Scores, config: Promotion) -> Check:
    """Check the challenger's figure on the test set."""
    metric = OFFICIAL[config.metric]
    value = areas(truth, scores)[metric]
    passed = value >= config.floor
    relation = "reaches" if passed else "is below"
    return Check(
        "floor",
        passed,
        f"{metric} {value:.4f} {relation} the floor of {config.floor:g}",
    )


def beats(
    champion: Champion | None,
    truth: Truth,
    scores: Scores,
    *,
    test_set: str,
    config: Promotion,
    seed: int,
) -> Check:
    """Check that the challenger is better than the champion, beyond chance.

    Args:
        champion: The present one, if there is one.
        truth: `(tracks, tags)` booleans of the test set.
        scores: The challenger's `(tracks, tags)`.
        test_set: The hash of the test set.
        config: Metric, confidence, resamples.
        seed: Of the resamples.
    """
    if champion is None:
        return Check("better", passed=True, evidence="there is no champion to beat")
    if champion.test_set_sha256 != test_set:
        return Check("better", passed=False, evidence=_incomparable(champion, test_set))
    metric = OFFICIAL[config.metric]
    gain = difference(
        truth, scores, theirs=champion.scores, metric=metric, config=config, seed=seed
    )
    evidence = (
        f"{metric} is {gain.value:+.4f} against version {champion.version}, "
        f"{config.confidence:.0%} interval [{gain.low:+.4f}, {gain.high:+.4f}], "
        f"better in {gain.above_zero:.0%} of {config.bootstrap_samples} resamples"
    )
    return Check("better", passed=gain.low > 0, evidence=evidence)


def above_control(
    families: Mapping[str, Mapping[str, Mapping[str, float]]],
    *,
    vectors: str,
    control: str,
    confidence: float,
) -> Check:
    """Check that unseen tags of some family find their tracks by what they mean.

    Args:
        families: By family, the ROC-AUC over unseen tags, `value`, `low` and `high`:
            by the names of vectors, and as `difference` of theirs from the control's.
        vectors: The name of those that the model learnt with.
        control: The name of those that mean nothing.
        confidence: How often the intervals shall hold the true value.
    """
    gains = {family: found["difference"] for family, found in families.items()}
    told = [
        f"of unseen {family} is {families[family][vectors]['value']:.4f} with the "
        f"vectors {vectors}, {gain['value']:+.4f} against {control}, {confidence:.0%} "
        f"interval [{gain['low']:+.4f}, {gain['high']:+.4f}]"
        for family, gain in gains.items()
    ]
    passed = any(gain["low"] > 0 for gain in gains.values())
    return Check("control", passed=passed, evidence=f"ROC-AUC {'; '.join(told)}")


def is_valid(report: Mapping[str, Any]) -> Check:
    """Check what validation said of the data: `success`, `quarantined`."""
    verdict = "passed" if report["success"] else "failed"
    evidence = (
        f"the data {verdict} validation, {report['quarantined']} tracks in quarantine"
    )
    return Check("data", passed=report["success"], evidence=evidence)


def reason(checks: Sequence[Check]) -> str:
    """Say in one sentence why the challenger was promoted or refused."""
    failed = [check.evidence for check in checks if not check.passed]
    return "; ".join(failed or [check.evidence for check in checks])


def _incomparable(champion: Champion, test_set: str) -> str:
    return (
        f"version {champion.version} was measured on another test set "
        f"({champion.test_set_sha256[:8]}, now {test_set[:8]}), so nobody can say "
        "which is better; give promotion.registered_model a new name to start a new "
        f"line, or take the alias `champion` off version {champion.version} in "
        "`mlflow ui`"
    )
