"""An ensemble's networks in ONNX, so that what tags with them needs no Keras.

Each lies beside the weights that it was made of, and is compared with Keras before it
is kept. Keras must compute with TensorFlow for it; where it does not, another process
does it: `python -m tagsmith.onnx_export BUNDLE`.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tagsmith import quiet
from tagsmith.config import DeepSpectrum
from tagsmith.errors import DataError
from tagsmith.models import imagenet, load
from tagsmith.models.analysis import NETWORK
from tagsmith.models.runtime import ONNX, OnnxNetwork
from tagsmith.store import atomic

if TYPE_CHECKING:
    import keras
    import onnx

Weights = dict[str, NDArray[Any]]

BACKEND = "KERAS_BACKEND"
OPSET = 18  # of ONNX: the newest that tf2onnx writes
HEARD, SAID = "heard", "Identity:0"  # our name of the input, TensorFlow's of the output
# Sums in another order; a score is kept to a millionth.
RELATIVE, ABSOLUTE = 1e-3, 1e-4
BATCH, STEPS = 3, 7  # of what both are given to compare them


def export(bundle: Path) -> None:
    """Write every network of an ensemble's bundle in ONNX, beside its weights.

    Raises:
        DataError: What came of a network says something else than Keras.
        MissingError: Something of the bundle is missing.
    """
    with quiet.native_libraries:
        import keras
    if keras.config.backend() == "tensorflow":
        for network, path in _networks(bundle):
            write(network, path)
        return
    done = subprocess.run(  # noqa: S603 - this module itself
        [sys.executable, "-m", __name__, str(bundle)],
        env=os.environ | {BACKEND: "tensorflow"},
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        told = done.stderr.strip().rpartition("\n")[2]
        raise DataError(f"a process with TensorFlow could not write ONNX: {told}")


def write(network: "keras.Model", path: Path) -> None:
    """Write a network in ONNX, if it says what Keras says.

    Args:
        network: One input, one output; Keras computes with TensorFlow.
        path: The file.

    Raises:
        DataError: What came of the network says something else.
    """
    with quiet.native_libraries:
        traced, weights = _traced(network)
        made = _converted(traced, weights)
    with atomic(path) as temporary:
        temporary.write_bytes(made.SerializeToString())
        _compare(network, temporary)


def _traced(network: "keras.Model") -> tuple[Any, Weights]:
    """Have TensorFlow write down what a network does, its weights being inputs.

    As constants tf2onnx would calculate with them: 23 GB are not enough for VGG16.
    """
    import keras
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    def says(heard: Any, *values: Any) -> Any:  # noqa: ANN401 - tensors
        # Recurrent layers count up the state of their dropout even where there is none;
        # in such a scope that has no effect.
        with keras.StatelessScope(zip(network.variables, values, strict=True)):
            return network(heard, training=False)

    named = {f"weight_{n}": each for n, each in enumerate(network.variables)}
    specs = [
        tf.TensorSpec(each.shape, each.dtype, name) for name, each in named.items()
    ]
    heard = tf.TensorSpec(network.input.shape, network.input.dtype, HEARD)
    traced = tf.function(says, autograph=False).get_concrete_function(heard, *specs)
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        traced,
        lower_control_flow=False,  # tf2onnx knows loops as functions
    )
    used = {each.op.name for each in frozen.inputs if each.consumers()}
    weights = {name: each for name, each in named.items() if name in used}
    return frozen.graph, {name: np.asarray(each) for name, each in weights.items()}


def _converted(graph: Any, weights: Weights) -> "onnx.ModelProto":  # noqa: ANN401 - TensorFlow's
    """Return a graph in ONNX that knows its weights."""
    import tf2onnx
    from onnx import numpy_helper

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    names = {f"{name}:0": values for name, values in weights.items()}
    made: onnx.ModelProto
    made, _ = tf2onnx.convert.from_graph_def(
        graph.as_graph_def(),
        input_names=[f"{HEARD}:0", *names],
        output_names=[SAID],
        opset=OPSET,
    )
    (heard,) = (each for each in made.graph.input if each.name not in names)
    made.graph.ClearField("input")
    made.graph.input.append(heard)
    for name, values in names.items():
        made.graph.initializer.append(numpy_helper.from_array(values, name))
    return made


def _networks(bundle: Path) -> "Iterator[tuple[keras.Model, Path]]":
    """Yield members, and the CNNs of the features that they hear; and where to."""
    for folder in sorted((bundle / "models").iterdir()):
        tagger = load(folder)
        yield tagger.network, folder / ONNX
        lies = bundle / "features" / tagger.config.feature
        if isinstance(tagger.feature, DeepSpectrum) and not (lies / ONNX).exists():
            yield imagenet.restored(tagger.feature.network, lies / NETWORK), lies / ONNX


def _compare(network: "keras.Model", path: Path) -> None:
    batch = _something(network.input_shape)
    keras_says = np.asarray(network.predict_on_batch(batch))
    onnx_says = OnnxNetwork(path).predict_on_batch(batch)
    if not np.allclose(keras_says, onnx_says, rtol=RELATIVE, atol=ABSOLUTE):
        far = float(np.abs(keras_says - onnx_says).max())
        raise DataError(
            f"{network.name} in ONNX differs by {far:.2g} from Keras, at most "
            f"{ABSOLUTE} is expected; nothing is promoted"
        )


def _something(shape: tuple[int | None, ...]) -> NDArray[np.float32]:
    """Return a batch of noise; where steps are any number, some rows have fewer."""
    sizes = [STEPS if size is None else size for size in shape[1:]]
    noise = np.random.default_rng(0).uniform(0, 255, (BATCH, *sizes))
    if shape[1] is None:
        noise[0, STEPS // 2 :] = np.nan
    return noise.astype(np.float32)


if __name__ == "__main__":
    export(Path(sys.argv[1]))
