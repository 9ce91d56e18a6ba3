"""DS-CNN: depthwise separable convolutions over an image of MFCC.

Zhang, Suda, Lai, Chandra: "Hello Edge: Keyword Spotting on Microcontrollers", 2017, arXiv 1711.07128: section 4.5 and
the hyperparameters of its appendix (table 6), S, M and L. DS-CNN-S is also MLPerf Tiny's reference (arXiv 2106.07597).
Convolutions have biases beside batch normalisation, as the released code has.

Deviation: MFCC are made of every second frame of 10 ms with a window of 30 ms, not of 40 / 20 ms frames.
"""

from typing import Any

import keras
from keras import layers, ops

from kws_training.models.front import Cepstrum, logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import DsCnnSettings

_SIZES = {
    "S": (64, (2, 2), (1, 1, 1, 1)),
    "M": (172, (2, 1), (2, 1, 1, 1)),
    "L": (276, (2, 1), (2, 1, 1, 1, 1)),
}
"""Channels, strides of the first convolution, stride of each separable one."""


def build(settings: DsCnnSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    channels, first, strides = _SIZES[settings.size]
    inputs, x = logmel(n_frames, n_mels)
    x = Cepstrum(settings.coefficients, frame_step=settings.frame_step)(x)
    x = ops.expand_dims(x, 3)  # (batch, frames, coefficients, 1)
    x = layers.ReLU()(batch_norm(layers.Conv2D(channels, (10, 4), strides=first, padding="same")(x)))
    for stride in strides:
        x = _separable(x, channels, stride)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, channels)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="ds_cnn")


def _separable(x: Any, channels: int, stride: int) -> Any:
    x = layers.ReLU()(batch_norm(layers.DepthwiseConv2D(3, strides=stride, padding="same")(x)))
    return layers.ReLU()(batch_norm(layers.Conv2D(channels, 1)(x)))
