"""How the next trial is drawn, and when one is given up: as `params.yaml` says."""

from collections.abc import Callable
from typing import Any, assert_never

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from tagsmith import config
from tagsmith.config import Tuning


class PerTrial(BaseSampler):
    """Draws each trial by a seed of its own: the experiment's plus its number.

    So what is drawn at random does not depend on which worker draws it, or on how often
    one was started; and no two workers draw the same.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed
        self._sampler = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """See `BaseSampler`."""
        self._sampler = self._make(self._seed + trial.number)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See `BaseSampler`."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        """See `BaseSampler`."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # noqa: ANN401 - Optuna's
        """See `BaseSampler`."""
        return self._sampler.sample_independent(
            study, trial, param_name, param_distribution
        )


def sampler(tuning: Tuning, seed: int) -> BaseSampler:
    """Return what draws the next trial."""
    match tuning.sampler:
        case config.TpeSampler() as tpe:
            return PerTrial(lambda seed: _tpe(tpe, seed), seed)
        case config.RandomSampler():
            return PerTrial(lambda seed: RandomSampler(seed=seed), seed)
        case _:
            assert_never(tuning.sampler)


def pruner(tuning: Tuning) -> BasePruner:
    """Return what gives a trial up."""
    match tuning.pruner:
        case config.MedianPruner() as median:
            return MedianPruner(
                n_startup_trials=median.startup_trials,
                # Optuna counts steps from 0, we count epochs from 1.
                n_warmup_steps=median.warmup_epochs + 1,
                interval_steps=1,
                n_min_trials=median.least_trials,
            )
        case config.NoPruner():
            return NopPruner()
        case _:
            assert_never(tuning.pruner)


def _tpe(tpe: config.TpeSampler, seed: int) -> BaseSampler:
    return TPESampler(
        n_startup_trials=tpe.startup_trials,
        n_ei_candidates=tpe.candidates,
        multivariate=tpe.multivariate,
        group=False,
        constant_liar=tpe.constant_liar,
        seed=seed,
    )
