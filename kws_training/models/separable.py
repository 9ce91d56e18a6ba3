"""A residual one-dimensional separable network over log-mel frames, for command words and wake words.

After TC-ResNet (arXiv 1904.03814: mel filters are channels, time is the only axis) and MatchboxNet (arXiv 2004.08531:
depthwise convolution in time, then 1x1). Unlike both, the first convolution is dense and strided: on one CPU core
a training step costs less than half of Google's ds_tc_resnet. All is written as two-dimensional convolutions over
(time, 1): one-dimensional ones reach LiteRT wrapped in reshapes, which cost as much as the arithmetic.
"""

from typing import Any

import keras
from keras import layers

from kws_training.models.settings import SeparableSettings
from voice.errors import ConfigError


def build(settings: SeparableSettings, n_frames: int, n_mels: int, n_outputs: int) -> keras.Model:
    """Return a network from ln(P + 1e-6), shape (batch, n_frames, n_mels), to logits, shape (batch, n_outputs)."""
    inputs = layers.Input((n_frames, n_mels), name="logmel")
    x = layers.Reshape((n_frames, 1, n_mels))(inputs)
    x = layers.Rescaling(0.25, offset=1.5)(x)
    stem, kernel, stride = settings.stem_channels, settings.stem_kernel, settings.stem_stride
    x = conv(x, stem, kernel, stride, causal=settings.causal)  # (batch, n_frames / stride, 1, stem)
    for channels, kernel, stride in settings.blocks:
        x = block(x, channels, kernel, stride, causal=settings.causal)
    x = conv(x, settings.head_channels, 1)
    x = _pool(x, settings)  # (batch, head)
    x = layers.Dropout(settings.dropout)(x)
    return keras.Model(inputs, layers.Dense(n_outputs, name="logits")(x))


def _pool(x: Any, settings: SeparableSettings) -> Any:
    if settings.pooling == "weighted":
        n_steps = x.shape[1]
        start = keras.initializers.Constant(1 / n_steps)
        x = layers.DepthwiseConv2D((n_steps, 1), depthwise_initializer=start, use_bias=False)(x)  # (batch, 1, 1, head)
    return layers.GlobalAveragePooling2D()(x)


def block(x: Any, channels: int, kernel: int, stride: int, *, causal: bool) -> Any:
    """Return depthwise convolution in time, then 1x1, normalised and added to the input (batch, time, 1, channels).

    Raises:
        ConfigError: the stride doesn't divide the frames of a causal network.
    """
    if causal and x.shape[1] and x.shape[1] % stride:
        raise ConfigError(
            f"network.blocks: a causal block of stride {stride} can't divide {x.shape[1]} steps",
            fix="let it have stride 1",
        )
    y, padding = _padded(x, kernel, stride, causal=causal)
    y = layers.DepthwiseConv2D((kernel, 1), strides=stride, padding=padding, use_bias=False)(y)
    y = norm(layers.Conv2D(channels, 1, use_bias=False)(y))
    shortcut = x
    if stride > 1 or x.shape[-1] != channels:
        shortcut = norm(layers.Conv2D(channels, 1, strides=stride, use_bias=False)(x))
    return layers.ReLU()(layers.Add()([y, shortcut]))


def conv(x: Any, channels: int, kernel: int, stride: int = 1, *, causal: bool = False) -> Any:
    """Return a convolution in time, normalised, after ReLU."""
    x, padding = _padded(x, kernel, stride, causal=causal)
    x = layers.Conv2D(channels, (kernel, 1), strides=stride, padding=padding, use_bias=False)(x)
    return layers.ReLU()(norm(x))


def _padded(x: Any, kernel: int, stride: int, *, causal: bool) -> tuple[Any, str]:
    """Return the input and the padding of a convolution; a causal one sees zeros before the first frame."""
    if not causal:
        return x, "same"
    return (layers.ZeroPadding2D(((kernel - stride, 0), (0, 0)))(x) if kernel > stride else x), "valid"


def norm(x: Any) -> Any:
    """Return batch normalisation, which training may move within some tens of batches."""
    return layers.BatchNormalization(momentum=0.95, epsilon=1e-5)(x)
