"""What stands in front of the first learnt layer: the same cached log-mel frames serve every network."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable("kws_training")
class Cepstrum(layers.Layer):
    """MFCC of log-mel frames: the orthonormal DCT-II over the mel filters, of `voice.audio.features`; not learnt.

    Input of shape (batch, frames, mels), output (batch, ceil(frames / frame_step), coefficients).

    Args:
        coefficients: kept, from the 0th on.
        frame_step: one of so many frames is kept.
    """

    def __init__(self, coefficients: int, *, frame_step: int = 1, **options: Any) -> None:
        super().__init__(trainable=False, **options)
        self.coefficients, self.frame_step = coefficients, frame_step

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Compute the matrix, shape (mels, coefficients)."""
        n_mels = shape[-1] or 0
        angles = np.pi / n_mels * (np.arange(n_mels)[:, None] + 0.5) * np.arange(self.coefficients)
        matrix = np.cos(angles) * np.sqrt(2 / n_mels)
        matrix[:, 0] /= np.sqrt(2)
        self._matrix = matrix.astype(np.float32)

    def call(self, x: Any) -> Any:
        """Return the MFCC."""
        x = x[:, :: self.frame_step] if self.frame_step > 1 else x
        return ops.matmul(x, ops.convert_to_tensor(self._matrix, x.dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, to save the layer."""
        kept = {"coefficients": self.coefficients, "frame_step": self.frame_step}
        config = super().get_config()
        config.pop("trainable", None)
        return config | kept


def logmel(n_frames: int, n_mels: int) -> tuple[Any, Any]:
    """Return the input of a network and the same about mean 0 and deviation 1, shape (batch, n_frames, n_mels).

    ln(P + 1e-6) of speech lies around -6; padding with zeros then means padding with the mean.
    """
    inputs = layers.Input((n_frames, n_mels), name="logmel")
    return inputs, layers.Rescaling(0.25, offset=1.5)(inputs)


def padded(x: Any, kernel: int, *, dilation: int = 1, causal: bool) -> tuple[Any, str]:
    """Return what a convolution over time, axis 1 of four, takes, and its padding; a causal one sees zeros before."""
    reach = dilation * (kernel - 1)
    if not causal:
        return x, "same"
    return (layers.ZeroPadding2D(((reach, 0), (0, 0)))(x) if reach > 0 else x), "valid"
