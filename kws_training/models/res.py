"""res8 and res15: residual convolutions over an image of MFCC, without biases.

Tang, Lin: "Deep Residual Learning for Small-Footprint Keyword Spotting", ICASSP 2018, arXiv 1710.10361: section 3 and
tables 1 and 2. Each convolution after the first is followed by ReLU, the residual sum where one ends, and batch
normalisation without scale and offset. The first one pads nothing: that is how table 2 counts (99 x 38 of 101 x 40).

Deviation: MFCC as many as there are mel filters.
"""

import keras
from keras import layers, ops

from kws_training.models.front import Cepstrum, logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import ResSettings


def build(settings: ResSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = ops.expand_dims(Cepstrum(n_mels)(x), 3)  # (batch, frames, mels, 1)
    x = layers.Conv2D(settings.channels, 3, use_bias=False, activation="relu")(x)
    if settings.depth == 8:
        x = layers.AveragePooling2D((4, 3))(x)
    kept = x
    for layer in range(1, settings.depth - 1):
        dilation = 2 ** (layer // 3) if settings.depth == 15 else 1
        y = layers.Conv2D(settings.channels, 3, padding="same", dilation_rate=dilation, use_bias=False)(x)
        x = layers.ReLU()(y)
        if layer % 2 == 0:
            x = kept = layers.Add()([x, kept])
        x = batch_norm(x, affine=False)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, channels)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name=f"res{settings.depth}")
