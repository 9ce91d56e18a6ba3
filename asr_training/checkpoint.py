"""What a run needs to go on: arrays in an `.npz`, the position in a `.json` inside it; replaced as a whole."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.errors import DataError

FILE = "checkpoint.npz"
Arrays = list[npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the training a run is."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of the epoch already learnt."""
    seconds: float = 0.0
    """Training time so far, pauses left out."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A saved state."""

    position: Position
    weights: Arrays
    averaged: Arrays
    optimizer: Arrays


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint; an interrupted write leaves the former one whole.

    Raises:
        DataError: the disk refuses.
    """
    arrays = {
        f"{name}/{i:04d}": array
        for name in ("weights", "averaged", "optimizer")
        for i, array in enumerate(getattr(checkpoint, name))
    }
    part = folder / f"{FILE}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            np.savez(stream, position=np.array(json.dumps(asdict(checkpoint.position))), **arrays)
        part.replace(folder / FILE)
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror or error}", fix="free disk space or choose another --run"
        ) from error


def load(folder: Path) -> Checkpoint | None:
    """Return the run's checkpoint, None where there is none yet.

    Raises:
        DataError: it can't be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            groups: dict[str, Arrays] = {"weights": [], "averaged": [], "optimizer": []}
            for key in sorted(name for name in stored.files if "/" in name):
                groups[key.partition("/")[0]].append(stored[key])
            return Checkpoint(Position(**json.loads(str(stored["position"]))), **groups)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a checkpoint ({error})", fix="delete it to start afresh") from error
