"""Log-mel features of many clips in one byte array: what `prepare` writes and training reads.

A byte is `10.06 ln(P + 1e-6) + 146.5`, rounded and clipped, the scale of the spectrograms of the data pack. So clips
kept as audio and clips kept as spectrograms are the same kind of number.
"""

import errno
import io
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

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
_JPEG_ROWS = 64_000  # a JPEG has at most 65,535; whole blocks of 8


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
    """Write clips, given as fields of `Clip` (without start and n_frames) and frames; return their number.

    The store appears whole or not at all: it is written beside its place first.

    Raises:
        DataError: the disk is full, or the folder can't be written.
    """
    return write_arrays(folder, entries, np.zeros((0, SETTINGS.mels), np.uint8))


def write_arrays(folder: Path, entries: Iterable[tuple[dict[str, Any], Any]], empty: npt.NDArray[Any]) -> int:
    """Write clips as rows of one array of the type and row shape of `empty`, see `write_store`."""
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        n_clips = _write(partial, entries, empty)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        fix = "free disk space, or name another --work" if full else "name a folder that can be written with --work"
        raise DataError(f"{folder}: {error.strerror}; nothing was kept of it", fix=fix) from error
    return n_clips


def _write(folder: Path, entries: Iterable[tuple[dict[str, Any], Any]], empty: npt.NDArray[Any]) -> int:
    n_clips = start = 0
    with (folder / "frames.npy").open("wb") as frames, (folder / "clips.jsonl").open("w", encoding="utf-8") as lines:
        _header(frames, empty, 0)
        for fields, rows in entries:
            clip = Clip(start=start, n_frames=len(rows), **fields)
            frames.write(np.ascontiguousarray(rows, empty.dtype).tobytes())
            lines.write(json.dumps(asdict(clip)) + "\n")
            start, n_clips = clip.stop, n_clips + 1
        frames.seek(0)
        _header(frames, empty, start)
    return n_clips


def _header(file: BinaryIO, empty: npt.NDArray[Any], n_rows: int) -> None:
    """Write NumPy's header; it leaves room for any number of rows, so that the second fits over the first."""
    description = {"descr": empty.dtype.str, "fortran_order": False, "shape": (n_rows, *empty.shape[1:])}
    np.lib.format.write_array_header_1_0(file, description)


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

    if len(frames) > _JPEG_ROWS:
        return np.concatenate([through_jpeg(frames[:_JPEG_ROWS]), through_jpeg(frames[_JPEG_ROWS:])])
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frames)).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer), np.uint8)
