"""The default network without a look ahead: it gives a stream's labels as the frames come.

As `convolutional.py`, with every convolution looking back only, and with running means of the spectrum and of the
excitation instead of an utterance's. A step takes a multiple of 8 frames and every layer's past as named inputs, and
gives the logits and the new pasts (explicit state, as kws_streaming has it, Rybakov et al. 2020, arXiv:2005.06720). The
past of the start is zeros, which is what the whole network's padding is, so steps give the whole network's numbers.
"""

from typing import Any

import keras
from keras import layers, ops

from asr_training.models.front import SPEECH_SCALE, Heads, features_input, real_frames
from asr_training.models.settings import CausalSettings

_FRAMES_PER_SECOND = 100
_SPEECH_MEAN = -6.0  # log-mel, nats; where the learnt mean begins


@keras.saving.register_keras_serializable("earshot")
class RunningMean(layers.Layer):
    """The mean of all real frames up to each frame, with a learnt value that counts as so many frames at the start.

    Args:
        prior_frames: what the learnt value counts.
        initial: of the learnt value.
    """

    def __init__(self, prior_frames: float, *, initial: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.prior_frames, self.initial = prior_frames, initial

    def build(self, shape: tuple[int | None, ...], *_: Any) -> None:
        """Make the learnt value, shape (c,)."""
        constant = keras.initializers.Constant(self.initial)
        self.prior = self.add_weight(shape=(shape[-1],), initializer=constant, name="bias")

    def call(self, x: Any, mask: Any, past: Any) -> Any:
        """Return the means (b, t, c) and the new past (b, 1, c + 1): sums, and frames counted."""
        together = ops.concatenate([x * mask, mask], axis=-1)  # (b, t, c + 1)
        sums = past + ops.cumsum(together, axis=1)
        total, count = sums[..., :-1], sums[..., -1:]
        return (total + self.prior * self.prior_frames) / (count + self.prior_frames), sums[:, -1:]

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "prior_frames": self.prior_frames, "initial": self.initial}


def build(
    settings: CausalSettings, n_bins: int, n_labels: int, *, n_phones: int, batch_size: int | None
) -> keras.Model:
    """Return the network of whole utterances, see `asr_training.models.build`."""
    features = features_input(n_bins, batch_size)
    heads = Heads(settings, n_labels, n_phones)
    x = _encoder(features, settings, _Whole(), heads)
    return heads.model(features, x)  # (b, t/4, labels)


def build_step(whole: keras.Model, settings: CausalSettings, *, phones: bool = False) -> keras.Model:
    """Return the network of a step: [frames (1, step, bins), *pasts] to [logits (1, step / 4, labels), *new pasts].

    Args:
        whole: of `build`, whose layers, and so weights, it shares.
        settings: of the network.
        phones: whether its phone head is read off instead of the labels', and nothing above it computed.
    """
    if phones:
        settings = settings.model_copy(update={"blocks": settings.phone_block})
    features = whole.inputs[0]
    frames = keras.Input((settings.step_frames, features.shape[-1]), batch_size=1, name="frames")
    steps = _Steps(whole)
    x = _encoder(frames, settings, steps, None)
    for name in ("phone_norm", "phones", "phone_frames") if phones else ("norm", "labels", "label_frames"):
        x = whole.get_layer(name)(x)
    return keras.Model([frames, *steps.pasts], [x, *steps.after], name="acoustic_step")


class _Whole:
    """The way of a whole utterance: nothing was before."""

    spare = 1
    """Frames behind the last, which no convolution reads: the engine first plans its memory for a single frame."""

    def layer(self, kind: type[layers.Layer], *options: Any, name: str, **more: Any) -> Any:
        """Return a new layer."""
        return kind(*options, name=name, **more)

    def behind(self, x: Any, n_frames: int) -> Any:
        """Return x, (b, t, ...), behind `n_frames` zeros."""
        return ops.pad(x, [(0, 0), (n_frames, 0)] + [(0, 0)] * (len(x.shape) - 2))

    def mean(self, layer: RunningMean, x: Any, mask: Any) -> Any:
        """Return the running mean."""
        return layer(x, mask, ops.zeros((1, 1, x.shape[-1] + 1)))[0]


