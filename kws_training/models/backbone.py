"""A causal network from log-mel frames to an embedding of what was just said, 25 times a second.

The stem and blocks of `separable.py` without a look ahead, then a narrow projection: the embedding. While it learns, a
dense layer on the embedding reads phones by CTC (Graves et al. 2006): no vocabulary limits what words it can tell
apart, and a word that nobody recorded is made of the same phones. A wake word is a head of its own on the same
embeddings (`head_network`), small enough to be trained in a minute, because the network below stays as it is.
"""

from typing import Any

import keras
from keras import layers

from kws_training.models.separable import block, conv
from kws_training.models.settings import BackboneSettings, HeadSettings


def embeddings(x: Any, settings: BackboneSettings) -> Any:
    """Return embeddings, shape (batch, time / stride, 1, width), of ln(P + 1e-6), shape (batch, time, mels)."""
    n_frames, n_mels = x.shape[1:]
    x = layers.Reshape((n_frames or -1, 1, n_mels))(x)
    x = layers.Rescaling(0.25, offset=1.5)(x)
    x = conv(x, settings.stem_channels, settings.stem_kernel, settings.stem_stride, causal=True)
    for channels, kernel, stride in settings.blocks:
        x = block(x, channels, kernel, stride, causal=True)
    x = layers.Conv2D(settings.width, 1, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.95, epsilon=1e-5, name="embedding")(x)


def phone_network(settings: BackboneSettings, n_mels: int, n_phones: int) -> keras.Model:
    """Return what learns, from ln(P + 1e-6), shape (batch, time, mels), to logits (batch, time / stride, phones).

    Args:
        settings: of the network.
        n_mels: mel filters of a frame.
        n_phones: phones and the blank, which is label 0.
    """
    inputs = layers.Input((None, n_mels), name="logmel")
    x = embeddings(inputs, settings)
    x = layers.Reshape((-1, settings.width))(x)
    return keras.Model(inputs, layers.Dense(n_phones, name="phones")(x))


def head_network(settings: HeadSettings, width: int, n_pooled: int) -> keras.Model:
    """Return a wake word's head as it is trained, on embeddings of any length: it looks wherever it is covered.

    Args:
        settings: of the head.
        width: of an embedding.
        n_pooled: embeddings that it pools over.

    Returns:
        From embeddings, shape (batch, time, width), to logits, shape (batch, looks, 1); looks = time + 1 - what a look
        covers, which is `settings.reach + n_pooled`.
    """
    inputs = layers.Input((None, width), name="embeddings")
    x = layers.Reshape((-1, 1, width))(inputs)
    x = _head(x, settings, causal=False)
    return keras.Model(inputs, _logit(x, settings, n_pooled))


def keyword_network(backbone: BackboneSettings, head: HeadSettings, n_frames: int, n_mels: int) -> keras.Model:
    """Return backbone and head as one causal network, from ln(P + 1e-6), shape (batch, frames, mels), to a logit."""
    inputs = layers.Input((n_frames, n_mels), name="logmel")
    x = _head(embeddings(inputs, backbone), head, causal=True)
    return keras.Model(inputs, layers.Reshape((1,))(_logit(x, head, n_frames // backbone.stride)))


def join(trained_backbone: keras.Model, trained_head: keras.Model, network: keras.Model) -> None:
    """Give a `keyword_network` the weights of a trained phone network, without its phones, and of a trained head.

    The networks hold the same layers in the same order.
    """
    network.set_weights([*embedder(trained_backbone).get_weights(), *trained_head.get_weights()])


def embedder(trained: keras.Model) -> keras.Model:
    """Return the trained phone network up to its embeddings, shape (batch, time / stride, width)."""
    return keras.Model(trained.input, trained.get_layer("phones").input)


def _head(x: Any, settings: HeadSettings, *, causal: bool) -> Any:
    for channels, kernel in settings.blocks:
        if causal and kernel > 1:
            x = layers.ZeroPadding2D(((kernel - 1, 0), (0, 0)))(x)
        x = layers.DepthwiseConv2D((kernel, 1), use_bias=False)(x)
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.95, epsilon=1e-5)(x))
    return x


def _logit(x: Any, settings: HeadSettings, n_pooled: int) -> Any:
    """Return logits: a mean over time whose weights are learnt for each channel, then a dense layer."""
    start = keras.initializers.Constant(1 / n_pooled)
    x = layers.DepthwiseConv2D((n_pooled, 1), depthwise_initializer=start, use_bias=False)(x)
    x = layers.Reshape((-1, x.shape[-1]))(x)
    x = layers.Dropout(settings.dropout)(x)
    return layers.Dense(1, name="logit")(x)
