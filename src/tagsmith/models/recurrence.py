"""What networks do with steps, whatever the steps are: recur, summarise, score tags."""

from typing import Any

from keras import layers

from tagsmith.config import Crnn, DeepSpectrumRnn
from tagsmith.models.layers import MaximumOverSteps

Network = Crnn | DeepSpectrumRnn


def recurrence(config: Network, steps: Any) -> Any:  # noqa: ANN401 - symbolic tensors
    """Stack the recurrent layers and summarise their steps.

    Args:
        config: Which layers, and how their steps become one.
        steps: `(batch, steps, values)`; masked ones have no say.

    Returns:
        `(batch, features)`.
    """
    x = steps
    for depth in range(config.recurrent_layers):
        last = depth == config.recurrent_layers - 1
        keeps_steps = not last or config.step_summary == "mean_max"
        x = _layer(config, return_sequences=keeps_steps, depth=depth)(x)
        x = layers.BatchNormalization(name=f"rnn{depth}_normalization")(x)
    if config.step_summary == "mean_max":
        mean = layers.GlobalAveragePooling1D(name="mean_over_steps")(x)
        maximum = MaximumOverSteps(name="maximum_over_steps")(x)
        x = layers.Concatenate(name="summary")([mean, maximum])
    return x


def tag_scores(config: Network, x: Any, tags: int) -> Any:  # noqa: ANN401 - as above
    """Score tags by a dense layer: `(batch, features)` to `(batch, tags)`."""
    x = layers.Dense(config.dense_units, name="dense")(x)
    x = layers.BatchNormalization(name="dense_normalization")(x)
    x = layers.ReLU(name="dense_relu")(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    # float32 whatever the precision: probabilities near 0 and 1 decide AUCs.
    return layers.Dense(tags, activation="sigmoid", dtype="float32", name="tags")(x)


def _layer(config: Network, *, return_sequences: bool, depth: int) -> layers.Layer:
    options: dict[str, Any] = {
        "units": config.recurrent_units,
        "return_sequences": return_sequences,
        "dropout": config.recurrent_dropout,
        "recurrent_dropout": config.recurrent_dropout,
        "name": f"rnn{depth}",
    }
    match config.recurrence:
        case "gru":
            # One set of biases, as Keras 2.2.4 had it.
            return layers.GRU(**options, reset_after=False)
        case "lstm":
            return layers.LSTM(**options)
        case "bilstm":
            name = options.pop("name")
            return layers.Bidirectional(layers.LSTM(**options), name=name)
