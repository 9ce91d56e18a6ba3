"""Weights to begin with: of another run, or of a bundle, whatever labels it has.

A bundle keeps no Keras weights, but its LiteRT file holds each layer's constants under the layer's name. They are read
back, int8 ones to within half a step, and the network made of them must give what the bundle's file gives.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from asr_training import checkpoint as checkpoints
from asr_training.history import Stage
from asr_training.models import build
from asr_training.settings import Recipe
from voice.errors import DataError
from voice.models.backend import Network
from voice.models.bundle import AsrDecision, Bundle

Weights = dict[str, list[npt.NDArray[np.float32]]]
"""Of each layer by name, in Keras' order."""


@dataclass(frozen=True, slots=True)
class _Donor:
    """What weights are taken from."""

    labels: tuple[str, ...]
    weights: Weights
    lower_part: bool = False
    """Whether it ends at its phone head: what is above begins at random."""


_HEADS = ("labels", "inters")
_AS_LABELS = {"phones": "labels", "phone_norm": "norm"}
_NAMED = 6  # layers that a line names
_AGREEMENT = 0.9
"""Least share of label frames on which the network made from a bundle prefers what the bundle prefers."""


def initial_weights(network: keras.Model, recipe: Recipe, source: Path) -> tuple[list[npt.NDArray[Any]], str]:
    """Return weights for a network from a run or a bundle, and a line that says what was taken over.

    Labels that both know keep their column in the heads; new ones, and heads the source lacks, start at random. A
    bundle that was read off a phone head (`asr-train export --head phones`) has the blocks up to it: they, and the
    head, are taken over into a network with a phone head, or with phones as its labels; what is above starts at random.

    Args:
        network: to be trained.
        recipe: its recipe.
        source: folder of a run (its averaged weights) or of a bundle.

    Raises:
        DataError: it is neither, is of another network, or the bundle's weights can't be read back.
        BundleError: the bundle is broken.
    """
    if (source / "bundle.json").is_file():
        donor = _of_bundle(source, recipe)
    elif (source / checkpoints.FILE).is_file():
        donor = _of_run(source)
    else:
        raise DataError(
            f"{source}: no run and no bundle", fix="give --init a folder with checkpoint.npz or bundle.json"
        )
    taken, fresh = 0, []
    for layer in network.layers:
        mine = layer.get_weights()
        if not mine:
            continue
        theirs = donor.weights.get(layer.name)
        if theirs and layer.name in _HEADS:
            theirs = _head(mine, theirs, recipe.labels, donor.labels)
        if theirs is None and (donor.lower_part or layer.name.startswith(("phone", "inter"))):
            fresh.append(layer.name)
            continue
        if theirs is None or [w.shape for w in mine] != [w.shape for w in theirs]:
            raise DataError(
                f"{source}: layer {layer.name} is of another network",
                fix="take the network of its recipe, or no --init",
            )
        layer.set_weights(theirs)
        taken += sum(w.size for w in theirs)
    line = f"begins with {taken:,} weights of {source.name}"
    if any(layer in donor.weights for layer in _HEADS):
        line += f", {len(set(recipe.labels) & set(donor.labels))} of {len(recipe.labels)} labels known"
    named = ", ".join(fresh) if len(fresh) <= _NAMED else f"{len(fresh)} layers above the phone head"
    return network.get_weights(), line + (f"; new: {named}" if fresh else "")


def _head(mine: list[Any], theirs: list[Any], labels: tuple[str, ...], known: tuple[str, ...]) -> list[Any] | None:
    """Return a head's weights with the columns of the labels that both have taken over."""
    found = []
    for own, other in zip(mine, theirs, strict=True):
        if own.shape[:-1] != other.shape[:-1] or own.shape[-1] // len(labels) != other.shape[-1] // len(known):
            return None
        wide = own.reshape(*own.shape[:-1], -1, len(labels)).copy()  # (..., label frames, labels)
        columns = other.reshape(*other.shape[:-1], -1, len(known))
        for i, label in enumerate(labels):
            if label in known:
                wide[..., i] = columns[..., known.index(label)]
        found.append(wide.reshape(own.shape))
    return found


def _of_run(run: Path) -> _Donor:
    from asr_training.train import read_run_recipe  # noqa: PLC0415 - which imports this module

    recipe, saved = read_run_recipe(run), checkpoints.load(run)
    donor = _network(recipe, len(recipe.labels))
    try:
        donor.set_weights(saved.averaged if saved else [])
    except ValueError as error:
        raise DataError(f"{run}: the checkpoint is not of its recipe", fix="give another --init") from error
    return _Donor(recipe.labels, _weights_of(donor))


