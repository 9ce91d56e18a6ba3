"""Make the tiny networks that the tests run: `python tests/models/make_networks.py` (needs the extra `train`)."""

from pathlib import Path

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent / "networks"


def export(name: str, function: tf.types.experimental.PolymorphicFunction) -> None:
    """Write one network."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    (FOLDER / f"{name}.tflite").write_bytes(converter.convert())


@tf.function(input_signature=[tf.TensorSpec((1, 10, 4), tf.float32, "features")])
def window(features: tf.Tensor) -> tf.Tensor:
    """Logits of three labels from a window of ten frames: sums of the first three bins."""
    return tf.reduce_sum(features[:, :, :3], axis=1)


@tf.function(input_signature=[tf.TensorSpec((1, None, 4), tf.float32, "features")])
def frames(features: tf.Tensor) -> tf.Tensor:
    """Three numbers for each frame: a fixed matrix, so that a permuted axis shows."""
    matrix = tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
    return tf.matmul(features, tf.expand_dims(matrix, 0))


@tf.function(input_signature=[tf.TensorSpec((2,), tf.float32, "left"), tf.TensorSpec((2,), tf.float32, "right")])
def difference(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Two inputs that can't be swapped unnoticed."""
    return left - right


@tf.function(input_signature=[tf.TensorSpec((1, 10, 4), tf.float32, "features")])
def broken(features: tf.Tensor) -> tf.Tensor:
    """NaN for silence: 0 / 0."""
    total = tf.reduce_sum(features[:, :, :3], axis=1)
    return total / tf.reduce_sum(tf.abs(total))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for function in (window, frames, difference, broken):
        export(function.python_function.__name__, function)
