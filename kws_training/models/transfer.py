"""Transfer learning: a network for photographs on the spectrogram as an image, with dense layers of its own.

VGG16 (Simonyan, Zisserman, arXiv 1409.1556, table 1, D), Inception v3 (Szegedy et al., arXiv 1512.00567, table 1) and
ResNet50 (He et al., arXiv 1512.03385, table 1) as keras.applications has them, without their dense layers. On top what
the predecessor keyword-spotting-transfer-learning had: its README's parameters (99 frames of 161 frequencies) need
batch normalisation of the flattened map, a dense layer of 1024, batch normalisation, another of 1024.

Deviations: log-mel frames; an image too small for the backbone is enlarged by a whole factor, each axis by its own.
"""

import hashlib
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

from kws_training.models.front import logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import TransferSettings
from voice.errors import ConfigError, DataError

_PLACE = "https://storage.googleapis.com/tensorflow/keras-applications/"
_BACKBONES = {
    "vgg16": (
        keras.applications.VGG16, 32, 64.0,
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc",
    ),
    "inception_v3": (
        keras.applications.InceptionV3, 75, 0.5,
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    "resnet50": (
        keras.applications.ResNet50, 32, 64.0,
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "4d473c1dd8becc155b73f8504c6f6626",
    ),
}  # fmt: skip
"""Network, least side of an image, deviation of the pixels it was trained on, and its weights with their MD5."""


def build(settings: TransferSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`.

    Raises:
        ConfigError: the file of weights isn't there, or holds others.
        DataError: the weights can't be downloaded.
    """
    make, least, deviation, *published = _BACKBONES[settings.backbone]
    weights = _weights(settings.weights, *published)
    inputs, x = logmel(n_frames, n_mels)
    x = ops.expand_dims(x, 3) * deviation  # (batch, frames, mels, 1)
    factors = tuple(-(-least // side) for side in (n_frames, n_mels))
    if factors != (1, 1):
        x = layers.UpSampling2D(factors)(x)
    backbone = make(include_top=False, weights=None, input_tensor=ops.concatenate([x, x, x], axis=3))
    if weights:
        _load(backbone, weights)
    backbone.trainable = not settings.frozen
    x = batch_norm(layers.Flatten()(backbone.output))
    x = batch_norm(layers.Dense(settings.units, activation="relu")(x))
    x = layers.Dense(settings.units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name=settings.backbone)


def _weights(wanted: str, path: str, md5: str) -> Path | None:
    """Return the file of weights, downloaded if that is wanted."""
    if wanted == "scratch":
        return None
    if wanted != "imagenet":
        file = Path(wanted).expanduser()
        if not file.is_file():
            raise ConfigError(f"network.weights: there is no file {file}", fix="use its path, imagenet, or scratch")
        return file
    file = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models" / Path(path).name
    if not (file.is_file() and _md5(file) == md5):
        _download(_PLACE + path, file, md5)
    return file


def _download(url: str, file: Path, md5: str) -> None:
    by_hand = f"download it elsewhere and name the file in network.weights, or say scratch ({file.name})"
    partial = file.with_suffix(".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=60) as answer, partial.open("wb") as out:  # noqa: S310 - https
            while block := answer.read(1 << 20):
                out.write(block)
    except (urllib.error.URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"the ImageNet weights can't be had from {url} ({reason})", fix=by_hand) from error
    if _md5(partial) != md5:
        partial.unlink()
        raise DataError(f"{url} isn't what was published", fix=by_hand)
    partial.replace(file)


def _md5(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _load(backbone: Any, file: Path) -> None:
    try:
        backbone.load_weights(file)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"{file} doesn't hold the weights of {backbone.name} without its dense layers ({reason})",
            fix="use the file that keras.applications publishes (notop)",
        ) from error
