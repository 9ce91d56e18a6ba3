"""The microphone: opened by name, read through a bounded queue, reopened for ever when it goes away."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.audio import portaudio
from voice.audio.rechunk import CHUNK, Rechunker
from voice.audio.resample import Resampler
from voice.audio.source import ChunkQueue
from voice.errors import DeviceError
from voice.events import RATE, Chunk

log = logging.getLogger(__name__)


class MicrophoneSettings(BaseModel):
    """Which microphone, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field("", description="any part of a name that `voice devices` lists; empty: the system's choice")
    chunk: int = Field(CHUNK, gt=0, description="samples in a chunk at 16 kHz")
    queue_ms: int = Field(2000, gt=0, description="audio that may wait to be read before the oldest is dropped, ms")
    open_ms: int = Field(3000, gt=0, description="longest wait for the first audio of an opened device, ms")
    stall_ms: int = Field(1000, gt=0, description="longest pause of a running device before it is reopened, ms")
    silent_ms: int = Field(5000, gt=0, description="digital silence from which the microphone counts as silent, ms")
    retry_ms: int = Field(5000, gt=0, description="longest pause between two attempts to reopen, ms")


@dataclass(frozen=True, slots=True)
class MicrophoneHealth:
    """What a supervisor wants to know of a microphone."""

    connected: bool
    silent: bool
    """True after a long run of exact zeros: muted, unplugged, or not allowed to listen."""
    dropped_chunks: int
    """Device blocks that nobody read in time."""
    reopenings: int
    last_audio: float | None
    """Monotonic time of the last audio, s."""


class Capture:
    """Device blocks in, 16 kHz chunks out; a block that is missing becomes a jump of the sample clock.

    Args:
        rate: the device's sampling rate, Hz.
        at: sample clock at the opening.
        chunk: samples in a chunk.
    """

    def __init__(self, rate: int, at: int, chunk: int = CHUNK) -> None:
        self.at = at
        """Sample clock just after the last audio."""
        self.zeros = 0
        """Samples of the device in the present run of exact zeros."""
        self._rate = rate
        self._opened_at = at
        self._next = 0
        self._resampler = Resampler(rate)
        self._rechunker = Rechunker(chunk)

    def process(self, block: Chunk) -> list[Chunk]:
        """Return the chunks that `block` (mono, at the device's rate) completes."""
        if block.start != self._next:
            self._resampler.reset()
            self.at = self._opened_at + round(block.start * RATE / self._rate)
        self._next = block.end
        self.zeros = 0 if np.any(block.samples) else self.zeros + len(block.samples)
        samples = self._resampler.process(block.samples)
        chunks = self._rechunker.process(Chunk(samples, self.at))
        self.at += len(samples)
        return chunks


class MicrophoneSource:
    """A live microphone as an AudioSource.

    A device that goes away is reported once and reopened with back-off for ever; the sample clock counts the time
    without it. Only a device that can't be opened at first ends `chunks`.

    Args:
        settings: which device, and how patient.
        report: told when the device goes away.
    """

    live = True

    def __init__(self, settings: MicrophoneSettings, report: Callable[[DeviceError], None] | None = None) -> None:
        self.settings = settings
        self._report = report
        self._queue: ChunkQueue | None = None
        self._stream: portaudio.Stream | None = None
        self._capture: Capture | None = None
        self._closed = False
        self._ended = False
        self._silent = False
        self._dropped_before = 0
        self._reopenings = 0
        self._last_audio: float | None = None

    @property
    def health(self) -> MicrophoneHealth:
        """The present state and the counters."""
        return MicrophoneHealth(
            connected=self._stream is not None,
            silent=self._silent,
            dropped_chunks=self._dropped_before + (self._queue.dropped_chunks if self._queue else 0),
            reopenings=self._reopenings,
            last_audio=self._last_audio,
        )

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield 16 kHz chunks until `close`.

        Raises:
            DeviceError: the device can't be opened at first, or its name fits none or several.
        """
        try:
            await self._open(0)
            while not self._closed:
                block = await self._next_block()
                if block is None or self._capture is None:
                    await self._reopen()
                    continue
                for chunk in self._capture.process(block):
                    yield chunk
                self._watch(block)
        finally:
            await self._shut()

    async def close(self) -> None:
        """Release the microphone; ends `chunks`."""
        self._closed = True
        if self._queue is not None:
            self._queue.wake()

    async def _open(self, at: int) -> None:
        device = portaudio.choose(
            await asyncio.to_thread(portaudio.devices, rescan=True), self.settings.device, "input"
        )
        queue = ChunkQueue(self.settings.queue_ms * device.rate // 1000, asyncio.get_running_loop())
        self._queue, self._ended = queue, False
        self._capture = Capture(device.rate, at, self.settings.chunk)
        self._last_audio = None
        self._stream = await asyncio.to_thread(portaudio.open_input, device, queue.put, self._on_ended)

    def _on_ended(self) -> None:
        self._ended = True
        if self._queue is not None:
            self._queue.wake()

    async def _next_block(self) -> Chunk | None:
        """Return the next block, or None where the device has gone, stalled or was closed."""
        if self._queue is None:
            return None
        patience = self.settings.open_ms if self._last_audio is None else self.settings.stall_ms
        block = await self._queue.get(patience / 1000)
        if block is None and not self._ended and not self._closed:  # perhaps an early wake; nobody put anything
            return await self._queue.get(0.0)
        return block

    def _watch(self, block: Chunk) -> None:
        """Note the time, what was dropped and digital silence; say the latter two once."""
        self._last_audio = time.monotonic()
        if self._queue is not None and self._queue.dropped_chunks and not self._said_dropped:
            self._said_dropped = True
            log.warning("audio is lost: the loop reads the microphone too slowly (said once)")
        zeros = self._capture.zeros if self._capture else 0
        silent = zeros * 1000 >= self.settings.silent_ms * block.rate
        if silent and not self._silent:
            log.warning("the microphone delivers digital silence: is it muted or unplugged?")
        self._silent = silent

    _said_dropped = False

    async def _reopen(self) -> None:
        if self._closed:
            return
        gone = time.monotonic() if self._last_audio is None else self._last_audio
        at = self._capture.at if self._capture else 0
        error = DeviceError("the microphone has gone", fix="plug it in again; Earshot keeps trying")
        log.warning("%s", error)
        if self._report is not None:
            self._report(error)
        await self._shut()
        pause = 0.1
        while not self._closed:
            try:
                await self._open(at + round((time.monotonic() - gone) * RATE))
            except DeviceError as failure:
                log.debug("%s", failure)
            else:
                if await self._delivers():
                    self._reopenings += 1
                    log.warning("the microphone is back")
                    return
            await self._shut()
            await asyncio.sleep(pause)
            pause = min(2 * pause, self.settings.retry_ms / 1000)

    async def _shut(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.to_thread(stream.close)
        if self._queue is not None:
            self._dropped_before += self._queue.dropped_chunks
            self._queue = None
