"""Att-RNN: two convolutions over time, two bidirectional LSTMs, attention by the middle frame.

de Andrade, Leo, Viana, Bernkopf: "A neural attention model for speech command recognition", 2018, arXiv 1808.08929:
figure 1 and section 3; parameters and multiplies as BC-ResNet's table 3 (arXiv 2106.04140) gives them.

Deviation: any number of frames and mel filters; the paper has 125 of 80.
"""

import keras
from keras import layers, ops

from kws_training.models.front import logmel
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import AttRnnSettings


def build(settings: AttRnnSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = ops.expand_dims(x, 3)  # (batch, frames, mels, 1)
    for channels in (10, 1):
        x = batch_norm(layers.Conv2D(channels, (5, 1), padding="same", activation="relu")(x))
    x = layers.Reshape((n_frames, n_mels))(x)
    for _ in range(2):
        cells = layers.LSTM(settings.units, return_sequences=True, unroll=settings.unroll)
        x = layers.Bidirectional(cells)(x)  # (batch, frames, 2 units)
    query = layers.Dense(2 * settings.units)(x[:, n_frames // 2])
    scores = ops.matmul(x, ops.expand_dims(query, 2))  # (batch, frames, 1)
    weights = layers.Softmax(axis=1)(scores)
    x = ops.squeeze(ops.matmul(ops.transpose(weights, (0, 2, 1)), x), 1)  # (batch, 2 units)
    x = layers.Dropout(settings.dropout)(x)
    x = layers.Dense(32)(layers.Dense(64, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="att_rnn")
