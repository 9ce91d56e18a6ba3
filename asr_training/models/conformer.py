"""Conformer: macaron feed-forward modules around self-attention and convolution.

Gulati et al.: "Conformer: Convolution-augmented Transformer for Speech Recognition", Interspeech 2020,
arXiv:2005.08100, section 2. Deviations: rotary positions (Su et al. 2021, arXiv:2104.09864, section 3.2) instead of
Transformer-XL's relative ones: they need no table, so time stays dynamic; layer instead of batch normalisation in the
convolution module, so a result depends on no other utterance; 8x subsampling with two label frames an encoder frame.
"""

from typing import Any

import keras
from keras import layers, ops

from asr_training.models.attention import SelfAttention
from asr_training.models.front import Heads, MeanNorm, features_input, stem
from asr_training.models.settings import ConformerSettings


def build(
    settings: ConformerSettings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network, see `asr_training.models.build`."""
    features = features_input(n_bins, batch_size)
    heads = Heads(settings, n_labels, n_phones, norm=False)  # every block ends normalised
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, bins)
    x, mask = stem(x, mask, settings.stem, settings.channels, settings.stride, settings.precision)  # (b, t/s, c)
    for i in range(settings.blocks):
        x = _block(x, mask, settings, f"block{i}")  # (b, t/s, c)
        heads.after_block(i + 1, x)
    return heads.model(features, x)  # (b, n t/s, labels)


def _block(x: Any, mask: Any, settings: ConformerSettings, name: str) -> Any:
    """Half a feed-forward module, attention, convolution, half a feed-forward module; equation 1."""
    x = x + 0.5 * _feed_forward(x, settings, f"{name}_first")  # (b, t, c)
    y = layers.LayerNormalization(name=f"{name}_attention_norm")(x)
    y = SelfAttention(settings.heads, dtype=settings.precision, name=f"{name}_attention")(y, mask)  # (b, t, c)
    x = x + ops.cast(layers.Dropout(settings.dropout, name=f"{name}_attention_dropout")(y), "float32")
    x = x + _convolution(x, mask, settings, f"{name}_convolution")
    x = x + 0.5 * _feed_forward(x, settings, f"{name}_second")
    return layers.LayerNormalization(name=f"{name}_norm")(x) * mask


def _feed_forward(x: Any, settings: ConformerSettings, name: str) -> Any:
    large = settings.precision
    y = layers.LayerNormalization(name=f"{name}_norm")(x)
    y = layers.Dense(settings.expansion * settings.channels, activation="silu", dtype=large, name=f"{name}_in")(y)
    y = layers.Dropout(settings.dropout, dtype=large, name=f"{name}_in_dropout")(y)  # (b, t, e c)
    y = layers.Dense(settings.channels, dtype=large, name=f"{name}_out")(y)  # (b, t, c)
    return layers.Dropout(settings.dropout, dtype="float32", name=f"{name}_dropout")(y)


def _convolution(x: Any, mask: Any, settings: ConformerSettings, name: str) -> Any:
    large = settings.precision
    y = layers.LayerNormalization(name=f"{name}_norm")(x)
    gate = layers.Dense(settings.channels, activation="sigmoid", dtype=large, name=f"{name}_gate")(y)
    y = layers.Dense(settings.channels, dtype=large, name=f"{name}_in")(y)  # (b, t, c)
    y = ops.cast(y * gate, "float32") * mask  # GLU; padding must not reach the real frames
    y = layers.DepthwiseConv1D(settings.kernel, padding="same", name=f"{name}_depthwise")(y)
    y = layers.LayerNormalization(name=f"{name}_inner_norm")(y)
    y = layers.Activation("silu", name=f"{name}_silu")(y)
    y = layers.Dense(settings.channels, dtype=large, name=f"{name}_out")(y)
    return layers.Dropout(settings.dropout, dtype="float32", name=f"{name}_dropout")(y)
