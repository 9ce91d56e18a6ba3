"""Audio files: read whole, or played as a source."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr

from voice.audio.rechunk import CHUNK
from voice.errors import AudioError
from voice.events import RATE, Chunk, Samples

_MP3_DELAY = 3 * 1152  # samples, three frames
_FORMATS = "give a WAV, FLAC, OGG or MP3 recording"


def read_audio(path: Path) -> Samples:
    """Return a recording as mono 16 kHz samples, shape (n,): channels averaged, resampled once.

    Args:
        path: WAV, FLAC, OGG or MP3, any rate and number of channels.

    Raises:
        AudioError: the file is missing, empty, broken or of another kind.
    """
    mono, rate = _decode(path)
    if len(mono) == 0:
        raise AudioError(f"{path} holds no audio", fix=_FORMATS)
    if not np.isfinite(mono).all():
        raise AudioError(f"{path} is broken (samples that are not numbers)", fix=_FORMATS)
    if rate == RATE:
        return mono
    return np.asarray(soxr.resample(mono, rate, RATE), np.float32)


def check_audio(path: Path) -> None:
    """Look at a recording's header, without decoding it.

    Raises:
        AudioError: the file is missing, empty, or no recording.
    """
    with _opened(path):
        return


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    _check_readable(path)
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except (soundfile.SoundFileError, OSError, ValueError) as error:
        reason = getattr(error, "error_string", None) or str(error)
        raise AudioError(f"{path} can't be read ({' '.join(reason.split()).rstrip('.')})", fix=_FORMATS) from error


def _decode(path: Path) -> tuple[Samples, int]:
    with _opened(path) as file:
        # an MP3 header counts the codec's delay, which is not decoded: 240 to 1344 samples in Common Voice
        expected = file.frames - (_MP3_DELAY if file.format == "MP3" else 0)
        samples = file.read(dtype="float32", always_2d=True)
        rate = file.samplerate
    if len(samples) < expected < 2**62 or _is_cut_short(path):
        raise AudioError(f"{path} is cut short", fix="record or copy it again")
    return np.ascontiguousarray(samples.mean(axis=1, dtype=np.float32)), rate


def _check_readable(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise AudioError(f"{path} can't be opened ({error.strerror})", fix="check the path") from error
    if path.is_dir():
        raise AudioError(f"{path} is a folder", fix=_FORMATS)
    if size == 0:
        raise AudioError(f"{path} is empty (0 bytes)", fix=_FORMATS)


def _is_cut_short(path: Path) -> bool:
    """Return True where a RIFF file ends before the data that its header promises; libsndfile reads it silently.

    Sizes of 0 and 0xFFFFFFFF, which streaming writers leave behind, promise nothing.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        while len(header := file.read(8)) == 8:
            length = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                return length < 0x7FFF_0000 and file.tell() + length > size
            file.seek(length + length % 2, 1)
    return False


class FileSource:
    """Plays recordings on one sample clock, with silence between and after them.

    Args:
        paths: what to play, in order.
        realtime: pace the chunks by the monotonic clock; otherwise as fast as they are read.
        gap_ms: silence between two recordings, ms.
        tail_ms: silence after the last one, ms.
        chunk: samples in a chunk; the last one is filled up with silence.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        realtime: bool = False,
        gap_ms: int = 500,
        tail_ms: int = 1500,
        chunk: int = CHUNK,
    ) -> None:
        self.live = realtime
        self._paths = tuple(paths)
        self._gap = gap_ms * RATE // 1000
        self._tail = tail_ms * RATE // 1000
        self._chunk = chunk
        self._closed = False

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield 16 kHz chunks until the last recording's silence ends, or `close`.

        Raises:
            AudioError: a recording can't be read.
        """
        at = 0
        opened = time.monotonic()
        rest = np.zeros(0, np.float32)
        for i, path in enumerate(self._paths):
            last = i == len(self._paths) - 1
            silence = np.zeros(self._tail if last else self._gap, np.float32)
            audio = np.concatenate([rest, await asyncio.to_thread(read_audio, path), silence])
            if last:
                audio = np.pad(audio, (0, -len(audio) % self._chunk))
            usable = len(audio) - len(audio) % self._chunk
            rest = audio[usable:]
            for offset in range(0, usable, self._chunk):
                await self._pace(opened, at + self._chunk)
                if self._closed:
                    return
                yield Chunk(audio[offset : offset + self._chunk], at)
                at += self._chunk

    async def close(self) -> None:
        """End `chunks` before the next one."""
        self._closed = True

    async def _pace(self, opened: float, end: int) -> None:
        """Wait until a microphone would have delivered the chunk that ends at sample `end`."""
        await asyncio.sleep(max(0.0, opened + end / RATE - time.monotonic()) if self.live else 0.0)
