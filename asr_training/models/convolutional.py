"""The acoustic network: a strided 2-D stem, then gated 1-D separable convolutions at 12.5 Hz.

Near Citrinet (Majumdar et al. 2021, arXiv:2104.01721: separable 1-D convolutions, squeeze-and-excitation, 8x
subsampling) with the pre-normalised inverted bottleneck of ConvNeXt (Liu et al. 2022, arXiv:2201.03545). Different
from both: each encoder frame (80 ms) gives two label frames (40 ms), so that characters fit.
"""

import keras
from keras import layers, ops

from asr_training.settings import NetworkSettings

SUBSAMPLING = 8
"""Feature frames in an encoder frame."""
LABELS_PER_FRAME = 2
"""Label frames that an encoder frame gives."""


@keras.saving.register_keras_serializable("earshot")
class MeanNorm(layers.Layer):
    """Subtracts each utterance's mean spectrum; frames that are zero in every bin are padding and stay zero.

    The mask comes from the input itself, so one graph serves padded batches in training and padded buckets at run time.
    """

    def call(self, features):
        """Return centred features (b, t, bins) and the mask of real frames (b, t, 1)."""
        mask = ops.cast(ops.max(ops.abs(features), axis=-1, keepdims=True) > 0, "float32")  # (b, t, 1)
        count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)  # (b, 1, 1)
        mean = ops.sum(features, axis=1, keepdims=True) / count  # (b, 1, bins)
        return (features - mean) * mask * 0.4, mask  # speech has a deviation of about 2.5 nats


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
        """Return (b, 2 t, labels) for x (b, t, 2 labels)."""
        return ops.reshape(x, (ops.shape(x)[0], -1, self.n_labels))

    def get_config(self):
        """Return what rebuilds the layer."""
        return {**super().get_config(), "n_labels": self.n_labels}


def acoustic_network(
    settings: NetworkSettings, n_mels: int, n_labels: int, *, n_phones: int = 0, batch_size: int | None = None
) -> keras.Model:
    """Return the network: features (b, t, mels) to label logits (b, t / 4, labels); t is a multiple of 8.

    With `settings.phone_block` there is a second output, phone logits (b, t / 4, phones), read off after that block: an
    easier task that shapes the lower blocks (hierarchical CTC, Sanabria and Metze 2018, arXiv:1807.07104).

    Args:
        settings: its size.
        n_mels: feature bins.
        n_labels: CTC labels, blank included.
        n_phones: CTC labels of the second head, blank included.
        batch_size: fixed for export, None for training.
    """
    features = keras.Input((None, n_mels), batch_size=batch_size, name="features")
    large = settings.precision
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, mels)
    x = ops.expand_dims(x, -1)  # (b, t, mels, 1)
    for i, channels in enumerate((settings.stem, settings.stem, 2 * settings.stem)):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu", dtype=large, name=f"stem{i}")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), dtype=large, name="flatten")(x)  # (b, t/8, mels/8 * 2 stem)
    mask = layers.MaxPooling1D(SUBSAMPLING, name="mask")(mask)  # (b, t/8, 1)
    x = layers.Dense(settings.channels, dtype=large, name="stem_out")(x)  # (b, t/8, c)
    x = layers.Multiply(name="stem_mask")([x, mask])
    outputs = []
    for i in range(settings.blocks):
        x = _block(x, mask, settings, f"block{i}")  # (b, t/8, c)
        if i + 1 == settings.phone_block:
            outputs = [_head(x, n_phones, "phone")]  # (b, t/4, phones)
    outputs = [_head(x, n_labels, "label"), *outputs]  # (b, t/4, labels)
    return keras.Model(features, outputs if len(outputs) > 1 else outputs[0], name="acoustic")


def _head(x, n_labels: int, name: str):
    """Two label frames from each encoder frame."""
    x = layers.LayerNormalization(name="norm" if name == "label" else f"{name}_norm")(x)
    x = layers.Dense(LABELS_PER_FRAME * n_labels, name=f"{name}s")(x)  # (b, t/8, 2 labels)
    return LabelFrames(n_labels, name=f"{name}_frames")(x)  # (b, t/4, labels)


def _block(x, mask, settings: NetworkSettings, name: str):
    """Depthwise convolution over time, squeeze-and-excitation, inverted bottleneck; added to the input."""
    width, large = settings.channels, settings.precision
    y = layers.LayerNormalization(name=f"{name}_norm")(x) * mask  # (b, t, c)
    y = layers.DepthwiseConv1D(settings.kernel, padding="same", name=f"{name}_depthwise")(y)  # (b, t, c)
    y = layers.Dense(settings.expansion * width, activation="silu", dtype=large, name=f"{name}_expand")(
        y
    )  # (b, t, e c)
    context = MaskedMean(name=f"{name}_mean")(y, mask)  # (b, 1, e c)
    context = layers.Dense(width // 8, activation="relu", name=f"{name}_squeeze")(context)  # (b, 1, c/8)
    gate = layers.Dense(settings.expansion * width, activation="sigmoid", name=f"{name}_excite")(context)
    y = layers.Multiply(dtype=large, name=f"{name}_gate")([y, gate])
    y = layers.Dense(width, dtype=large, name=f"{name}_project")(y)  # (b, t, c)
    y = layers.Dropout(settings.dropout, name=f"{name}_dropout")(y)
    return layers.Add(name=f"{name}_add")([x, y]) * mask
