"""A learned filter bank for networks that take the waveform: what log-mel does, as layers.

Zeghidour et al. 2018, "Learning filterbanks from raw speech for phone recognition", arXiv:1711.01161: pairs of filters
that begin as Gabor wavelets of the mel filters' frequencies and widths, their energy averaged over a frame, and its
logarithm. Different from there: filters are looked at every 2.5 ms instead of at every sample, a fortieth of the work.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from asr_training.models.front import real_frames
from voice.audio.features import FeatureSettings

FILTERS = 80
_TAPS = 400
_LOOKS = 4
"""Times that a filter is looked at in a frame."""
_OFFSET = 1e-5


@keras.saving.register_keras_serializable("earshot")
class FilterBank(layers.Layer):
    """Log energies of learned filters; zero in padding."""

    def __init__(self, hop: int, rate: int, **options: Any) -> None:
        super().__init__(**options)
        self.hop, self.rate = hop, rate
        self.filters = layers.Conv1D(
            2 * FILTERS,
            _TAPS,
            strides=hop // _LOOKS,
            padding="same",
            use_bias=False,
            kernel_initializer=lambda shape, dtype=None: ops.convert_to_tensor(gabor(rate), dtype),
            dtype="float32",
            name="filters",
        )

    def build(self, shape: Any) -> None:
        """Make the filters."""
        self.filters.build((shape[0], None, 1))
        super().build(shape)

    def call(self, waveform: Any) -> Any:
        """Return (b, t, filters) for frames of samples (b, t, hop)."""
        mask = real_frames(waveform)  # (b, t, 1)
        samples = ops.reshape(waveform, (ops.shape(waveform)[0], -1, 1))  # (b, t hop, 1)
        pairs = self.filters(samples)  # (b, t looks, 2 filters)
        energy = ops.square(pairs[..., :FILTERS]) + ops.square(pairs[..., FILTERS:])  # (b, t looks, filters)
        energy = ops.mean(ops.reshape(energy, (ops.shape(waveform)[0], -1, _LOOKS, FILTERS)), axis=2)
        return ops.log(energy + _OFFSET) * mask  # (b, t, filters)

    def compute_output_shape(self, shape: Any) -> Any:
        """Return (b, t, filters)."""
        return (*shape[:2], FILTERS)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "hop": self.hop, "rate": self.rate}


def gabor(rate: int) -> Any:
    """Return pairs of wavelets, cosines then sines, at the centres of the mel filters: shape (taps, 1, 2 filters)."""
    edges = 700 * np.expm1(np.linspace(*np.log1p(np.array([20, 0.475 * rate]) / 700), FILTERS + 2))  # Hz
    centres, widths = edges[1:-1], np.maximum(edges[2:] - edges[:-2], 80.0) / 2  # Hz, at half the height
    time = (np.arange(_TAPS) - (_TAPS - 1) / 2)[:, None] / rate  # (taps, 1)
    deviation = np.sqrt(2 * np.log(2)) / (2 * np.pi * widths / 2)  # of the envelope, s
    envelope = np.exp(-np.square(time / deviation) / 2)
    waves = np.concatenate([np.cos(2 * np.pi * centres * time), np.sin(2 * np.pi * centres * time)], axis=1)
    wavelets = waves * np.tile(envelope / np.linalg.norm(envelope, axis=0), 2) * np.sqrt(2)
    return wavelets[:, None].astype(np.float32)


def over_waveform(network: keras.Model, features: FeatureSettings, batch_size: int | None) -> keras.Model:
    """Return a network that takes the waveform: a filter bank, and on it a network of `FILTERS` bins.

    The layers stay in one graph, not one model within another, so that they are found by their names.
    """
    waveform = keras.Input((None, features.hop), batch_size=batch_size, name="features")
    energies = FilterBank(features.hop, features.rate, name="filter_bank")(waveform)
    return keras.Model(waveform, network._run_through_graph(energies, operation_fn=lambda operation: operation))
