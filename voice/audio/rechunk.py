"""Cut a stream into chunks of equal length, however it arrives."""

import numpy as np

from voice.events import Chunk, Samples

CHUNK = 1280
"""Samples that a source puts into a chunk: 80 ms."""


class Rechunker:
    """Turns chunks of any length into chunks of `size` samples; a jump of the sample clock drops the incomplete one.

    Args:
        size: samples in each chunk that comes out.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"a chunk of {size} samples")
        self._size = size
        self._rest: Samples = np.zeros(0, np.float32)
        self._at: int | None = None

    def process(self, chunk: Chunk) -> list[Chunk]:
        """Return the chunks that `chunk` completes; the rest is kept for the next call."""
        if chunk.start != self._at:
            self._rest = np.zeros(0, np.float32)
        audio = np.concatenate([self._rest, chunk.samples]) if len(self._rest) else chunk.samples
        first = chunk.start - len(self._rest)
        usable = len(audio) - len(audio) % self._size
        self._rest = audio[usable:].copy()
        self._at = chunk.end
        return [
            Chunk(audio[offset : offset + self._size], first + offset, chunk.rate)
            for offset in range(0, usable, self._size)
        ]

    def reset(self) -> None:
        """Forget the incomplete chunk."""
        self._rest = np.zeros(0, np.float32)
        self._at = None
