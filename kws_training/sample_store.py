"""Raw samples of many clips in one array: what networks on the waveform are trained on.

    WORK/samples/frames.npy   int16, one clip after the other      WORK/samples/clips.jsonl   see `Clip`
    WORK/samples/rate.json    their rate in Hz

A "frame" of these stores is a sample.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws_training.feature_store import Clip, write_arrays
from voice.errors import DataError
from voice.events import RATE, Samples

Integers = npt.NDArray[np.int16]
"""16-bit samples, shape (samples,)."""


class SampleStore:
    """Clips and their samples, memory-mapped.

    Args:
        folder: what `write_samples` wrote.

    Raises:
        DataError: it is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.samples: Integers = np.asarray(np.load(folder / "frames.npy", mmap_mode="r"))
            self.rate = int(json.loads((folder / "rate.json").read_text(encoding="utf-8"))["rate"])
            lines = (folder / "clips.jsonl").read_text(encoding="utf-8").splitlines()
            self.clips = [Clip(**json.loads(line)) for line in lines]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{folder}: no raw samples ({error})", fix="run `kws-train prepare --samples-rate 8000`"
            ) from error

    def __getitem__(self, clip: Clip) -> Samples:
        """Return the samples of a clip in [-1, 1], shape (n_frames,)."""
        return self.samples[clip.start : clip.stop].astype(np.float32) / 32768

    def select(self, **wanted: Any) -> list[Clip]:
        """Return the clips whose fields equal `wanted`, in order."""
        return [clip for clip in self.clips if all(getattr(clip, key) == value for key, value in wanted.items())]


def write_samples(folder: Path, entries: Iterable[tuple[dict[str, Any], Integers]], rate: int) -> int:
    """Write clips of one rate, as `write_store` does; return their number."""
    n_clips = write_arrays(folder, entries, np.zeros(0, np.int16))
    (folder / "rate.json").write_text(json.dumps({"rate": rate}), encoding="utf-8")
    return n_clips


def to_integers(samples: Samples, rate: int) -> Integers:
    """Return samples of 16 kHz as 16-bit integers at `rate`; what is beyond full scale is cut off."""
    if rate != RATE:
        import soxr  # noqa: PLC0415 - slow to import

        samples = soxr.resample(samples, RATE, rate)
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