class _Steps:
    """The way of a step: each layer's past comes in, its new past goes out."""

    spare = 0

    def __init__(self, whole: keras.Model) -> None:
        self.whole = whole
        self.pasts: list[Any] = []
        self.after: list[Any] = []

    def layer(self, _: type[layers.Layer], *__: Any, name: str, **___: Any) -> Any:
        """Return the whole network's layer of this name."""
        return self.whole.get_layer(name)

    def behind(self, x: Any, n_frames: int) -> Any:
        """Return x behind the last `n_frames` of before."""
        joined = ops.concatenate([self._past((n_frames, *x.shape[2:])), x], axis=1)
        self.after.append(joined[:, -n_frames:])
        return joined

    def mean(self, layer: RunningMean, x: Any, mask: Any) -> Any:
        """Return the running mean."""
        mean, sums = layer(x, mask, self._past((1, x.shape[-1] + 1)))
        self.after.append(sums)
        return mean

    def _past(self, shape: tuple[int, ...]) -> Any:
        past = keras.Input(shape, batch_size=1, name=f"past{len(self.pasts):02d}")
        self.pasts.append(past)
        return past


def _encoder(features: Any, settings: CausalSettings, way: _Whole | _Steps, heads: Heads | None) -> Any:
    """Return the last block's frames, (b, t/8, c)."""
    large, prior = settings.precision, settings.memory_seconds * _FRAMES_PER_SECOND
    mask = real_frames(features)  # (b, t, 1)
    mean = way.mean(way.layer(RunningMean, prior, initial=_SPEECH_MEAN, name="mean"), features, mask)
    x = ops.expand_dims((features - mean) * mask * SPEECH_SCALE, -1)  # (b, t, bins, 1)
    for i, channels in enumerate((settings.stem, settings.stem, 2 * settings.stem)):
        x = way.behind(x, 1)  # and the frame and its successor: 2 frames make one
        x = ops.pad(x, [(0, 0), (0, way.spare), (x.shape[2] % 2, 1), (0, 0)])
        x = way.layer(layers.Conv2D, channels, 3, strides=2, activation="relu", dtype=large, name=f"stem{i}")(x)
    x = layers.Reshape((-1, x.shape[2] * x.shape[3]))(x)  # (b, t/8, bins/8 * 2 stem)
    mask = layers.MaxPooling1D(settings.subsampling, padding="same")(mask)  # (b, t/8, 1)
    x = ops.cast(way.layer(layers.Dense, settings.channels, dtype=large, name="stem_out")(x), "float32") * mask
    for i in range(settings.blocks):
        x = _block(x, mask, settings, way, f"block{i}")  # (b, t/8, c)
        if heads:
            heads.after_block(i + 1, x)
    return x


def _block(x: Any, mask: Any, settings: CausalSettings, way: _Whole | _Steps, name: str) -> Any:
    """Depthwise convolution over the past, excitation by the running mean, inverted bottleneck; added to the input."""
    width, large = settings.channels, settings.precision
    inner, prior = settings.expansion * width, settings.memory_seconds * _FRAMES_PER_SECOND / settings.subsampling
    y = way.layer(layers.LayerNormalization, name=f"{name}_norm")(x) * mask  # (b, t, c)
    y = way.layer(layers.DepthwiseConv1D, settings.kernel, name=f"{name}_depthwise")(way.behind(y, settings.kernel - 1))
    y = way.layer(layers.Dense, inner, activation="silu", dtype=large, name=f"{name}_expand")(y)  # (b, t, e c)
    context = way.mean(way.layer(RunningMean, prior, name=f"{name}_mean"), ops.cast(y, "float32"), mask)
    context = way.layer(layers.Dense, width // 8, activation="relu", name=f"{name}_squeeze")(context)  # (b, t, c/8)
    gate = way.layer(layers.Dense, inner, activation="sigmoid", name=f"{name}_excite")(context)  # (b, t, e c)
    y = way.layer(layers.Dense, width, dtype=large, name=f"{name}_project")(y * ops.cast(gate, y.dtype))  # (b, t, c)
    y = way.layer(layers.Dropout, settings.dropout, name=f"{name}_dropout")(ops.cast(y, "float32"))
    return (x + y) * mask
