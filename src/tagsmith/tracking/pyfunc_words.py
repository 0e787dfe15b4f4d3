"""A word model as one MLflow model: raw audio and any words in, scores out.

Logged and served as `tracking/pyfunc.py` is. The parameter `tags` lists the words;
without any it scores the tags that it learnt. `top` limits their number. There is no
decision, as there is no threshold for a word that nobody learnt.
"""

from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import DataType, ParamSpec

from tagsmith.models.wordtagger import WordTagger
from tagsmith.tracking import recordings, registry
from tagsmith.tracking.registry import BUNDLE

NAME = "wordtagger"
PACKAGES: tuple[str, ...] = (*registry.PACKAGES, "tensorflow", "keras")
SIGNATURE = recordings.signature(
    {"tag": DataType.string, "score": DataType.double},
    [
        ParamSpec("tags", DataType.string, [], shape=(-1,)),  # a list cannot be None
        ParamSpec("top", DataType.long, None),
    ],
)


class AudioWordTagger(PythonModel):
    """Scores words about recordings with the word model of a bundle."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle; done once, by MLflow."""
        self.tagger = WordTagger.load(Path(context.artifacts[BUNDLE]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow passes it by this name
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Score words about every row's recording.

        Args:
            context: MLflow's; not used.
            model_input: A column `audio`.
            params: `tags` are the words, none for the tags that it learnt; `top` is
                how many of them to return for each.

        Returns:
            A column `tags`: a list of `{"tag", "score"}` per row.

        Raises:
            RefusedError: A word has no vector, even if there is no row; or a recording
                cannot be fetched or decoded, or is none that is accepted.
        """
        asked = params or {}
        words = list(asked.get("tags") or []) or None
        with recordings.refusing():
            self.tagger.vectors.of(words or [])  # before it hears anything
        listen = partial(self.tagger.listen, words=words, top=asked.get("top"))
        return recordings.tagged(model_input, listen)


mlflow.models.set_model(AudioWordTagger())
