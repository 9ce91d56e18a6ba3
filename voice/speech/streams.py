"""Sound that arrives in chunks (`playBytesStreaming`): played in their order, whatever order they come in."""

import asyncio
from collections.abc import AsyncIterator

from voice.bus.topics import PlayBytesStreaming
from voice.clock import Clock, within

MAX_CHUNKS = 256
MAX_BYTES = 16 * 2**20
"""What may wait of one stream; more is dropped, the newest first."""


class Stream:
    """One stream.

    Args:
        request_id: its id.
        clock: for the deadline.
        slack_s: wait for a chunk that is missing; then what is there is played, and where nothing is, the stream ends.
    """

    def __init__(self, request_id: str, clock: Clock, slack_s: float) -> None:
        self.request_id = request_id
        self.cut = False
        """Set to end it after the present chunk."""
        self.incomplete = False
        """True when it ended without its last chunk."""
        self._clock = clock
        self._slack_s = slack_s
        self._next = 0
        self._waiting: dict[int, PlayBytesStreaming] = {}
        self._bytes = 0
        self._arrived = asyncio.Event()

    def take(self, chunk: PlayBytesStreaming) -> None:
        """Keep a chunk until its turn; one that comes too late, twice, or is too much is dropped."""
        full = len(self._waiting) >= MAX_CHUNKS or self._bytes + len(chunk.wav) > MAX_BYTES
        if chunk.number >= self._next and chunk.number not in self._waiting and not full:
            self._waiting[chunk.number] = chunk
            self._bytes += len(chunk.wav)
            self._arrived.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the WAV files in order, until the last chunk, the deadline, or the cut."""
        while not self.cut:
            chunk = self._waiting.pop(self._next, None)
            if chunk is None:
                if not await self._more():
                    self.incomplete = not self.cut
                    return
                continue
            self._next += 1
            self._bytes -= len(chunk.wav)
            yield chunk.wav
            if chunk.is_last:
                return

    async def _more(self) -> bool:
        """Wait for the next chunk; after the deadline go on at the earliest that is there."""
        self._arrived.clear()
        try:
            await within(self._clock, self._slack_s, self._arrived.wait())
        except TimeoutError:
            if not self._waiting:
                return False
            self._next = min(self._waiting)
        return True
