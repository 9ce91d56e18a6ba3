"""How many multiplications a network costs, counted from its graph: the speed that papers compare.

A multiply-accumulate is one. Convolutions, dense and recurrent layers and products of matrices count; normalisation
(foldable into what stands before it), biases, pooling, activations and the features don't: so do the papers.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import keras
from keras import layers

from voice.errors import DataError


def multiplies(model: keras.Model) -> int:
    """Return the multiplications of one run on one input.

    Raises:
        DataError: a layer with weights isn't known; names it.
    """
    return sum(_count(operation) for operation in model.operations)


def _count(operation: Any) -> int:
    if isinstance(operation, keras.Model):
        return multiplies(operation)
    for kinds, rule in _RULES:
        if isinstance(operation, kinds):
            return rule(operation)
    if type(operation).__name__ in _PRODUCTS:
        return _product(operation)
    if any(len(weight.shape) > 1 and type(operation).__name__ not in _FREE for weight in _weights(operation)):
        raise DataError(f"multiplications of {type(operation).__name__} aren't known", fix="add it to multiplies.py")
    return 0


def _weights(operation: Any) -> list[Any]:
    return list(operation.weights) if isinstance(operation, layers.Layer) else []


def _positions(shape: tuple[int | None, ...]) -> int:
    """Return the size of all axes but the batch and the channels."""
    return prod(int(side or 0) for side in shape[1:-1])


def _convolution(layer: Any) -> int:
    return prod(layer.kernel.shape) * _kept(layer)


def _kept(layer: Any) -> int:
    """Return the outputs of a convolution that are used: a pooling of one with a stride drops the others.

    That is how a stride unequal in time and frequency is written where Keras has no such depthwise convolution.
    """
    takers = [node.operation for node in layer._outbound_nodes]
    if len(takers) == 1 and isinstance(takers[0], layers.AveragePooling2D) and set(takers[0].pool_size) == {1}:
        return _positions(takers[0].output.shape)
    return _positions(layer.output.shape)


def _separable(layer: Any) -> int:
    return (prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape)) * _positions(layer.output.shape)


def _dense(layer: Any) -> int:
    return prod(layer.kernel.shape) * _positions(layer.output.shape)


def _recurrent(layer: Any) -> int:
    cell = layer.cell
    return (prod(cell.kernel.shape) + prod(cell.recurrent_kernel.shape)) * int(layer.input.shape[1])


def _both_ways(layer: Any) -> int:
    n_steps = int(layer.input.shape[1])
    cells = (layer.forward_layer.cell, layer.backward_layer.cell)
    return sum((prod(cell.kernel.shape) + prod(cell.recurrent_kernel.shape)) * n_steps for cell in cells)


def _product(operation: Any) -> int:
    """Return the multiplications of a matrix product of two tensors of the graph."""
    tensors = operation._inbound_nodes[0].input_tensors
    return prod(int(side) for side in operation.output.shape[1:]) * int(tensors[0].shape[-1])


_Rule = Callable[[Any], int]
_RULES: tuple[tuple[tuple[type, ...], _Rule], ...] = (
    ((layers.SeparableConv1D, layers.SeparableConv2D), _separable),
    ((layers.Conv1D, layers.Conv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D), _convolution),
    ((layers.Dense,), _dense),
    ((layers.Bidirectional,), _both_ways),
    ((layers.LSTM, layers.GRU, layers.SimpleRNN), _recurrent),
)
_PRODUCTS = ("Matmul",)
_FREE = ("SubSpectralNorm", "ClassToken")
"""Layers whose weights of several axes are added, or scale what can be folded."""
