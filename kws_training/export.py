"""From a Keras network to a LiteRT bundle, refused where the two disagree."""

import tempfile
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from voice.errors import DataError
from voice.models.backend import Network, installed_interpreter
from voice.models.bundle import Bundle, write_bundle

_ALLOWED = frozenset(
    "ADD AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE DELEGATE EXPAND_DIMS FULLY_CONNECTED LOGISTIC MEAN MUL "
    "PAD RELU RESHAPE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND SQUEEZE SUB SUM".split()
)
"""Built-in operations that every engine since tflite-runtime 2.14 has."""

Weights = Literal["float32", "float16", "int8"]
_TOLERANCE = {"float32": 1e-3, "float16": 0.05, "int8": 0.2}  # of the logits
_LEAST = 500  # elements of a tensor that eight bits are worth their scales for


def to_litert(model: keras.Model, weights: Weights = "float32") -> bytes:
    """Return the network as a LiteRT flatbuffer with a batch of one, without names that only a reader needs.

    Args:
        model: from features to logits.
        weights: how they are stored. Engines compute in float32 all the same, so that they agree.
    """
    import tensorflow as tf  # noqa: PLC0415 - slow to import
    from tensorflow.lite.tools import flatbuffer_utils  # noqa: PLC0415

    shape = model.input_shape[1:]
    single = keras.Input(shape, batch_size=1, name="logmel")
    with tempfile.TemporaryDirectory() as folder:
        keras.Model(single, model(single, training=False)).export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        network = flatbuffer_utils.convert_bytearray_to_object(bytearray(converter.convert()))
    if weights == "int8":
        _to_eight_bits(network)
    flatbuffer_utils.strip_strings(network)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(network))


def _to_eight_bits(network: Any) -> None:
    """Store the larger float16 weights as int8, with a scale for each output channel; they are restored at the start.

    The converter's own int8 also rounds what flows between the layers, and engines of other years round otherwise.
    """
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    for tensor in network.subgraphs[0].tensors:
        data = network.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT16 or data is None or len(data) < 2 * _LEAST:
            continue
        values = np.frombuffer(bytes(data), np.float16).reshape(tensor.shape).astype(np.float32)
        axis = 0 if tensor.shape[0] > 1 else len(tensor.shape) - 1  # depthwise: the last
        others = tuple(other for other in range(values.ndim) if other != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-9) / 127
        network.buffers[tensor.buffer].data = np.rint(values / scale).astype(np.int8).ravel().view(np.uint8)
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scale.ravel().astype(np.float32)
        tensor.quantization.zeroPoint = np.zeros(scale.size, np.int64)
        tensor.quantization.quantizedDimension = axis


def export(
    model: keras.Model, folder: Path, manifest: dict[str, Any], clips: Any, weights: Weights = "float32"
) -> Bundle:
    """Write a bundle after comparing both networks on `clips`.

    Args:
        model: from ln(P + 1e-6) to logits.
        folder: of the bundle.
        manifest: `Manifest` without `format` and `model`.
        clips: features, shape (clips, frames, mels).
        weights: how they are stored.

    Raises:
        DataError: LiteRT's logits differ, or an operation isn't built in.
    """
    network = to_litert(model, weights)
    worst = parity(model, network, clips)
    if worst > _TOLERANCE[weights]:
        raise DataError(f"LiteRT's logits differ by {worst:.2g}", fix="nothing was written; report this recipe")
    return write_bundle(folder, manifest, network)


def parity(model: keras.Model, network: bytes, clips: Any) -> float:
    """Return the largest difference of the logits of Keras and LiteRT.

    Raises:
        DataError: the network holds an operation that isn't built in.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(network)
        strange = operations(path) - _ALLOWED
        if strange:
            raise DataError(f"the network needs {', '.join(sorted(strange))}", fix="use built-in operations only")
        engine = Network(path)
        exported = np.concatenate([engine.run(clip[None])[0] for clip in clips])
    return float(np.abs(exported - np.asarray(model(clips, training=False))).max())


def operations(path: Path) -> set[str]:
    """Return the names of the operations in a LiteRT file; DELEGATE stands for those that an accelerator took over."""
    engine = installed_interpreter()(model_path=str(path))
    return {detail["op_name"] for detail in engine._get_ops_details()}
