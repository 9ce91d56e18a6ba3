"""The light CNN of the predecessor keyword-spotting-transfer-learning: five convolutions on a log spectrogram.

It has no paper; its README gives 723,968 parameters, 514 of them not trained. The topology is that of the Kaggle kernel
it names (alphasis, "Light-Weight CNN"), and the only input with that count is 99 frames of 161 frequencies.

Deviation: log-mel, or any image of at least 22 x 22.
"""

import keras
from keras import layers, ops

from kws_training.models.front import logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import LightCnnSettings

_STAGES = ((8, 2, 2), (16, 3, 2), (32, 3, 1))
"""Channels, kernel and number of convolutions in front of each pooling."""


def build(settings: LightCnnSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = batch_norm(ops.expand_dims(x, 3))
    for channels, kernel, n_convolutions in _STAGES:
        for _ in range(n_convolutions):
            x = layers.Conv2D(channels, kernel, activation="relu")(x)
        x = layers.Dropout(settings.dropout)(layers.MaxPooling2D(2)(x))
    x = layers.Flatten()(x)
    for _ in range(2):
        x = batch_norm(layers.Dense(128, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="light_cnn")
