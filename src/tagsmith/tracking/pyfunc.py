"""The ensemble as one MLflow model: raw audio in, tags with scores and decisions out.

This file itself is logged ("models from code"), with the package beside it, so the
model loads where the repository is not. `tracking/recordings.py` says what a recording
may be, and to whom to serve the model. The parameter `top` limits the number of tags.
"""

from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import DataType, ParamSpec

from tagsmith.models.ensemble import Ensemble
from tagsmith.tracking import recordings, registry
from tagsmith.tracking.registry import BUNDLE

NAME = "ensemble"
PACKAGES: tuple[str, ...] = registry.PACKAGES
SIGNATURE = recordings.signature(
    {"tag": DataType.string, "score": DataType.double, "decision": DataType.boolean},
    [ParamSpec("top", DataType.long, None)],
)


class AudioTagger(PythonModel):
    """Tags recordings with the ensemble of a bundle."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle; done once, by MLflow."""
        self.ensemble = Ensemble.load(Path(context.artifacts[BUNDLE]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow passes it by this name
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Tag every row's recording.

        Args:
            context: MLflow's; not used.
            model_input: A column `audio`.
            params: `top` is how many tags to return for each.

        Returns:
            A column `tags`: a list of `{"tag", "score", "decision"}` per row.

        Raises:
            RefusedError: A recording cannot be fetched or decoded, or is none that is
                accepted.
        """
        top = (params or {}).get("top")
        return recordings.tagged(model_input, partial(self.ensemble.listen, top=top))


mlflow.models.set_model(AudioTagger())
