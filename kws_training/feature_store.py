"""Log-mel features of many clips in one byte array: what `prepare` writes and training reads.

A byte is `10.06 ln(P + 1e-6) + 146.5`, rounded and clipped, the scale of the spectrograms of the data pack. So clips
kept as audio and clips kept as spectrograms are the same kind of number.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.audio.features import FeatureSettings, features
from voice.errors import DataError
from voice.events import Samples

Bytes = npt.NDArray[np.uint8]
"""Quantised log-mel frames, shape (frames, mels)."""

SETTINGS = FeatureSettings()
SCALE, SHIFT = 10.06, 146.5
FLOOR = round(SCALE * float(np.log(SETTINGS.offset)) + SHIFT)
"""The byte of digital silence: 8."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip of a store."""

    label: str
    split: str
    """train, dev or test."""
    group: str
    """Speaker or recording: what a split never divides."""
    name: str
    start: int
    """First frame in the store."""
    n_frames: int
    keyword_end: int = -1
    """Frame of the clip at which its keyword ends; -1 where it has none or the time is not known."""

    @property
    def stop(self) -> int:
        """One past the last frame in the store."""
        return self.start + self.n_frames


class FeatureStore:
    """Clips and their frames, memory-mapped.

    Args:
        folder: what `write_store` wrote.

    Raises:
        DataError: it is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.frames: Bytes = np.asarray(np.load(folder / "frames.npy", mmap_mode="r"))
            lines = (folder / "clips.jsonl").read_text(encoding="utf-8").splitlines()
            self.clips = [Clip(**json.loads(line)) for line in lines]
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{folder}: not a feature store ({error})", fix="run `kws-train prepare` first") from error

    def __getitem__(self, clip: Clip) -> Bytes:
        """Return the frames of a clip, shape (n_frames, mels)."""
        return self.frames[clip.start : clip.stop]

    def select(self, **wanted: Any) -> list[Clip]:
        """Return the clips whose fields equal `wanted`, in order."""
        return [clip for clip in self.clips if all(getattr(clip, key) == value for key, value in wanted.items())]


def write_store(folder: Path, entries: Iterable[tuple[dict[str, Any], Bytes]]) -> int:
    """Write clips, given as fields of `Clip` (without start and n_frames) and frames; return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[Bytes] = []
    lines: list[str] = []
    start = 0
    for fields, frames in entries:
        clip = Clip(start=start, n_frames=len(frames), **fields)
        lines.append(json.dumps(asdict(clip)))
        parts.append(frames)
        start = clip.stop
    empty = np.zeros((0, SETTINGS.mels), np.uint8)
    np.save(folder / "frames.npy", np.concatenate([empty, *parts]))
    (folder / "clips.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def to_bytes(logmel: npt.NDArray[np.float32]) -> Bytes:
    """Return ln(P + 1e-6) on the byte scale."""
    return np.clip(np.rint(SCALE * logmel + SHIFT), 0, 255).astype(np.uint8)


def to_logmel(frames: Bytes) -> npt.NDArray[np.float32]:
    """Return ln(P + 1e-6) of bytes; the rounding costs up to 0.05."""
    return (frames.astype(np.float32) - SHIFT) / SCALE


def audio_bytes(samples: Samples) -> Bytes:
    """Return the quantised features of audio, shape (frames, mels)."""
    return to_bytes(features(samples, SETTINGS))


def through_jpeg(frames: Bytes) -> Bytes:
    """Return frames after JPEG compression at quality 75, as the spectrograms of the data pack went through it."""
    from PIL import Image  # noqa: PLC0415 - the extra `train`

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frames)).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer), np.uint8)
