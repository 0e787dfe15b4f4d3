"""The ensemble as a study: weights of models, and so who is a member.

Nothing is trained: a trial fuses the validation scores that the store holds. The test
split is not read.
"""

import hashlib
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from optuna import Study
from optuna.trial import TrialState

from tagsmith.config import (
    ENSEMBLE,
    ChoiceSpace,
    FloatSpace,
    IntSpace,
    Params,
    Space,
    editing,
)
from tagsmith.core import choosing, fusion, metrics
from tagsmith.core.choosing import Worth
from tagsmith.core.metrics import Scores
from tagsmith.errors import ConfigError, DataError
from tagsmith.stages import train
from tagsmith.store import Store, scores_parts
from tagsmith.tracking.recording import Recorder
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.tuning.naming import LETTERS
from tagsmith.tuning.space import Spaces
from tagsmith.tuning.task import Task
from tagsmith.tuning.workers import DEFAULT, PARAMETERS

PREFIX = "weights."
METRIC = "PR-AUC-macro"  # `tuning.metric`, as it is officially called


class FusionTask(Task):
    """A study of the ensemble; see `Task`."""

    @property
    def spaces(self) -> Spaces:
        """By weight, where `tuning.spaces.ensemble` has patterns of models.

        Raises:
            ConfigError: It has none.
        """
        patterns = self.params.tuning.spaces.get(ENSEMBLE)
        if not patterns:
            raise ConfigError(
                f"tuning.spaces has nothing for {ENSEMBLE!r}; give it weights, such as "
                "`weights.*: {kind: int, low: 0, high: 4, log: false}`"
            )
        return {
            PREFIX + model: space
            for model in self.params.models
            for key, space in patterns.items()
            if fnmatchcase(model, key.removeprefix(PREFIX))
        }

    @property
    def study_name(self) -> str:
        """Depends on the validation scores, the tables, the spaces and the seed."""
        spaces = {
            key: each.model_dump(mode="json") for key, each in self.spaces.items()
        }
        shared = [self.params.seed, self.params.target, self.params.tuning.metric]
        made_of = hashlib.sha256(json.dumps([*shared, spaces]).encode())
        parts = [scores_parts(model, "validation") for model in self.params.models]
        scores = [self.store.find(*each, made_by="train") for each in parts]
        for path in [*scores, *train.tables(self.store)]:
            made_of.update(path.read_bytes())
        return f"{self.model}-{made_of.hexdigest()[:LETTERS]}"

    def defaults(self) -> dict[str, Any]:
        """Return the weights of the present ensemble, as stage `fuse` left them.

        Raises:
            ConfigError: Nothing is searched.
            MissingError: Nothing has been fused.
        """
        path = self.store.find("fusion", "ensemble.json", made_by="fuse")
        found: dict[str, float] = json.loads(path.read_text("utf-8"))["weights"]
        named = dict.fromkeys(self.spaces, 0.0)
        return named | {PREFIX + model: weight for model, weight in found.items()}

    def drawn(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a sampler is told of weights: the nearest that can be drawn."""
        most = max(values.values())
        return {
            key: _nearest(space, values[key] / most)
            for key, space in self.spaces.items()
        }

    def named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return weights as overrides of `params.yaml`."""
        members = {key: value for key, value in values.items() if value > 0}
        weights = {key.removeprefix(PREFIX): value for key, value in members.items()}
        return {"fusion.weights": weights}

    def edited(self, text: str, values: Mapping[str, Any]) -> str:
        """Return the text of a `params.yaml` with other weights."""
        there = dict.fromkeys(self.params.fusion.weights, 0)
        weights = there | self.named(values)["fusion.weights"]
        return editing.with_entries(text, "fusion", {"weights": weights})

    def shows(self, params: Params, named: Mapping[str, Any]) -> bool:
        """Tell the same; a weight of 0 says what none does."""
        above = {key: each for key, each in params.fusion.weights.items() if each > 0}
        return super().shows(params.override({"fusion.weights": above}), named)

    def reach(
        self, params: Params, recorder: Recorder, checkpoint: Checkpoint
    ) -> float:
        """Fuse validation scores, and return their macro PR-AUC.

        Raises:
            DataError: Every model is left out.
        """
        del checkpoint  # it takes no time
        truth = self.store.read_truth("validation").to_numpy()
        stated = params.fusion.weights
        found = metrics.areas(truth, fused(self.store, stated))
        told = {f"validation/{name}": found[name] for name in metrics.OFFICIAL.values()}
        recorder.metrics({**told, "members": float(len(stated))})
        return found[METRIC]


def fused(store: Store, stated: Mapping[str, float]) -> Scores:
    """Return the validation scores `(tracks, tags)` of models with these weights.

    Raises:
        DataError: None is above 0.
    """
    total = sum(stated.values())
    if total <= 0:
        raise DataError("every model is left out: all weights are 0")
    weights = {model: each / total for model, each in stated.items() if each > 0}
    scores = {
        each: store.read_scores(each, "validation").to_numpy() for each in weights
    }
    return fusion.fuse(scores, weights)


def worth(task: FusionTask, study: Study) -> Worth | None:
    """Estimate what choosing among a study's trials is worth: see `core.choosing`.

    Returns:
        Nothing if there is no other complete trial beside the present ensemble.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    complete.sort(key=lambda each: DEFAULT not in each.user_attrs)  # that one first
    tried = {
        json.dumps(each.user_attrs[PARAMETERS], sort_keys=True) for each in complete
    }
    if len(tried) < 2 or DEFAULT not in complete[0].user_attrs:  # noqa: PLR2004 - a choice
        return None
    truth, store = task.store.read_truth("validation"), task.store
    stated = (task.named(each.user_attrs[PARAMETERS]) for each in complete)
    return choosing.worth(
        truth.to_numpy(),
        [fused(store, each["fusion.weights"]) for each in stated],
        list(store.read_tracks().loc[truth.index, "group"]),
        samples=task.params.evaluation.bootstrap_samples,
        seed=task.params.seed,
        metric=METRIC,
    )


def check_worth(task: FusionTask, study: Study) -> None:
    """Refuse a choice that was luck.

    Raises:
        ConfigError: It gains nothing, on average, on groups that had no say in it.
    """
    found = worth(task, study)
    if found is None or found.gain <= 0:
        evidence = "nothing else was tried" if found is None else said(found).strip()
        raise ConfigError(
            f"the best of study {study.study_name} is expected to be no better than "
            f"the present ensemble: {evidence}; leave params.yaml as it is, try more "
            "with `tagsmith tune ensemble --trials N`, or give --force"
        )


def said(found: Worth) -> str:
    """Say what choosing is worth, for people."""
    return (
        f"  choosing  {found.gain:+.4f}  on groups of tracks that had no say in it, "
        f"{found.low:+.4f} to {found.high:+.4f}; better in {found.better:.0%} of "
        f"{found.resamples} resamples: `adopt` "
        f"{'takes' if found.gain > 0 else 'refuses'} it"
    )


def _nearest(space: Space, share: float) -> Any:  # noqa: ANN401 - a number of the space
    match space:
        case ChoiceSpace(choices=choices):
            return min(
                choices, key=lambda each: abs(each / (max(choices) or 1) - share)
            )
        case IntSpace(low=low, high=high):
            return min(max(round(share * high), low), high)
        case FloatSpace(low=low, high=high):
            return min(max(share * high, low), high)
