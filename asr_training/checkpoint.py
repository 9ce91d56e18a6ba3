"""What a run needs to go on: arrays in an `.npz`, the position in a `.json` inside it; replaced as a whole."""

import json
import zipfile
from dataclasses import asdict, dataclass, field
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
    random: Arrays = field(default_factory=list)
    """States of the random generators, for dropout."""


_GROUPS = ("weights", "averaged", "optimizer", "random")


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint; an interrupted write leaves the former one whole.

    Raises:
        DataError: the disk refuses.
    """
    arrays = {f"{name}/{i:04d}": array for name in _GROUPS for i, array in enumerate(getattr(checkpoint, name))}
    arrays["position"] = np.array(json.dumps(asdict(checkpoint.position)))
    _write(folder / FILE, arrays)


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
            groups: dict[str, Arrays] = {name: [] for name in _GROUPS}
            for key in sorted(name for name in stored.files if "/" in name):
                groups[key.partition("/")[0]].append(stored[key])
            return Checkpoint(Position(**json.loads(str(stored["position"]))), **groups)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a checkpoint ({error})", fix="delete it to start afresh") from error


def save_snapshot(folder: Path, step: int, weights: Arrays, keep: int) -> None:
    """Write the weights of a step, and leave the last `keep` such files.

    Raises:
        DataError: the disk refuses.
    """
    _write(folder / f"snapshot-{step:08d}.npz", {f"{i:04d}": array for i, array in enumerate(weights)})
    for old in _snapshots(folder)[:-keep]:
        old.unlink()


def mean_of_snapshots(folder: Path) -> Arrays:
    """Return the mean of the weights of a run's snapshots (checkpoint averaging, Vaswani et al. 2017, section 6.1).

    Raises:
        DataError: there is none, or one can't be read.
    """
    total: Arrays = []
    paths = _snapshots(folder)
    for path in paths:
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = [np.asarray(stored[key], np.float64) for key in sorted(stored.files)]
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: not a snapshot ({error})", fix="delete it") from error
        total = [one + two for one, two in zip(total, arrays, strict=True)] if total else arrays
    if not total:
        raise DataError(f"{folder}: no snapshot", fix="train on until the first, or set average: ema")
    return [(array / len(paths)).astype(np.float32) for array in total]


def _snapshots(folder: Path) -> list[Path]:
    return sorted(folder.glob("snapshot-*.npz"))


def _write(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            np.savez(stream, **arrays)
        part.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path.parent}: {reason}", fix="free disk space or choose another --run") from error
