"""A network in ONNX Runtime: it scores as Keras does, to some millionths.

Keras takes seconds to import and as long again to build and trace an ensemble's
networks; these are read at once, and need neither Keras nor TensorFlow. What writes
them is `tagsmith.onnx_export`.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagsmith.errors import DataError

ONNX = "network.onnx"  # beside the weights that it was made of
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")  # the first that there is


class OnnxNetwork:
    """What scoring needs of a Keras model.

    Attributes:
        input_shape: As Keras has it; None for what may be of any size.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """Read a network.

        Args:
            path: The file.
            threads: How many compute; None for one per core.

        Raises:
            DataError: It is no network.
        """
        import onnxruntime  # noqa: PLC0415 - only what scores should pay

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        # Threads that wait busily for one network's next call take the others' cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        known = onnxruntime.get_available_providers()
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=[each for each in PROVIDERS if each in known]
            )
        except Exception as error:  # its classes have no common ancestor
            raise DataError(
                f"{path} is no network that ONNX Runtime reads ({error}); promote the "
                "ensemble again"
            ) from error
        (heard,) = self._session.get_inputs()
        self._name = heard.name
        self.input_shape = tuple(
            size if isinstance(size, int) else None for size in heard.shape
        )

    def predict_on_batch(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Return what the network says of a batch, as Keras's method does.

        Args:
            batch: Of `input_shape`.
        """
        heard = {self._name: np.asarray(batch, np.float32)}
        (said,) = self._session.run(None, heard)
        return np.asarray(said)
