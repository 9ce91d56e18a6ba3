"""What sources are made of: the bounded queue behind a live device, and raw PCM from standard input."""

import asyncio
import io
import os
import threading
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from typing import BinaryIO

import numpy as np

from voice.audio.pcm import from_int16
from voice.audio.rechunk import CHUNK, Rechunker
from voice.audio.resample import Resampler
from voice.errors import AudioError
from voice.events import RATE, Chunk


class ChunkQueue:
    """Hands chunks from a device's thread to the event loop; when full, the oldest is dropped and counted.

    Args:
        limit: samples that may wait, at the device's rate.
        loop: the event loop that reads.
    """

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self.dropped_chunks = 0
        self.dropped_samples = 0
        self._limit = limit
        self._loop = loop
        self._chunks: deque[Chunk] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._ready = asyncio.Event()
        self._ended = False

    def put(self, chunk: Chunk) -> None:
        """Add a chunk, from any thread; never waits."""
        with self._lock:
            self._chunks.append(chunk)
            self._waiting += len(chunk.samples)
            while self._waiting > self._limit and len(self._chunks) > 1:
                oldest = self._chunks.popleft()
                self._waiting -= len(oldest.samples)
                self.dropped_chunks += 1
                self.dropped_samples += len(oldest.samples)
        self._notify()

    def end(self) -> None:
        """Let `get` return None when nothing is left, from any thread."""
        self._ended = True
        self._notify()

    async def get(self, patience: float) -> Chunk | None:
        """Return the oldest chunk; None after `patience` seconds without one, or after `end`."""
        deadline = self._loop.time() + patience
        while (chunk := self._take()) is None and not self._ended:
            try:  # no wait_for: Python 3.11's loses a cancellation that comes with audio
                async with asyncio.timeout_at(deadline):
                    await self._ready.wait()
            except TimeoutError:
                return self._take()
            self._ready.clear()
        return chunk

    def _notify(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop has ended: nobody reads any more
            return

    def _take(self) -> Chunk | None:
        with self._lock:
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._waiting -= len(chunk.samples)
            return chunk


class PcmSource:
    """Raw S16LE mono from a stream such as standard input; the end of the stream ends the source.

    The writer waits when nobody reads: nothing is lost, so it does not count as live.

    Args:
        stream: open for reading bytes.
        rate: the stream's sampling rate, Hz.
        chunk: samples in a chunk; the last one is filled up with silence.
    """

    live = False

    def __init__(self, stream: BinaryIO, *, rate: int = RATE, chunk: int = CHUNK) -> None:
        self._stream = _unbuffered(stream)
        self._rate = rate
        self._chunk = chunk
        self._queue: asyncio.Queue[bytes | OSError] = asyncio.Queue(maxsize=4)
        self._closed = False

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield 16 kHz chunks until the stream ends.

        Raises:
            AudioError: the stream can't be read.
        """
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="pcm", daemon=True).start()
        resampler, rechunker = Resampler(self._rate), Rechunker(self._chunk)
        at, odd = 0, b""
        while not self._closed and (data := await self._next()):
            data = odd + data
            odd = data[len(data) - len(data) % 2 :]
            samples = resampler.process(from_int16(data))
            for chunk in rechunker.process(Chunk(samples, at)):
                yield chunk
            at += len(samples)
        rest = np.concatenate([resampler.flush(), np.zeros(self._chunk - 1, np.float32)])
        for chunk in rechunker.process(Chunk(rest, at)):
            if chunk.start < at + len(rest) - self._chunk + 1 and not self._closed:
                yield chunk

    async def close(self) -> None:
        """End `chunks`; what the writer still holds is not read."""
        self._closed = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(b"")

    async def _next(self) -> bytes:
        data = await self._queue.get()
        if isinstance(data, OSError):
            raise AudioError(f"standard input can't be read ({data.strerror})", fix="pipe S16LE PCM into it") from data
        return data

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read on a thread of its own: a read of a silent pipe can't be cancelled."""
        data: bytes | OSError = b"-"
        while data and not isinstance(data, OSError) and not self._closed:
            try:
                data = self._stream.read(self._chunk * 2)
            except OSError as error:
                data = error
            if self._closed or not self._hand_over(data, loop):
                break
        self._stream.close()

    def _hand_over(self, data: bytes | OSError, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait until the queue has room; return False where the loop has ended and nobody reads any more."""
        waiting = self._queue.put(data)
        try:
            asyncio.run_coroutine_threadsafe(waiting, loop).result()
        except (RuntimeError, CancelledError):
            waiting.close()
            return False
        return True


def _unbuffered(stream: BinaryIO) -> BinaryIO:
    """Return `stream` without its buffer, whose lock a thread waiting at the end of the program would hold."""
    try:
        return os.fdopen(os.dup(stream.fileno()), "rb", buffering=0)
    except io.UnsupportedOperation:  # a stream in memory
        return stream