def _of_bundle(folder: Path, wanted: Recipe) -> _Donor:
    """Return the weights of a bundle; those of a phone head become the labels' where they are what is wanted."""
    bundle = Bundle(folder)
    try:
        stages = json.loads(bundle.manifest.training.recipe)
        recipe = Stage.model_validate(stages[-1]).recipe
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"{folder}: no recipe in the bundle", fix="give --init its training run") from error
    decision = bundle.manifest.decision
    lower_part = isinstance(decision, AsrDecision) and decision.units == "phones" != recipe.units
    donor = _donor_network(recipe, len(bundle.manifest.labels), lower_part)
    constants = _constants(bundle.model_path.read_bytes())
    unreadable = DataError(
        f"{folder}: the weights can't be read back from the bundle", fix="give --init its training run"
    )
    for layer in donor.layers:
        if layer.weights:
            found = _layer_weights(layer, constants)
            if found is None:
                raise unreadable
            layer.set_weights(found)
    if _agreement(donor, bundle, recipe) < _AGREEMENT:
        raise unreadable
    weights = _weights_of(donor)
    if lower_part and wanted.units == "phones":
        weights = {_AS_LABELS.get(name, name): arrays for name, arrays in weights.items()}
    return _Donor(bundle.manifest.labels, weights, lower_part)


def _donor_network(recipe: Recipe, n_labels: int, lower_part: bool) -> keras.Model:
    """Return the network whose weights a bundle has: up to the labels, or up to the phone head that it was read off."""
    without = {"inter_block": 0} if lower_part else {"phone_block": 0, "inter_block": 0}
    plain = recipe.network.exact().model_copy(update=without)
    if not lower_part:
        return build(plain, recipe.features.bins, n_labels, batch_size=1)
    whole = build(plain, recipe.features.bins, len(recipe.labels), n_phones=n_labels, batch_size=1)
    return keras.Model(whole.input, whole.outputs[1])


def _weights_of(network: keras.Model) -> Weights:
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def _network(recipe: Recipe, n_labels: int) -> keras.Model:
    from asr_training.trainer import network_of  # noqa: PLC0415

    return network_of(recipe)


def _agreement(donor: keras.Model, bundle: Bundle, recipe: Recipe) -> float:
    """Return the share of label frames of a made-up input on which both prefer the same label."""
    n_frames = 4 * recipe.pad_frames
    x = np.random.default_rng(1).normal(-5, 2.5, (1, n_frames, recipe.features.bins)).astype(np.float32)
    theirs = Network(bundle.model_path).run(x)[0].argmax(-1)
    return float(np.mean(keras.ops.convert_to_numpy(donor(x, training=False)).argmax(-1) == theirs))


def _constants(data: bytes) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """Return the names and values of a LiteRT file's float and int8 constants, int8 ones restored."""
    from tensorflow.lite.python import schema_py_generated as schema  # noqa: PLC0415 - the file's format
    from tensorflow.lite.tools import flatbuffer_utils  # noqa: PLC0415

    network = flatbuffer_utils.convert_bytearray_to_object(bytearray(data))
    kinds = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8}
    found = []
    for tensor in network.subgraphs[0].tensors:
        stored = network.buffers[tensor.buffer].data
        if stored is None or len(stored) == 0 or tensor.type not in kinds or tensor.shape is None:
            continue
        shape = [int(size) for size in tensor.shape]
        values = np.frombuffer(bytes(stored), kinds[tensor.type]).reshape(shape).astype(np.float32)
        if tensor.type == schema.TensorType.INT8:
            scale = np.asarray(tensor.quantization.scale, np.float32)
            along = [1] * len(shape)
            along[tensor.quantization.quantizedDimension if scale.size > 1 else 0] = scale.size
            values = values * scale.reshape(along)
        found.append((tensor.name.decode(), values))
    return found


def _layer_weights(layer: Any, constants: list[tuple[str, npt.NDArray[np.float32]]]) -> list[Any] | None:
    """Return a layer's weights among the constants that bear its name, None where one is missing."""
    named = re.compile(rf"^[^/;]+/{re.escape(layer.name)}(?:_\d+)?/(.*)$")
    mine = [(match[1], values) for name, values in constants if (match := named.match(name))]
    mine.sort(key=lambda pair: pair[0])
    found = []
    for weight in layer.weights:
        fitting = [i for i, (_, values) in enumerate(mine) if _as_keras(values, tuple(weight.shape)) is not None]
        if not fitting:
            return None
        found.append(_as_keras(mine.pop(fitting[0])[1], tuple(weight.shape)))
    return found


def _as_keras(values: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.float32] | None:
    """Return a constant in the layout of a Keras weight of this shape, None where it can't be that weight."""
    if len(shape) == 1:
        return values.reshape(shape) if values.size == shape[0] == max(values.shape) else None
    if len(shape) == 2:  # dense: (in, out), stored as (out, in)
        return values.T if values.ndim == 2 and values.shape == shape[::-1] else None
    if len(shape) == 3 and shape[2] == 1:  # depthwise: (taps, channels, 1), stored as (1, 1, taps, channels)
        return values.reshape(shape) if values.shape == (1, 1, *shape[:2]) else None
    if len(shape) == 4:  # convolution: (h, w, in, out), stored as (out, h, w, in)
        return values.transpose(1, 2, 3, 0) if values.shape == (shape[3], *shape[:3]) else None
    return None
