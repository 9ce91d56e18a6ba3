"""LiteRT inference: the only importer of the engine. `tflite_runtime` serves where LiteRT is not installed."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.errors import BundleError

Array = npt.NDArray[Any]
WINDOW, STREAM = "classify", "stream"
"""Signatures of a network that also takes steps of a stream. The first by name is the main graph."""
_ENGINES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


class Network:
    """A LiteRT network, its inputs and outputs in the file's order, on one thread.

    Args:
        path: the `.tflite` file.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: no engine is installed, or it refuses the file.
    """

    def __init__(self, path: Path, interpreter: Callable[..., Any] | None = None) -> None:
        make = interpreter or installed_interpreter()
        try:
            self._engine = make(model_path=str(path), num_threads=1)
            self._engine.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise BundleError(f"{path}: the engine refuses it ({reason})", fix="export the bundle again") from error
        self._inputs = self._engine.get_input_details()
        self._outputs = self._engine.get_output_details()

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """The inputs' shapes in the network's order; -1 stands for a dynamic axis."""
        return [_signature(detail) for detail in self._inputs]

    def require(self, shape: tuple[int, ...], features: str) -> None:
        """Check that the network takes one array of this shape.

        Args:
            shape: of the input, its first axis the batch.
            features: what gives the array, for the message.

        Raises:
            BundleError: it takes another.
        """
        found = [list(taken[1:]) for taken in self.input_shapes]
        wanted = list(shape[1:])
        fits = len(found) == 1 and len(found[0]) == len(wanted)
        if not fits or any(size not in (-1, due) for size, due in zip(found[0], wanted, strict=True)):
            raise BundleError(
                f"the network takes {found}, {features} gives {wanted}",
                fix="export the bundle again with the features that it was trained on",
            )

    def run(self, *arrays: Array) -> list[Array]:
        """Return the outputs for inputs given in the network's order; dynamic axes take the arrays' lengths.

        Raises:
            BundleError: an input has the wrong number or shape.
        """
        if len(arrays) != len(self._inputs):
            raise BundleError(f"the network has {len(self._inputs)} inputs, {len(arrays)} given", fix="export it again")
        self._fit(arrays)
        for detail, array in zip(self._inputs, arrays, strict=True):
            self._engine.set_tensor(detail["index"], array.astype(detail["dtype"], copy=False))
        self._engine.invoke()
        return [self._engine.get_tensor(detail["index"]) for detail in self._outputs]

    def _fit(self, arrays: tuple[Array, ...]) -> None:
        """Resize the inputs whose shape differs; the engine plans its memory again only then."""
        changed = False
        for detail, array in zip(self._inputs, arrays, strict=True):
            if tuple(detail["shape"]) != array.shape:
                allowed = _signature(detail)
                if len(allowed) != array.ndim or any(
                    a not in (-1, n) for a, n in zip(allowed, array.shape, strict=True)
                ):
                    raise BundleError(
                        f"input {detail['name']} is {list(allowed)}, given {list(array.shape)}", fix="export it again"
                    )
                self._engine.resize_tensor_input(detail["index"], array.shape)
                changed = True
        if changed:
            self._engine.allocate_tensors()
            self._inputs = self._engine.get_input_details()
            self._outputs = self._engine.get_output_details()


class StreamingNetwork:
    """A LiteRT network that takes steps of a stream, its past held here; signature `stream`, on one thread.

    The signature's inputs are `frames` and the states, its outputs `logits` and each state with `new_` before its name.

    Args:
        path: the `.tflite` file.
        interpreter: the engine's interpreter class; None takes the installed one.

    Raises:
        BundleError: no engine is installed, it refuses the file, or the network takes no steps.
    """

    def __init__(self, path: Path, interpreter: Callable[..., Any] | None = None) -> None:
        make = interpreter or installed_interpreter()
        try:
            self._run = make(model_path=str(path), num_threads=1).get_signature_runner(STREAM)
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{path}: no network that takes steps", fix="export a causal network again") from error
        shapes = {name: tuple(map(int, detail["shape"])) for name, detail in self._run.get_input_details().items()}
        self.frames_shape = shapes.pop("frames")
        """Of the frames of a step: (1, step_frames, bins)."""
        self._start: Mapping[str, Array] = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        self._new = {name: f"new_{name}" for name in shapes}
        self.reset()

    def settle(self, frames: Array, n_steps: int) -> None:
        """Let the past be, from now on and after each `reset`, what `n_steps` of the same frames leave behind."""
        self.reset()
        for _ in range(n_steps):
            self.step(frames)
        self._start = self._past

    def reset(self) -> None:
        """Forget the past."""
        self._past: Mapping[str, Array] = self._start

    def step(self, frames: Array) -> npt.NDArray[np.float32]:
        """Return the logits after a step, shape (outputs,).

        Args:
            frames: the newest, shape (1, step_frames, bins).
        """
        found = self._run(frames=frames, **self._past)
        self._past = {name: found[new] for name, new in self._new.items()}
        return np.asarray(found["logits"][0], np.float32)


def _signature(detail: dict[str, Any]) -> tuple[int, ...]:
    """Shape of an input, -1 for a dynamic axis."""
    return tuple(int(size) for size in detail.get("shape_signature", detail["shape"]))


def installed_interpreter() -> Callable[..., Any]:
    """Return the interpreter class of the first engine installed.

    Raises:
        BundleError: there is none.
    """
    for name in _ENGINES:
        try:
            interpreter: Callable[..., Any] = importlib.import_module(name).Interpreter
        except ModuleNotFoundError:
            continue
        return interpreter
    raise BundleError("no inference engine is installed", fix="pip install ai-edge-litert")


def softmax(logits: Array) -> npt.NDArray[np.float32]:
    """Return probabilities along the last axis."""
    shifted = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)
