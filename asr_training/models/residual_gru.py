"""Residual 2-D convolutions and five bidirectional GRU with GELU, on 128 mel bins.

The predecessor's "speech-to-text" model, which is that of AssemblyAI's tutorial "Building an End-to-End Speech
Recognition Model in PyTorch" (2020): layer normalisation, GELU and dropout in front of every layer. 23,705,373
parameters with 128 mel bins and 29 labels, as printed there. Deviation: padding is masked.
"""

from typing import Any

import keras
from keras import layers, ops

from asr_training.models.front import Heads, MeanNorm, features_input
from asr_training.models.recurrent import gru
from asr_training.models.settings import ResidualGruSettings


def build(
    settings: ResidualGruSettings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network, see `asr_training.models.build`."""
    features, large = features_input(n_bins, batch_size), settings.precision
    heads = Heads(settings, n_labels, n_phones, norm=False)
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, bins)
    x = ops.expand_dims(x, -1)  # (b, t, bins, 1)
    x = layers.Conv2D(settings.filters, 3, strides=2, padding="same", dtype=large, name="first")(
        x
    )  # (b, t/2, bins/2, f)
    mask = layers.MaxPooling1D(2, name="mask")(mask)  # (b, t/2, 1)
    for i in range(settings.residuals):
        x = _residual(x, mask[..., None], settings, f"residual{i}")  # (b, t/2, bins/2, f)
    x = layers.Permute((1, 3, 2), name="channels_first")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="flatten")(x)
    x = layers.Dense(settings.units, dtype=large, name="dense")(x)  # (b, t/2, u)
    for i in range(settings.blocks):
        x = layers.LayerNormalization(epsilon=1e-5, name=f"gru{i}_norm")(x)
        x = _gelu(x, f"gru{i}_gelu")
        x = gru(x, mask, settings.units, f"gru{i}", dtype=large)  # (b, t/2, 2 u)
        x = layers.Dropout(settings.dropout, name=f"gru{i}_dropout")(x)
        heads.after_block(i + 1, x)
    x = layers.Dense(settings.units, dtype=large, name="classifier")(x)  # (b, t/2, u)
    x = layers.Dropout(settings.dropout, name="classifier_dropout")(_gelu(x, "classifier_gelu"))
    return heads.model(features, x)  # (b, t/2, labels)


def _residual(x: Any, mask: Any, settings: ResidualGruSettings, name: str) -> Any:
    y = x
    for i in range(2):
        y = layers.Permute((1, 3, 2), name=f"{name}_out{i}")(y)  # (b, t/2, f, bins/2): each filter's bins together
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm{i}")(y)
        y = layers.Permute((1, 3, 2), name=f"{name}_back{i}")(y)
        y = layers.Dropout(settings.dropout, name=f"{name}_dropout{i}")(_gelu(y, f"{name}_gelu{i}")) * mask
        y = layers.Conv2D(settings.filters, 3, padding="same", dtype=settings.precision, name=f"{name}_conv{i}")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def _gelu(x: Any, name: str) -> Any:
    return layers.Activation(keras.activations.gelu, name=name)(x)
