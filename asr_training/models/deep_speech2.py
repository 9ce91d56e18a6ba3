"""Deep Speech 2: two 2-D convolutions over time and frequency, recurrent layers, batch normalisation between them.

Amodei et al.: "Deep Speech 2: End-to-End Speech Recognition in English and Mandarin", arXiv:1512.02595, sections 3.1 to
3.5 and table 4 (kernels 11 x 41 and 11 x 21, clipped ReLU). Deviations: GRU of 256 cells instead of up to 2,560;
log-mel or a log spectrogram; the clipped ReLU is in the convolutions only, the GRU keep their tanh.
"""

from typing import Any

import keras
from keras import layers, ops

from asr_training.models.front import Heads, MeanNorm, batch_norm, features_input
from asr_training.models.recurrent import gru
from asr_training.models.settings import DeepSpeech2Settings

_CEILING = 20.0  # of the clipped ReLU


def build(
    settings: DeepSpeech2Settings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network, see `asr_training.models.build`."""
    features = features_input(n_bins, batch_size)
    heads = Heads(settings, n_labels, n_phones, norm=False)
    x, mask = MeanNorm(name="mean_norm")(features)  # (b, t, bins)
    x = ops.expand_dims(x, -1)  # (b, t, bins, 1)
    x, mask = _convolution(x, mask, settings, (11, 41), 2, "first")  # (b, t/2, bins/2, f)
    x, mask = _convolution(x, mask, settings, (11, 21), settings.stride // 2, "second")  # (b, t/s, bins/4, f)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]), name="flatten")(x)
    for i in range(settings.blocks):
        x = gru(
            x, mask, settings.units, f"gru{i}", bidirectional=settings.bidirectional, dtype=settings.precision
        )  # (b, t/s, 2 u)
        x = batch_norm(x, mask, f"gru{i}")
        x = layers.Dropout(settings.dropout, name=f"gru{i}_dropout")(x)
        heads.after_block(i + 1, x)
    return heads.model(features, x)  # (b, t/s, labels)


def _convolution(
    x: Any, mask: Any, settings: DeepSpeech2Settings, kernel: tuple[int, int], stride: int, name: str
) -> tuple[Any, Any]:
    large = settings.precision
    x = layers.Conv2D(
        settings.filters, kernel, strides=(stride, 2), padding="same", use_bias=False, dtype=large, name=name
    )(x)
    mask = layers.MaxPooling1D(stride, name=f"{name}_mask")(mask) if stride > 1 else mask
    return layers.ReLU(_CEILING, name=f"{name}_relu")(batch_norm(x, mask, name)), mask
