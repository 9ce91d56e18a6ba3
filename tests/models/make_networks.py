"""Make the tiny networks that the tests run: `python tests/models/make_networks.py` (needs the extra `train`)."""

import tempfile
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


class Steps(tf.Module):
    """Two frames a step; logits are the sums of three bins over the last eight frames, of which six are kept."""

    @tf.function(input_signature=[tf.TensorSpec((1, 10, 4), tf.float32, "features")])
    def window(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits of a window of ten frames."""
        return {"logits": tf.reduce_sum(features[:, 2:, :3], axis=1)}

    @tf.function(
        input_signature=[tf.TensorSpec((1, 2, 4), tf.float32, "frames"), tf.TensorSpec((1, 6, 4), tf.float32, "past0")]
    )
    def step(self, frames: tf.Tensor, past0: tf.Tensor) -> dict[str, tf.Tensor]:
        """Logits after a step, and the past of the next."""
        frames_so_far = tf.concat([past0, frames], axis=1)
        return {"logits": tf.reduce_sum(frames_so_far[:, :, :3], axis=1), "new_past0": frames_so_far[:, 2:]}


def export_steps() -> None:
    """Write the network with two signatures."""
    module = Steps()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"classify": module.window, "stream": module.step})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["classify", "stream"])
        (FOLDER / "steps.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for function in (window, frames, difference, broken):
        export(function.python_function.__name__, function)
    export_steps()
