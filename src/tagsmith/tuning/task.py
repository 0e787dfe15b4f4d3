"""What a study is about: a model's parameters, tried by training it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagsmith.config import Params, editing
from tagsmith.stages import train
from tagsmith.store import Store
from tagsmith.tracking.recording import Recorder
from tagsmith.training.checkpoint import Checkpoint
from tagsmith.tuning.naming import study_name
from tagsmith.tuning.space import Spaces, defaults, drawn, spaces_of

FIGURE = "validation_pr_auc"  # of each epoch: `pr_auc_macro` on validation


@dataclass(frozen=True)
class Task:
    """What the trials of a study have in common.

    Attributes:
        params: The experiment.
        store: Where its data are.
        model: The one that is tuned, or `ensemble`.
    """

    params: Params
    store: Store
    model: str

    @property
    def spaces(self) -> Spaces:
        """What is searched; see `spaces_of`."""
        return spaces_of(self.params, self.model)

    @property
    def study_name(self) -> str:
        """Says all that its figures depend on; see `study_name`."""
        return study_name(self.params, self.store, self.model)

    def defaults(self) -> dict[str, Any]:
        """Return the values that the first trial tries; see `defaults`."""
        return defaults(self.params, self.model)

    def drawn(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the first trial's values in Optuna's terms."""
        return drawn(self.spaces, values)

    def named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as overrides of `params.yaml`."""
        return {f"models.{self.model}.{key}": each for key, each in values.items()}

    def edited(self, text: str, values: Mapping[str, Any]) -> str:
        """Return the text of a `params.yaml` that has these values."""
        section = self.params.model(self.model).model_dump(mode="json")
        return editing.with_values(text, self.model, values, section)

    def shows(self, params: Params, named: Mapping[str, Any]) -> bool:
        """Tell whether an experiment is this one with such overrides."""
        return params == self.params.override(named)

    def reach(
        self, params: Params, recorder: Recorder, checkpoint: Checkpoint
    ) -> float:
        """Try parameters, and return what they reach on validation.

        Raises:
            TrialPruned: They are worse than others.
        """
        learnt = train.learn(params, self.store, recorder, self.model, checkpoint)
        return max(row[FIGURE] for row in learnt.history)

    def folder(self, study: str, number: int) -> Path:
        """Return where a trial's unfinished work lies."""
        return self.store.scratch / "tuning" / study / f"trial-{number:05d}"
