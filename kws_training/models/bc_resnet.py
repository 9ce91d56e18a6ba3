"""BC-ResNet: two-dimensional features, residual blocks that compute in one dimension and broadcast the result.

Kim, Chang, Lee, Sung: "Broadcasted Residual Learning for Efficient Keyword Spotting", Interspeech 2021, arXiv
2106.04140: the block is equation 3 and figure 2, the network table 1; parameters and multiplies are those of table 3.
Features of the paper: 40 mel filters up to 8 kHz, 30 / 10 ms, 101 centred frames; any number of frames will do.

Deviations: weights start as Keras does it. A depthwise convolution of stride 2 in frequency is computed at stride 1 and
every second row dropped (Keras has none of unequal strides): the same numbers.
"""

from typing import Any

import keras
from keras import layers, ops

from kws_training.models.normalisation import SubSpectralNorm, batch_norm
from kws_training.models.settings import BcResNetSettings
from voice.errors import ConfigError

_STAGES = ((1.0, 2, 1), (1.5, 2, 2), (2.0, 4, 2), (2.5, 4, 1))
"""Of each stage: channels in units of the base width, blocks, stride in frequency. Time is dilated by 2 ** stage."""


def build(settings: BcResNetSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    if n_mels % 40:
        raise ConfigError(f"BC-ResNet can't halve {n_mels} mel filters three times", fix="use 40 or 80 mel filters")
    base = round(8 * settings.tau)
    inputs = layers.Input((n_frames, n_mels), name="logmel")
    x = ops.expand_dims(inputs, 3)
    x = layers.ZeroPadding2D(2)(x)
    x = layers.Conv2D(2 * base, 5, strides=(1, 2), use_bias=False)(x)  # (batch, frames, mels / 2, 2 base)
    x = layers.ReLU()(batch_norm(x))
    for stage, (width, n_blocks, stride) in enumerate(_STAGES):
        for block in range(n_blocks):
            first = block == 0
            x = _block(x, round(base * width) if first else None, stride if first else 1, 2**stage, settings)
    x = layers.ZeroPadding2D((2, 0))(x)
    x = layers.DepthwiseConv2D(5, use_bias=False)(x)  # (batch, frames, mels / 8 - 4, 2.5 base)
    x = layers.ReLU()(batch_norm(layers.Conv2D(4 * base, 1, use_bias=False)(x)))
    x = layers.GlobalAveragePooling2D()(x)  # (batch, 4 base)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="bc_resnet")


def _block(x: Any, transition: int | None, stride: int, dilation: int, settings: BcResNetSettings) -> Any:
    """Return relu(x + f2(x) + broadcast(f1(mean over frequency of f2(x)))).

    A transition to a number of channels starts with a 1x1 convolution and has no x in the sum.
    """
    y = x
    if transition:
        y = layers.ReLU()(batch_norm(layers.Conv2D(transition, 1, use_bias=False)(x)))
    y = layers.DepthwiseConv2D((1, 3), padding="same", use_bias=False)(y)
    y = _every_second(y) if stride == 2 else y
    y = SubSpectralNorm(settings.sub_bands)(y)  # (batch, frames, mels, channels): f2
    z = ops.mean(y, axis=2, keepdims=True)
    z = layers.DepthwiseConv2D((3, 1), padding="same", dilation_rate=(dilation, 1), use_bias=False)(z)
    z = layers.Activation("silu")(batch_norm(z))
    z = layers.Conv2D(z.shape[-1], 1, use_bias=False)(z)
    z = layers.SpatialDropout2D(settings.dropout)(z)  # (batch, frames, 1, channels): f1
    y = y if transition else layers.Add()([y, x])
    return layers.ReLU()(layers.Add()([y, z]))


def _every_second(x: Any) -> Any:
    """Return every second frequency. By a pooling of one: the gradient of a strided slice is slow on a CPU."""
    return layers.AveragePooling2D(1, strides=(1, 2))(x)
