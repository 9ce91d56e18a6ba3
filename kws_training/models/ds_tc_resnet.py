"""ds_tc_resnet: residual separable convolutions over time alone, mel filters or MFCC as channels; small and streamable.

Topology of MatchboxNet (Majumdar, Ginsburg: "MatchboxNet: 1D Time-Channel Separable Convolutional Neural Network
Architecture for Speech Commands Recognition", Interspeech 2020, arXiv 2004.08531, section 2 and table 1), with the
widths of `ds_tc_resnet` of kws_streaming (Rybakov et al., Interspeech 2020, arXiv 2005.06720, and its repository).
MatchboxNet BxRxC is `kernels` (B of 13, 15, 17, 19, ...), `repeats` R, `channels` C on 64 features.

Deviations: log-mel, or any features, instead of MFCC; `causal` pads in front only, which the published figures don't.
"""

from typing import Any

import keras
from keras import layers

from kws_training.models.front import logmel, padded
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import DsTcResNetSettings

_FIRST_KERNEL, _LAST_KERNEL, _LAST_DILATION = 11, 29, 2


def build(settings: DsTcResNetSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = layers.Reshape((n_frames, 1, n_mels))(x)
    x = _end(_separable(x, settings.wide_channels, _FIRST_KERNEL, 1, settings), settings)
    for kernel in settings.kernels:
        x = _residual(x, kernel, settings)
    x = _end(_separable(x, settings.wide_channels, _LAST_KERNEL, _LAST_DILATION, settings), settings)
    x = _end(_separable(x, settings.wide_channels, 1, 1, settings), settings)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, wide)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="ds_tc_resnet")


def _residual(x: Any, kernel: int, settings: DsTcResNetSettings) -> Any:
    shortcut = batch_norm(layers.Conv2D(settings.channels, 1, use_bias=False)(x))
    for _ in range(settings.repeats - 1):
        x = _end(_separable(x, settings.channels, kernel, 1, settings), settings)
    x = _separable(x, settings.channels, kernel, 1, settings)
    return _end(layers.Add()([x, shortcut]), settings)  # (batch, frames, 1, channels)


def _separable(x: Any, channels: int, kernel: int, dilation: int, settings: DsTcResNetSettings) -> Any:
    if kernel > 1:
        x, padding = padded(x, kernel, dilation=dilation, causal=settings.causal)
        x = layers.DepthwiseConv2D((kernel, 1), padding=padding, dilation_rate=(dilation, 1), use_bias=False)(x)
    return batch_norm(layers.Conv2D(channels, 1, use_bias=False)(x))


def _end(x: Any, settings: DsTcResNetSettings) -> Any:
    x = layers.ReLU()(x)
    return layers.Dropout(settings.dropout)(x) if settings.dropout else x
