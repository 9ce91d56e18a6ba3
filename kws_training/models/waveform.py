"""M5 and M18: deep convolutions on the raw waveform at 8 kHz, the first of 10 ms.

Dai, Dai, Qu, Li, Das: "Very Deep Convolutional Neural Networks for Raw Waveforms", ICASSP 2017, arXiv 1610.00087:
table 1. The narrow M5 (32, 32, 64, 64 channels, stride 16) is the one of PyTorch's speech command tutorial, which the
predecessor speech-command-classification-flask trained; the paper's has 128, 128, 256, 512 and stride 4.

Deviations: 'same' padding; logits instead of a log-softmax. Convolutions have biases beside batch normalisation, as the
tutorial's have.
"""

from typing import Any

import keras
from keras import layers

from kws_training.models.normalisation import batch_norm
from kws_training.models.settings import M5Settings, M18Settings

_FIRST_KERNEL, _POOL = 80, 4


def build(settings: M5Settings | M18Settings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return the network, see `kws_training.models.build`; `n_frames` is the number of samples."""
    inputs = layers.Input((n_frames,), name="samples")
    x = layers.Reshape((n_frames, 1, 1))(inputs)
    if isinstance(settings, M5Settings):
        first, *others = settings.channels
        x = _pool(_conv(x, first, _FIRST_KERNEL, settings.stride))
        for channels in others:
            x = _pool(_conv(x, channels))
    else:
        x = _conv(x, settings.channels, _FIRST_KERNEL, 4)
        for stage in range(4):
            x = _pool(x)
            for _ in range(4):
                x = _conv(x, settings.channels * 2**stage)
    x = layers.GlobalAveragePooling2D()(x)  # (batch, channels)
    x = layers.Dropout(settings.dropout)(x) if settings.dropout else x
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x), name=settings.kind)


def _conv(x: Any, channels: int, kernel: int = 3, stride: int = 1) -> Any:
    x = layers.Conv2D(channels, (kernel, 1), strides=(stride, 1), padding="same")(x)
    return layers.ReLU()(batch_norm(x))


def _pool(x: Any) -> Any:
    return layers.MaxPooling2D((_POOL, 1))(x)  # a rest of less than four is dropped
