"""One LSTM layer over MFCC; its last output is classified.

Zhang, Suda, Lai, Chandra: "Hello Edge: Keyword Spotting on Microcontrollers", 2017, arXiv 1711.07128: section 4.3,
"basic LSTM" (no peepholes, no projection) of 118 cells. The paper gives bytes of weights and activations at eight bits,
and operations, which are two for a multiplication with its addition.

Deviation: MFCC are made of every second frame of 10 ms with a window of 30 ms, not of 40 / 20 ms frames.
"""

import keras
from keras import layers

from kws_training.models.front import Cepstrum, logmel
from kws_training.models.settings import LstmSettings


def build(settings: LstmSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = Cepstrum(settings.coefficients, frame_step=settings.frame_step)(x)  # (batch, frames, coefficients)
    x = layers.LSTM(settings.units, unroll=settings.unroll)(x)  # (batch, cells)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="lstm")
