"""Citrinet: residual blocks of separable convolutions over time, with squeeze-and-excitation.

Majumdar et al.: "Citrinet: Closing the Gap between Non-Autoregressive and Autoregressive End-to-End Models for
Automatic Speech Recognition", arXiv:2104.01721, sections 3.1 to 3.3 and table 1. Deviations: two label frames from each
80 ms encoder frame, so that characters fit, where the paper has word pieces; the context of the excitation and the
batch statistics are of the real frames only.
"""

from typing import Any

import keras
from keras import layers

from asr_training.models.front import Heads, MaskedMean, MeanNorm, batch_norm, features_input
from asr_training.models.settings import CitrinetSettings

_FIRST_KERNEL, _LAST_KERNEL = 5, 41


def build(
    settings: CitrinetSettings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network, see `asr_training.models.build`."""
    features = features_input(n_bins, batch_size)
    heads = Heads(settings, n_labels, n_phones, norm=False)
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, bins)
    x = _end(_separable(x, mask, settings.channels, _FIRST_KERNEL, settings, "first"), settings, "first")
    part = -(-settings.blocks // 3)
    for i, kernel in enumerate(settings.kernels):
        if i % part == 0:
            mask = layers.MaxPooling1D(2, name=f"mask{i // part}")(mask)
        stride = 2 if i % part == 0 else 1
        x = _block(x, mask, kernel, stride, settings, f"block{i}")  # (b, t/2 .. t/8, c)
        heads.after_block(i + 1, x)
    x = _end(_separable(x, mask, settings.last_channels, _LAST_KERNEL, settings, "last"), settings, "last")
    return heads.model(features, x)  # (b, n t/8, labels)


def _block(x: Any, mask: Any, kernel: int, stride: int, settings: CitrinetSettings, name: str) -> Any:
    """`repeats` separable convolutions and an excitation, beside a pointwise shortcut."""
    y = x
    for i in range(settings.repeats):
        first = i == 0
        y = _separable(y, mask, settings.channels, kernel, settings, f"{name}_{i}", stride if first else 1)
        if i + 1 < settings.repeats:
            y = _end(y, settings, f"{name}_{i}")
    context = MaskedMean(name=f"{name}_mean")(y, mask)  # (b, 1, c)
    context = layers.Dense(settings.channels // 8, activation="relu", name=f"{name}_squeeze")(context)
    y = y * layers.Dense(settings.channels, activation="sigmoid", name=f"{name}_excite")(context)
    shortcut = layers.Conv1D(settings.channels, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(x)
    shortcut = batch_norm(shortcut, mask, f"{name}_shortcut")
    return _end(y + shortcut, settings, f"{name}_end")


def _separable(
    x: Any, mask: Any, channels: int, kernel: int, settings: CitrinetSettings, name: str, stride: int = 1
) -> Any:
    taps = max(3, int(kernel * settings.gamma)) // 2 * 2 + 1  # odd, as scaled in section 3.3
    y = layers.DepthwiseConv1D(taps, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    y = layers.Conv1D(channels, 1, use_bias=False, dtype=settings.precision, name=f"{name}_pointwise")(y)
    return batch_norm(y, mask, name)


def _end(x: Any, settings: CitrinetSettings, name: str) -> Any:
    return layers.Dropout(settings.dropout, name=f"{name}_dropout")(layers.Activation("silu", name=f"{name}_silu")(x))
