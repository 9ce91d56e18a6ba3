"""The default network: a strided 2-D stem, then gated 1-D separable convolutions at 12.5 Hz.

Near Citrinet (Majumdar et al. 2021, arXiv:2104.01721: separable 1-D convolutions, squeeze-and-excitation, 8x
subsampling) with the pre-normalised inverted bottleneck of ConvNeXt (Liu et al. 2022, arXiv:2201.03545). Different
from both: each encoder frame (80 ms) gives two label frames (40 ms), so that characters fit.
"""

from typing import Any

import keras
from keras import layers

from asr_training.models.front import Heads, MaskedMean, MeanNorm, features_input, stem
from asr_training.models.settings import ConvolutionalSettings


def build(
    settings: ConvolutionalSettings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network, see `asr_training.models.build`."""
    features = features_input(n_bins, batch_size)
    heads = Heads(settings, n_labels, n_phones)
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, bins)
    x, mask = stem(x, mask, settings.stem, settings.channels, settings.subsampling, settings.precision)  # (b, t/8, c)
    for i in range(settings.blocks):
        x = _block(x, mask, settings, f"block{i}")  # (b, t/8, c)
        heads.after_block(i + 1, x)
    return heads.model(features, x)  # (b, t/4, labels)


def _block(x: Any, mask: Any, settings: ConvolutionalSettings, name: str) -> Any:
    """Depthwise convolution over time, squeeze-and-excitation, inverted bottleneck; added to the input."""
    width, large = settings.channels, settings.precision
    inner = settings.expansion * width
    y = layers.LayerNormalization(name=f"{name}_norm")(x) * mask  # (b, t, c)
    y = layers.DepthwiseConv1D(settings.kernel, padding="same", name=f"{name}_depthwise")(y)  # (b, t, c)
    y = layers.Dense(inner, activation="silu", dtype=large, name=f"{name}_expand")(y)  # (b, t, e c)
    context = MaskedMean(name=f"{name}_mean")(y, mask)  # (b, 1, e c)
    context = layers.Dense(width // 8, activation="relu", name=f"{name}_squeeze")(context)  # (b, 1, c/8)
    gate = layers.Dense(inner, activation="sigmoid", name=f"{name}_excite")(context)
    y = layers.Multiply(dtype=large, name=f"{name}_gate")([y, gate])
    y = layers.Dense(width, dtype=large, name=f"{name}_project")(y)  # (b, t, c)
    y = layers.Dropout(settings.dropout, name=f"{name}_dropout")(y)
    return layers.Add(name=f"{name}_add")([x, y]) * mask
