"""The networks, written with keras and keras.ops, one file each; `build` makes any of them from its settings."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from kws_training.models.settings import NetworkSettings

_FILES = {"m5": "waveform", "m18": "waveform"}
"""Of the kinds that aren't in a file of their name."""


def build(settings: "NetworkSettings", n_frames: int, n_mels: int, n_outputs: int) -> "keras.Model":
    """Return a network with fresh weights.

    Args:
        settings: its `kind` names the architecture.
        n_frames: length of the input in time, frames; samples for a network whose `settings.input` is samples.
        n_mels: mel filters of a frame; a network on samples has none and doesn't look at it.
        n_outputs: length of the output.

    Returns:
        From ln(P + 1e-6), shape (batch, n_frames, n_mels), or audio, shape (batch, n_frames), to logits, shape
        (batch, n_outputs).

    Raises:
        ConfigError: the network can't be built for this input.
    """
    file = _FILES.get(settings.kind, settings.kind)
    return import_module(f"{__name__}.{file}").build(settings, n_frames, n_mels, n_outputs)
