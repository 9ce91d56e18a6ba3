"""A convolution over MFCC, two GRU layers over what it makes, a dense layer on the last state.

Zhang, Suda, Lai, Chandra: "Hello Edge: Keyword Spotting on Microcontrollers", 2017, arXiv 1711.07128: section 4.4, S, M
and L of its appendix; the idea is of Arik et al., Interspeech 2017, arXiv 1703.05390. The paper gives bytes of weights
and activations at eight bits, and operations, which are two for a multiplication with its addition.

Deviations: MFCC are made of every second frame of 10 ms with a window of 30 ms, not of 40 / 20 ms frames; the GRU
resets before the product, as the paper's does, without layer normalisation.
"""

import keras
from keras import layers, ops

from kws_training.models.front import Cepstrum, logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import CrnnSettings

_SIZES = {"S": (48, (2, 2), 60, 84), "M": (128, (2, 2), 76, 164), "L": (100, (2, 1), 136, 188)}
"""Channels and strides of the convolution, cells of each GRU, units of the dense layer."""


def build(settings: CrnnSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    channels, strides, cells, units = _SIZES[settings.size]
    inputs, x = logmel(n_frames, n_mels)
    x = Cepstrum(settings.coefficients, frame_step=settings.frame_step)(x)
    x = ops.expand_dims(x, 3)  # (batch, frames, coefficients, 1)
    x = layers.ReLU()(batch_norm(layers.Conv2D(channels, (10, 4), strides=strides)(x)))
    x = layers.Reshape((x.shape[1], x.shape[2] * channels))(x)  # (batch, frames / 2, coefficients * channels)
    x = layers.GRU(cells, return_sequences=True, reset_after=False, unroll=settings.unroll)(x)
    x = layers.GRU(cells, reset_after=False, unroll=settings.unroll)(x)  # (batch, cells)
    x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="crnn")
