"""Where every network begins and ends: the mean of the spectrum taken off, strided convolutions, heads."""

from typing import Any

import keras
from keras import layers, ops

SPEECH_SCALE = 0.4
"""Speech has a deviation of about 2.5 nats."""


@keras.saving.register_keras_serializable("earshot")
class MeanNorm(layers.Layer):
    """Subtracts each utterance's mean spectrum; frames that are zero in every bin are padding and stay zero.

    The mask comes from the input itself, so one graph serves padded batches in training and padded buckets at run time.
    """

    def call(self, features):
        """Return centred features (b, t, bins) and the mask of real frames (b, t, 1)."""
        mask = real_frames(features)  # (b, t, 1)
        count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)  # (b, 1, 1)
        mean = ops.sum(features, axis=1, keepdims=True) / count  # (b, 1, bins)
        return (features - mean) * mask * SPEECH_SCALE, mask


@keras.saving.register_keras_serializable("earshot")
class MaskedMean(layers.Layer):
    """The mean over the real frames."""

    def call(self, x, mask):
        """Return (b, 1, c) for x (b, t, c) and mask (b, t, 1)."""
        return ops.sum(x * mask, axis=1, keepdims=True) / ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)


@keras.saving.register_keras_serializable("earshot")
class LabelFrames(layers.Layer):
    """Splits each encoder frame's outputs into label frames."""

    def __init__(self, n_labels: int, **options):
        super().__init__(**options)
        self.n_labels = n_labels

    def call(self, x):
        """Return (b, n t, labels) for x (b, t, n labels)."""
        return ops.reshape(x, (ops.shape(x)[0], -1, self.n_labels))

    def get_config(self):
        """Return what rebuilds the layer."""
        return {**super().get_config(), "n_labels": self.n_labels}


def real_frames(features: Any) -> Any:
    """Return 1 for frames with anything but zeros, shape (b, t, 1)."""
    return ops.cast(ops.max(ops.abs(features), axis=-1, keepdims=True) > 0, "float32")


def stem(x: Any, mask: Any, channels: int, width: int, stride: int, dtype: str) -> tuple[Any, Any]:
    """Return frames after strided 2-D convolutions, (b, t / stride, width), and their mask, (b, t / stride, 1).

    Args:
        x: centred features, (b, t, bins).
        mask: of the real frames, (b, t, 1).
        channels: of the first convolution; the last has twice as many.
        width: of the result.
        stride: 4 or 8: so many halvings.
        dtype: of the products.
    """
    x = ops.expand_dims(x, -1)  # (b, t, bins, 1)
    for i, wide in enumerate((channels, channels, 2 * channels) if stride == 8 else (channels, 2 * channels)):
        x = layers.Conv2D(wide, 3, strides=2, padding="same", activation="relu", dtype=dtype, name=f"stem{i}")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), dtype=dtype, name="flatten")(x)  # (b, t/s, bins/s * 2 channels)
    mask = layers.MaxPooling1D(stride, name="mask")(mask)  # (b, t/s, 1)
    x = layers.Dense(width, dtype=dtype, name="stem_out")(x)  # (b, t/s, width)
    return layers.Multiply(name="stem_mask")([x, mask]), mask


def batch_norm(x: Any, mask: Any, name: str) -> Any:
    """Return `x`, (b, t, ...), after batch normalisation of its last axis by the real frames; zero elsewhere."""
    x = ops.cast(x, "float32")
    wide = mask if len(x.shape) == 3 else mask[..., None]
    real = (wide * ops.ones_like(x[..., :1]))[..., 0]  # of x but its last axis
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_norm")(x, mask=real > 0) * wide


class Heads:
    """Collects a network's outputs: the labels', and those that only help the lower blocks to learn.

    Args:
        settings: which blocks have a head.
        n_labels: CTC labels, blank included.
        n_phones: of the phone head (hierarchical CTC, Sanabria and Metze 2018, arXiv:1807.07104).
        norm: whether a head normalises its input.
    """

    def __init__(self, settings: Any, n_labels: int, n_phones: int, *, norm: bool = True) -> None:
        self._settings, self._n_labels, self._n_phones, self._norm = settings, n_labels, n_phones, norm
        self._helping: dict[str, Any] = {}

    def after_block(self, number: int, x: Any) -> None:
        """Read off the block of this number, from 1, where a head is due.

        The label head there is intermediate CTC (Lee and Watanabe 2021, arXiv:2102.03216).
        """
        if number == self._settings.phone_block:
            self._helping["phones"] = self._head(x, self._n_phones, "phone")
        if number == self._settings.inter_block:
            self._helping["inter"] = self._head(x, self._n_labels, "inter")

    def labels(self, x: Any) -> Any:
        """Return the logits of the labels, read off the last block."""
        return self._head(x, self._n_labels, "label")

    def model(self, features: Any, x: Any, name: str = "acoustic") -> keras.Model:
        """Return the network: logits of the labels, then of phones and of the intermediate labels, where asked for."""
        outputs = [self.labels(x)]
        outputs += [self._helping[key] for key in ("phones", "inter") if key in self._helping]
        return keras.Model(features, outputs if len(outputs) > 1 else outputs[0], name=name)

    def _head(self, x: Any, n_labels: int, name: str) -> Any:
        """The label frames of each encoder frame."""
        n_frames = self._settings.labels_per_frame
        if self._norm:
            x = layers.LayerNormalization(name="norm" if name == "label" else f"{name}_norm")(x)
        x = layers.Dense(n_frames * n_labels, name=f"{name}s")(x)  # (b, t/s, n labels)
        return LabelFrames(n_labels, name=f"{name}_frames")(x)  # (b, n t/s, labels)


def features_input(n_bins: int, batch_size: int | None) -> Any:
    """Return the input, (b, t, bins); t is a multiple of the network's subsampling."""
    return keras.Input((None, n_bins), batch_size=batch_size, name="features")
