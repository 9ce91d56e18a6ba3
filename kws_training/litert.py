"""From a Keras network to a LiteRT flatbuffer: whole windows, and steps of a stream where the network is causal."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras
import numpy as np

from kws_training.streaming import Stream
from voice.models.backend import STREAM, WINDOW

Weights = Literal["float32", "float16", "int8", "dynamic", "full"]
"""float32, float16; int8: stored as that and restored to float32 when the engine starts; dynamic: int8 weights and int8
products, activations measured as they come; full: activations as int8 too, by ranges seen in validation clips."""
_FEW_PER_CHANNEL = 32
_LEAST = 500  # elements of a tensor that eight bits are worth their scales for


def to_litert(
    model: keras.Model | None, weights: Weights = "float32", clips: Any = None, stream: Stream | None = None
) -> bytes:
    """Return the network as a LiteRT flatbuffer with a batch of one, without names that only a reader needs.

    Args:
        model: from features to logits; None: only its steps.
        weights: how they are stored, and what the engine computes with.
        clips: features that `full` takes its ranges from, shape (clips, frames, mels).
        stream: the same network in steps; becomes a second signature, which shares the weights.
    """
    import tensorflow as tf  # noqa: PLC0415 - slow to import
    from tensorflow.lite.tools import flatbuffer_utils  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        names = _save(model, stream, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=names)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights in ("float16", "int8"):
            converter.target_spec.supported_types = [tf.float16]
        if weights == "full":
            converter.representative_dataset = _examples(clips, stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the converter's own use of TensorFlow's old interpreter
            network = flatbuffer_utils.convert_bytearray_to_object(bytearray(converter.convert()))
    if weights == "int8":
        _to_eight_bits(network)
    signatures = network.signatureDefs if stream else None  # without, their names are of no use
    flatbuffer_utils.strip_strings(network)
    network.signatureDefs = signatures
    return bytes(flatbuffer_utils.convert_object_to_bytearray(network))


def _save(model: keras.Model | None, stream: Stream | None, folder: str) -> list[str]:
    """Write a SavedModel; return its signatures. The engine's main graph is the first by name, the whole window."""
    import tensorflow as tf  # noqa: PLC0415

    archive = keras.export.ExportArchive()
    if model is not None:
        archive.track(model)
        window = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="logmel")
        archive.add_endpoint(WINDOW, lambda logmel: {"logits": model(logmel, training=False)}, [window])
    if stream:
        inputs = stream.model.inputs

        def step(*arrays: Any) -> dict[str, Any]:
            logits, *after = stream.model(list(arrays), training=False)
            names = (f"new_{tensor.name}" for tensor in inputs[1:])
            return {"logits": logits, **dict(zip(names, after, strict=True))}

        archive.track(stream.model)
        archive.add_endpoint(STREAM, step, [tf.TensorSpec(x.shape, tf.float32, name=x.name) for x in inputs])
    archive.write_out(folder, verbose=False)
    return [name for name, there in ((WINDOW, model), (STREAM, stream)) if there is not None]


def _examples(clips: Any, stream: Stream | None) -> Callable[[], Iterator[Any]]:
    """Return what yields inputs of each signature: the clips, and every step of each with its past."""

    def examples() -> Iterator[Any]:
        for clip in clips:
            yield (WINDOW, {"logmel": clip[None].astype(np.float32)})
        if stream is None:
            return
        names = [tensor.name for tensor in stream.model.inputs]
        for clip in clips[::4]:
            for inputs in stream.inputs(clip):
                yield (STREAM, dict(zip(names, inputs, strict=True)))

    return examples


def _to_eight_bits(network: Any) -> None:
    """Store the larger float16 weights as int8, with a scale for each output channel; they are restored at the start.

    The converter's own int8 also rounds what flows between the layers, and engines of other years round otherwise.
    """
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415

    done: dict[int, Any] = {}  # the graphs share buffers
    for tensor in (tensor for graph in network.subgraphs for tensor in graph.tensors):
        data = network.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT16 or data is None or len(data) < 2 * _LEAST:
            continue
        axis = 0 if tensor.shape[0] > 1 else len(tensor.shape) - 1  # depthwise: the last
        if tensor.buffer not in done:
            values = np.frombuffer(bytes(data), np.float16).reshape(tensor.shape).astype(np.float32)
            one_scale = values.size <= _FEW_PER_CHANNEL * values.shape[axis]  # depthwise: their scales would be larger
            others = tuple(other for other in range(values.ndim) if other != axis or one_scale)
            scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-9) / 127
            done[tensor.buffer] = scale, np.rint(values / scale).astype(np.int8).ravel().view(np.uint8)
        scale = done[tensor.buffer][0]
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = scale.ravel().astype(np.float32)
        tensor.quantization.zeroPoint = np.zeros(scale.size, np.int64)
        tensor.quantization.quantizedDimension = axis
    for number, (_, eight) in done.items():
        network.buffers[number].data = eight


def operations(network: bytes) -> set[str]:
    """Return the names of all operations of a LiteRT flatbuffer, whatever an accelerator would take over."""
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415
    from tensorflow.lite.tools import flatbuffer_utils  # noqa: PLC0415

    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    codes = flatbuffer_utils.convert_bytearray_to_object(bytearray(network)).operatorCodes
    return {
        code.customCode.decode() if code.customCode else names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        for code in codes
    }
