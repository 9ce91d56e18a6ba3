"""The CNN of the MNIST tutorials, as the predecessor keyword-spotting-transfer-learning had it on a log spectrogram.

It has no paper; its README gives 55,038,988 parameters, 109,120 of them not trained, for 99 frames of 161 frequencies.
They fix the layers: 5 x 5 to 32 channels, pooled, 3 x 3 to 64, pooled, dense 1024, and batch normalisation of 32
channels, of the flattened image and of the dense layer.

Deviation: log-mel, or any image of at least 10 x 10.
"""

import keras
from keras import layers, ops

from kws_training.models.front import logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import MnistCnnSettings


def build(settings: MnistCnnSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = ops.expand_dims(x, 3)  # (batch, frames, mels, 1)
    x = layers.MaxPooling2D(2)(batch_norm(layers.Conv2D(32, 5, activation="relu")(x)))
    x = layers.MaxPooling2D(2)(layers.Conv2D(64, 3, activation="relu")(x))
    x = batch_norm(layers.Flatten()(x))
    x = batch_norm(layers.Dense(settings.units, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="mnist_cnn")
