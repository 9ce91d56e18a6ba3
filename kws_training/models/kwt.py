"""Keyword Transformer: each frame is a token, self-attention, post-normalised; the class token is classified.

Berg, O'Connor, Cruz: "Keyword Transformer: A Self-Attention Model for Keyword Spotting", Interspeech 2021, arXiv
2104.00769: section 2 and table 1; 1, 2 and 3 heads of 64 are KWT-1, KWT-2 and KWT-3. Queries, keys and values have no
bias, which is what table 1's parameters need.

Deviations: log-mel instead of 40 MFCC (a learnt projection of the frame follows either way); the tanh form of GELU,
which is a built-in operation of LiteRT.
"""

from typing import Any

import keras
from keras import layers, ops

from kws_training.models.front import logmel
from kws_training.models.settings import KwtSettings

_HEAD = 64


@keras.saving.register_keras_serializable("kws_training")
class ClassToken(layers.Layer):
    """Put a learnt token in front of the tokens, shape (batch, n, width), and add a learnt position to each."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the token and the n + 1 positions."""
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.token = self.add_weight(shape=(1, 1, shape[2]), initializer=start, name="token")
        self.positions = self.add_weight(shape=(1, (shape[1] or 0) + 1, shape[2]), initializer=start, name="positions")

    def call(self, x: Any) -> Any:
        """Return n + 1 tokens."""
        first = ops.zeros_like(x[:, :1]) + self.token
        return ops.concatenate([first, x], axis=1) + self.positions

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return one token more."""
        return (shape[0], (shape[1] or 0) + 1, shape[2])


def build(settings: KwtSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    width = _HEAD * settings.heads
    inputs, x = logmel(n_frames, n_mels)
    x = ClassToken()(layers.Dense(width)(x))  # (batch, frames + 1, width)
    for _ in range(settings.layers):
        x = _after(x, _attention(x, settings), settings)
        y = layers.Activation(_gelu)(layers.Dense(4 * width)(x))
        x = _after(x, layers.Dense(width)(y), settings)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x[:, 0]), name="kwt")


@keras.saving.register_keras_serializable("kws_training")
def _gelu(x: Any) -> Any:
    return ops.gelu(x, approximate=True)


def _after(x: Any, y: Any, settings: KwtSettings) -> Any:
    if settings.dropout:
        y = layers.Dropout(settings.dropout)(y)
    return layers.LayerNormalization(epsilon=1e-5)(layers.Add()([x, y]))


def _attention(x: Any, settings: KwtSettings) -> Any:
    n_tokens, width = x.shape[1], x.shape[2]

    def heads(y: Any) -> Any:
        return ops.transpose(layers.Reshape((n_tokens, settings.heads, _HEAD))(y), (0, 2, 1, 3))

    query, key, value = (heads(layers.Dense(width, use_bias=False)(x)) for _ in range(3))  # (batch, heads, tokens, 64)
    scores = ops.matmul(query * _HEAD**-0.5, ops.transpose(key, (0, 1, 3, 2)))  # (batch, heads, tokens, tokens)
    y = ops.matmul(layers.Softmax()(scores), value)
    return layers.Dense(width)(layers.Reshape((n_tokens, width))(ops.transpose(y, (0, 2, 1, 3))))
