"""Hey-Jetson: three convolutions, two of them dilated, seven bidirectional GRU, attention, two dense layers a frame.

The final model of the predecessor's README (bricewalker/Hey-Jetson): CTC over 29 symbols, batch normalisation,
recurrent dropout, on a log spectrogram of 161 bins. Sizes are those of its `model_10`: causal convolutions of 256
filters and 5 taps, the first of stride 2, the others dilated by 2 and 4; GRU of 256 cells with ReLU; 1,024 units in the
first dense layer. The README doesn't say which attention: here frames attend to frames with one head, added to what
they were.
"""

import keras
from keras import layers

from asr_training.models.attention import SelfAttention
from asr_training.models.front import Heads, MeanNorm, batch_norm, features_input
from asr_training.models.recurrent import gru
from asr_training.models.settings import HeyJetsonSettings


def build(
    settings: HeyJetsonSettings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network, see `asr_training.models.build`."""
    features, large = features_input(n_bins, batch_size), settings.precision
    heads = Heads(settings, n_labels, n_phones, norm=False)
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, bins)
    for i in range(3):
        kind = {"strides": 2} if i == 0 else {"dilation_rate": 2**i}
        convolution = layers.Conv1D(
            settings.filters, settings.kernel, padding="causal", activation="relu", dtype=large, name=f"conv{i}", **kind
        )
        x = convolution(x)  # (b, t/2, f)
        mask = layers.MaxPooling1D(2, name="mask")(mask) if i == 0 else mask
        x = batch_norm(x, mask, f"conv{i}")
    for i in range(settings.blocks):
        x = gru(
            x,
            mask,
            settings.units,
            f"gru{i}",
            activation=settings.activation,
            recurrent_dropout=settings.recurrent_dropout,
            dtype=large,
        )  # (b, t/2, 2 u)
        x = batch_norm(x, mask, f"gru{i}")
        heads.after_block(i + 1, x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    x = layers.Add(name="attended")([x, SelfAttention(1, rotary=False, name="attention")(x, mask)])
    x = layers.Dense(settings.dense_units, activation="relu", dtype=large, name="dense")(x)  # (b, t/2, d)
    return heads.model(features, x)  # (b, t/2, labels)
