"""Which device there is, and making it repeat itself."""

import keras


def prepare(seed: int, precision: str) -> str:
    """Seed everything, set the precision and say what will compute.

    Args:
        seed: Of weights, dropout and Python.
        precision: Keras's policy: float32, mixed_bfloat16 or mixed_float16.

    Returns:
        One line such as `tensorflow on cpu:0, float32`.
    """
    # Names that Keras counts up are written with the weights: start counting anew.
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - other backends do without it

        tf.config.experimental.enable_op_determinism()
    return f"{keras.backend.backend()} on {', '.join(devices())}, {precision}"


def devices() -> list[str]:
    """Return the accelerators that Keras's backend sees, or else its processors."""
    listed = keras.distribution.list_devices("gpu") or keras.distribution.list_devices()
    return [str(device).lower() for device in listed]
