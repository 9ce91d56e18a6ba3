"""TC-ResNet: features of a frame are channels, so that a convolution sees all frequencies and moves in time alone.

Choi et al.: "Temporal Convolution for Real-time Keyword Spotting on Mobile Devices", Interspeech 2019, arXiv
1904.03814: figure 2 and section 2.2; parameters of table 2. TC-ResNet8 has one block a stage, TC-ResNet14 two;
`width` 1.5 makes TC-ResNet8-1.5 and 14-1.5.

Deviation: log-mel, or any features, instead of 40 MFCC. `causal` pads in front only, which the published figures don't.
"""

from typing import Any

import keras
from keras import layers

from kws_training.models.front import logmel, padded
from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import TcResNetSettings

_FIRST, _STAGES, _KERNEL = 16, (24, 32, 48), 9


def build(settings: TcResNetSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`."""
    inputs, x = logmel(n_frames, n_mels)
    x = layers.Reshape((n_frames, 1, n_mels))(x)
    x = layers.ReLU()(_conv(x, round(_FIRST * settings.width), 3, 1, settings))
    for width in _STAGES:
        for block in range(settings.blocks):
            x = _block(x, round(width * settings.width), 1 if block else 2, settings)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, channels)
    x = layers.Dropout(settings.dropout)(x)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name="tc_resnet")


def _block(x: Any, channels: int, stride: int, settings: TcResNetSettings) -> Any:
    shortcut = x
    if stride > 1:
        shortcut = layers.ReLU()(_conv(x, channels, 1, stride, settings))
    y = layers.ReLU()(_conv(x, channels, _KERNEL, stride, settings))
    y = _conv(y, channels, _KERNEL, 1, settings)
    return layers.ReLU()(layers.Add()([y, shortcut]))  # (batch, frames / stride, 1, channels)


def _conv(x: Any, channels: int, kernel: int, stride: int, settings: TcResNetSettings) -> Any:
    x, padding = padded(x, kernel, causal=settings.causal)  # a causal output ends at the frame its shortcut takes
    return batch_norm(layers.Conv2D(channels, (kernel, 1), strides=stride, padding=padding, use_bias=False)(x))
