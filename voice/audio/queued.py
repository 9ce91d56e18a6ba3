"""An audio source that a program speaks into: the demo, the tests, and `voice.testing`."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator

import numpy as np

from voice.events import RATE, Chunk, Samples

CHUNK = 1280
"""Samples in a chunk: 80 ms."""


class QueuedSource:
    """Emits 80 ms chunks like a microphone does: what was queued, and a faint noise floor when nothing was.

    Args:
        speed: 1 is real time; larger is faster, for tests.
        noise_dbfs: level of the noise floor, so that the chain never sees digital silence.
        seed: of the noise.
    """

    live = True

    def __init__(self, *, speed: float = 1.0, noise_dbfs: float = -75.0, seed: int = 0) -> None:
        self.speed = speed
        self._amplitude = np.float32(10 ** (noise_dbfs / 20))
        self._random = np.random.default_rng(seed)
        self._queue: deque[tuple[Samples, asyncio.Future[int]]] = deque()
        self._closed = False
        self._at = 0

    @property
    def now(self) -> int:
        """Sample index of the next chunk's first sample."""
        return self._at

    async def play(self, samples: Samples) -> int:
        """Queue `samples`; return the sample index just after their last one when that has been emitted."""
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.append((np.asarray(samples, np.float32), done))
        return await done

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield chunks until `close` is called, paced by the monotonic clock."""
        started = time.monotonic()
        while not self._closed:
            samples = self._random.standard_normal(CHUNK).astype(np.float32) * self._amplitude
            finished = self._fill(samples)
            yield Chunk(samples, self._at)
            self._at += CHUNK
            for done, end in finished:
                if not done.done():
                    done.set_result(end)
            ahead = self._at / (RATE * self.speed) - (time.monotonic() - started)
            await asyncio.sleep(max(0.0, ahead))

    async def close(self) -> None:
        """End `chunks` after the current one."""
        self._closed = True

    def _fill(self, samples: Samples) -> list[tuple[asyncio.Future[int], int]]:
        """Add queued audio to `samples`; return the recordings that end in it, with their end."""
        finished = []
        used = 0
        while self._queue and used < CHUNK:
            audio, done = self._queue.popleft()
            n = min(CHUNK - used, len(audio))
            samples[used : used + n] += audio[:n]
            used += n
            if n < len(audio):
                self._queue.appendleft((audio[n:], done))
            else:
                finished.append((done, self._at + used))
        return finished
