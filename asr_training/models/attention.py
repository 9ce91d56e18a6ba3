"""Self-attention over frames, with rotary positions."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

_BASE = 10_000.0  # of the rotary frequencies
_NEVER = -1e9


@keras.saving.register_keras_serializable("earshot")
class SelfAttention(layers.Layer):
    """Multi-head attention of every real frame to every real frame (Vaswani et al. 2017, section 3.2).

    Positions are rotations of the queries and keys (Su et al. 2021, arXiv:2104.09864, equation 34): a product of two
    depends on their distance alone, and no length is built in.

    Args:
        n_heads: each of an even width.
        rotary: whether frames have positions.
    """

    def __init__(self, n_heads: int, *, rotary: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.n_heads, self.rotary = n_heads, rotary

    def build(self, x_shape: tuple[int | None, ...], mask_shape: Any = None) -> None:
        """Make the weights."""
        width = x_shape[-1]
        self.width = width // self.n_heads
        names = ("query", "key", "value", "out")
        self.query, self.key, self.value, self.out = (
            layers.Dense(width, dtype=self.dtype_policy, name=name) for name in names
        )
        for layer in (self.query, self.key, self.value, self.out):
            layer.build(x_shape)

    def call(self, x: Any, mask: Any) -> Any:
        """Return (b, t, c) for x (b, t, c) and the mask of real frames (b, t, 1)."""
        mask = ops.cast(mask, "float32")
        query, key, value = (self._split(layer(x)) for layer in (self.query, self.key, self.value))  # (b, h, t, w)
        if self.rotary:
            query, key = self._rotated(query, mask), self._rotated(key, mask)
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))  # (b, h, t, t)
        scores = ops.cast(scores, "float32") / float(np.sqrt(self.width))
        scores = scores + (1 - ops.transpose(mask, (0, 2, 1))[:, None]) * _NEVER
        shares = ops.cast(ops.softmax(scores, axis=-1), value.dtype)
        y = ops.transpose(ops.matmul(shares, value), (0, 2, 1, 3))  # (b, t, h, w)
        return self.out(ops.reshape(y, (ops.shape(y)[0], -1, self.n_heads * self.width)))  # (b, t, c)

    def _split(self, x: Any) -> Any:
        x = ops.reshape(x, (ops.shape(x)[0], -1, self.n_heads, self.width))
        return ops.transpose(x, (0, 2, 1, 3))  # (b, h, t, w)

    def _rotated(self, x: Any, mask: Any) -> Any:
        half = self.width // 2
        frequencies = (_BASE ** (-np.arange(half) / half)).astype(np.float32)
        position = ops.cumsum(ops.ones_like(mask), axis=1)[:, None]  # (b, 1, t, 1): no length is asked for
        angle = position * frequencies  # (b, 1, t, w/2)
        cos, sin = ops.cast(ops.cos(angle), x.dtype), ops.cast(ops.sin(angle), x.dtype)
        one, two = x[..., :half], x[..., half:]
        return ops.concatenate([one * cos - two * sin, one * sin + two * cos], axis=-1)

    def compute_output_shape(self, x_shape: tuple[int | None, ...], mask_shape: Any = None) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return x_shape

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "n_heads": self.n_heads, "rotary": self.rotary}
