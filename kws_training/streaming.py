"""A causal network as a stream: a step takes the newest frames and every layer's past, and gives logits and new pasts.

After kws_streaming (Rybakov et al., arXiv 2005.06720, section 3, external state): where the network of a whole window
pads with zeros in front, the step puts the frames that were kept of the step before; where it pools over the window,
the step pools over the last steps of a window. The past starts as zeros, which is what the padding is: the layers pad
after batch normalisation and activation, so zero is the padded value itself. So from the start a window, step by step,
gives the logits of the whole window. Later in a stream a step also sees real frames where a window that begins there
would see zeros.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from kws_training.models.normalisation import SubSpectralNorm
from voice.errors import DataError

Array = npt.NDArray[np.float32]
_POINTWISE = (
    *(layers.Activation, layers.Add, layers.BatchNormalization, layers.Concatenate, layers.Dense, layers.Dropout),
    *(layers.LayerNormalization, layers.Multiply, layers.ReLU, layers.Rescaling),
    *(layers.SpatialDropout1D, layers.SpatialDropout2D, SubSpectralNorm),
)
_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_PADDINGS = (layers.ZeroPadding1D, layers.ZeroPadding2D)
_POOLS = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalMaxPooling1D)


@dataclass(frozen=True, slots=True)
class Stream:
    """A network that takes steps."""

    model: keras.Model
    """From [frames (1, step_frames, mels), *states] to [logits (1, outputs), *states]."""
    step_frames: int
    n_steps: int
    """Steps in a whole window."""

    def zeros(self) -> list[Array]:
        """Return the states at the start."""
        return [np.zeros(state.shape, np.float32) for state in self.model.inputs[1:]]

    def steps(self, frames: Array) -> Array:
        """Return what each step over one window takes, shape (n_steps, 1, step_frames, mels).

        Frames that the whole window leaves out at its end are left out, too; where its last step is not whole, zeros
        stand for what it doesn't look at.
        """
        padded = np.zeros((self.n_steps * self.step_frames, frames.shape[1]), np.float32)
        kept = frames[: len(padded)]
        padded[: len(kept)] = kept
        return padded.reshape(self.n_steps, 1, self.step_frames, -1)

    def inputs(self, frames: Array) -> Iterator[list[Array]]:
        """Yield all that each step over one window takes: frames and states."""
        before: list[Any] = list(self.zeros())
        for part in self.steps(frames):
            yield [part, *before]
            before = [keras.ops.convert_to_numpy(state) for state in self._call(part, before)[1:]]

    def run(self, frames: Array) -> Array:
        """Return the logits after each step over one window from the start, shape (n_steps, outputs)."""
        return np.stack([keras.ops.convert_to_numpy(self._call(*_first(i))[0])[0] for i in self.inputs(frames)])

    def _call(self, part: Array, before: list[Any]) -> list[Any]:
        tensors = [keras.ops.convert_to_tensor(array) for array in (part, *before)]
        return list(self.model(tensors, training=False))


def _first(inputs: list[Array]) -> tuple[Array, list[Array]]:
    return inputs[0], inputs[1:]


def streaming(model: keras.Model, pooled_per_step: int = 1) -> Stream:
    """Return the stream of a causal network; it shares the layers, and so the weights.

    Args:
        model: from features, shape (batch, frames, mels), to logits, pooled once over time.
        pooled_per_step: of what the network pools over, how much a step brings; more are fewer, longer steps.

    Raises:
        DataError: a layer looks ahead, or has no streaming form; names it.
    """
    n_frames, n_mels = model.input_shape[1:]
    n_pooled = next((op.input.shape[1] for op in model._operations if _pools(op)), None)
    if n_pooled is None:
        raise DataError("the network doesn't pool over time", fix="export it for whole windows only")
    n_steps = n_pooled // pooled_per_step
    step_frames = round(n_frames / n_pooled) * pooled_per_step
    frames = keras.Input((step_frames, n_mels), batch_size=1, name="frames")
    walk = _Walk(n_steps, n_pooled)
    # What keras.models.clone_model does, which can't add inputs on the way.
    [logits] = _flat(model._run_through_graph([frames], operation_fn=lambda operation: partial(walk.step, operation)))
    return Stream(keras.Model([frames, *walk.before], [logits, *walk.after]), step_frames, n_steps)


@dataclass
class _Walk:
    """The way of a step through a network's graph, and the states that it needs."""

    n_steps: int
    n_pooled: int
    before: list[Any] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)
    pooled: bool = False

    def step(self, operation: Any, *inputs: Any, **options: Any) -> Any:
        """Return what an operation makes of a step, all inputs having the axes (1, frames, ...)."""
        if self.pooled:
            return operation(*inputs, **options)
        if _pools(operation):
            self.pooled = True
            return operation(self._with_past(inputs[0], self.n_pooled - inputs[0].shape[1]))
        found = self._layer(operation, inputs, options)
        wanted = max(1, round(operation.output.shape[1] / self.n_steps))
        if found.shape[1] != wanted and not isinstance(operation, _PADDINGS):
            _refuse(operation, f"makes {found.shape[1]} frames of a step where {wanted} are due")
        return found

    def _layer(self, layer: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        x = inputs[0]
        if isinstance(layer, layers.Reshape):
            return keras.ops.reshape(x, (1, x.shape[1], *layer.output.shape[2:]))
        if isinstance(layer, _PADDINGS):
            return self._padded(layer, x)
        if isinstance(layer, _CONVOLUTIONS):
            if layer.kernel_size[0] == 1 or layer.padding == "valid":
                return layer(x)
            if layer.padding != "causal":
                _refuse(layer, "looks ahead (padding 'same')")
            stride, reach = layer.strides[0], (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
            whole = self._with_past(x, -(-reach // stride) * stride)  # the layer pads in front of that once more
            return layer(whole)[:, -(x.shape[1] // stride) :]
        if isinstance(layer, _POINTWISE):
            return layer(*inputs, **options)
        return _refuse(layer, "has no streaming form")

    def _padded(self, layer: Any, x: Any) -> Any:
        """Return x with its past where the whole window has zeros."""
        (front, back), *others = layer.padding if isinstance(layer.padding[0], tuple) else [layer.padding]
        if back:
            _refuse(layer, "looks ahead")
        x = self._with_past(x, front)
        return keras.ops.pad(x, [(0, 0), (0, 0), *others, (0, 0)]) if any(map(any, others)) else x

    def _with_past(self, x: Any, n_frames: int) -> Any:
        """Return x behind the last `n_frames` of before, which become a state."""
        if n_frames == 0:
            return x
        past = keras.Input((n_frames, *x.shape[2:]), batch_size=1, name=f"past{len(self.before)}")
        whole = keras.ops.concatenate([past, x], axis=1)
        self.before.append(past)
        self.after.append(whole[:, -n_frames:])
        return whole


def _pools(operation: Any) -> bool:
    """Return whether an operation pools over all of a window's frames; a valid depthwise convolution can do that."""
    if isinstance(operation, layers.DepthwiseConv2D | layers.DepthwiseConv1D):
        n_frames = operation.input.shape[1]
        return bool(operation.padding == "valid" and operation.output.shape[1] == 1 and n_frames > 1)
    return isinstance(operation, _POOLS)


def _refuse(layer: Any, reason: str) -> Any:
    raise DataError(
        f"{type(layer).__name__} {layer.name} {reason}: the network can't be run as a stream",
        fix="train a causal network, or export it for whole windows only",
    )


def _flat(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
