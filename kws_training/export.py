"""From a Keras network to a LiteRT bundle, refused where the two disagree."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws_training.litert import Weights, operations, to_litert
from kws_training.report import say
from kws_training.streaming import Stream, streaming
from voice.errors import DataError
from voice.models.backend import Network, StreamingNetwork
from voice.models.bundle import Bundle, write_bundle

__all__ = ["Gate", "Weights", "export", "operations", "parity", "to_litert"]

_BEYOND = np.float32(4)
"""Logits and logarithms of probabilities beyond this (0.018) decide nothing, and full int8 rounds them away."""
_ALLOWED = frozenset(
    "ADD AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE DIV EXP "
    "EXPAND_DIMS FULLY_CONNECTED GATHER GELU HARD_SWISH LEAKY_RELU LESS LOG LOGICAL_AND LOGISTIC MAXIMUM MAX_POOL_2D "
    "MEAN MINIMUM MUL NEG PACK PAD PADV2 POW QUANTIZE REDUCE_MAX RELU RELU6 RESHAPE RESIZE_NEAREST_NEIGHBOR REVERSE_V2 "
    "RSQRT SHAPE SLICE SOFTMAX SPACE_TO_BATCH_ND SPLIT SQRT SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TILE "
    "TRANSPOSE UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK WHILE".split()
)
"""Built-in operations that every engine since tflite-runtime 2.14 has."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What an exported network may differ by from Keras' on validation clips."""

    difference: float
    """Of any logit or logarithm of a label's probability."""
    agreement: float
    """Least share of clips with the same best label."""
    step: float = 1e-4
    """Of the same, between the last step over a window and the whole window, both exported."""


GATES: dict[str, Gate] = {
    "float32": Gate(1e-3, 1.0),
    "float16": Gate(0.05, 0.99),
    "int8": Gate(0.4, 0.98),
    "dynamic": Gate(0.6, 0.97, step=0.6),
    "full": Gate(1.5, 0.95, step=1.5),
}


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an exported network is from Keras' on some clips."""

    difference: float
    agreement: float
    step: float | None
    """None where the network takes no steps."""

    def __str__(self) -> str:
        steps = "" if self.step is None else f", steps differ from windows by {self.step:.2g}"
        agreement = f"{100 * self.agreement:.1f} % of the labels agree"
        return f"log-probabilities differ by {self.difference:.2g}, {agreement}{steps}"


def export(
    model: keras.Model, folder: Path, manifest: dict[str, Any], clips: Any, weights: Weights = "float32"
) -> Bundle:
    """Write a bundle after comparing both networks on `clips`.

    A causal command classifier gets a second signature that takes steps of a stream. It shares the weights: the file
    grows by a few per cent, where a second file would double the bundle.

    Args:
        model: from ln(P + 1e-6) to logits.
        folder: of the bundle.
        manifest: `Manifest` without `format` and `model`.
        clips: features of validation clips, shape (clips, frames, mels).
        weights: how they are stored.

    Raises:
        DataError: LiteRT disagrees with Keras, or an operation isn't built in. Nothing is written.
    """
    stream = _stream(model, manifest)
    network = to_litert(model, weights, clips, stream) if stream or weights == "full" else to_litert(model, weights)
    found, gate = compare(model, network, clips, stream), GATES[weights]
    say(f"{weights}: {found}, {len(network)} bytes")
    late = found.step is not None and found.step > gate.step
    if not found.difference <= gate.difference or found.agreement < gate.agreement or late:
        raise DataError(f"LiteRT and Keras disagree ({found})", fix="nothing was written; report this recipe")
    if stream:
        steps = {"step_frames": stream.step_frames, "window_steps": stream.n_steps}
        manifest = {**manifest, "decision": {**manifest["decision"], "stream": steps}}
    return write_bundle(folder, manifest, network)


def _stream(model: keras.Model, manifest: dict[str, Any]) -> Stream | None:
    """Return the network in steps, where the bundle has a use for them and no layer looks ahead."""
    if manifest.get("kind") != "commands":
        return None
    try:
        return streaming(model)
    except DataError as error:
        say(f"whole windows only: {error}")
        return None


def parity(model: keras.Model, network: bytes, clips: Any) -> float:
    """Return the largest difference of the logits of Keras and LiteRT.

    Raises:
        DataError: the network holds an operation that isn't built in.
    """
    return compare(model, network, clips).difference


def compare(model: keras.Model, network: bytes, clips: Any, stream: Stream | None = None) -> Parity:
    """Return how far an exported network is from Keras'.

    Args:
        model: from features to logits.
        network: the flatbuffer.
        clips: features, shape (clips, frames, mels).
        stream: given where the network takes steps, too.

    Raises:
        DataError: the network holds an operation that isn't built in.
    """
    allowed(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(network)
        engine = Network(path)
        exported = np.concatenate([engine.run(clip[None])[0] for clip in clips])
        step = None
        if stream:
            step = float(np.abs(_comparable(_last_steps(path, clips, stream)) - _comparable(exported)).max())
    expected = keras.ops.convert_to_numpy(model(clips, training=False))
    agree = float((_labels(exported) == _labels(expected)).mean())
    return Parity(float(np.abs(_comparable(exported) - _comparable(expected)).max()), agree, step)


def allowed(network: bytes) -> None:
    """Check that a flatbuffer has built-in operations only.

    Raises:
        DataError: it has others; names them.
    """
    strange = operations(network) - _ALLOWED
    if strange:
        raise DataError(f"the network needs {', '.join(sorted(strange))}", fix="use built-in operations only")


def _comparable(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return logits, or of several labels the logarithms of their probabilities, without what decides nothing."""
    if logits.shape[1] > 1:
        lower = logits - logits.max(axis=1, keepdims=True)
        logits = lower - np.log(np.exp(lower).sum(axis=1, keepdims=True))
    return np.clip(logits, -_BEYOND, _BEYOND)


def _labels(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    return np.asarray(logits.argmax(axis=1) if logits.shape[1] > 1 else logits[:, 0] > 0, np.int64)


def _last_steps(path: Path, clips: Any, stream: Stream) -> npt.NDArray[np.float32]:
    """Return the logits after the last step over each clip, from the start of a stream, shape (clips, outputs)."""
    engine = StreamingNetwork(path)
    found = []
    for clip in clips:
        engine.reset()
        for frames in stream.steps(clip):
            logits = engine.step(frames)
        found.append(logits)
    return np.stack(found)
