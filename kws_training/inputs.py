"""The clips of a work folder as a network takes them: log-mel frames, or raw samples."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.batches import CommandData, command_batches, speech_cuts, validation
from kws_training.feed import Maker
from kws_training.models.settings import NetworkInput
from kws_training.prepare import WINDOW_FRAMES
from kws_training.settings import CommandsRecipe
from kws_training.wave_batches import WaveData, wave_batches

Clips = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


class Frames:
    """Clips of shape (98, mels).

    Args:
        work: the folder of the stores.
    """

    def __init__(self, work: Path) -> None:
        self._work, self._data = work, CommandData(work)
        self.dataset = self._data.dataset
        self.shape = (WINDOW_FRAMES, self.dataset.features.mels)
        """Of `build`: length in time, and what a moment of it has."""

    def batches(self, recipe: CommandsRecipe) -> Callable[[], Maker]:
        """Return what makes the training batches, in another process too."""
        return partial(command_batches, self._work, recipe)

    def validation(self) -> tuple[Clips, Indices]:
        """Return clips and targets of the validation speakers."""
        return validation(self._data)

    def test(self) -> tuple[Clips, Indices]:
        """Return clips and labels of the test speakers, silence among them."""
        parts = [self._data.fixed(store, "test") for store in ("words", "noise")]
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def speech(self, split: str) -> Clips:
        """Return cuts of running speech; none where there is no such store."""
        return speech_cuts(self._data, split)


class Waves:
    """Clips of shape (rate,).

    Args:
        work: the folder of the stores.
        rate: that the network wants, Hz.
    """

    def __init__(self, work: Path, rate: int) -> None:
        self._work, self._data = work, WaveData(work, rate)
        self.dataset = self._data.dataset
        self.shape = (rate, 1)
        """Of `build`: length in time, and what a moment of it has."""

    def batches(self, recipe: CommandsRecipe) -> Callable[[], Maker]:
        """Return what makes the training batches, in another process too."""
        return partial(wave_batches, self._work, recipe, self.shape[0])

    def validation(self) -> tuple[Clips, Indices]:
        """Return clips and targets of the validation speakers."""
        return self._data.validation()

    def test(self) -> tuple[Clips, Indices]:
        """Return clips and labels of the test speakers, silence among them."""
        return self._data.fixed("test")

    def speech(self, split: str) -> Clips:
        """Return no running speech: it isn't kept as samples."""
        return np.zeros((0, self.shape[0]), np.float32)


def clips_for(work: Path, network: NetworkInput) -> Frames | Waves:
    """Return the clips that a network takes.

    Raises:
        DataError: `prepare` didn't keep them.
    """
    return Waves(work, network.rate) if network.kind == "samples" else Frames(work)


def clips_of(work: Path, model: Any) -> Frames | Waves:
    """Return the clips that a trained network takes, told by the shape of its input."""
    return Waves(work, int(model.input_shape[1])) if len(model.input_shape) == 2 else Frames(work)
