"""The microphone: opened by name, read through a bounded queue, reopened for ever when it goes away."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
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

_FIRST_PAUSE = 0.1  # s; doubles with each attempt to reopen


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


def find_microphone(settings: MicrophoneSettings, *, rescan: bool = False) -> portaudio.Device:
    """Return the device that the settings name.

    Raises:
        DeviceError: there is none, or its name fits none or several.
    """
    return portaudio.choose(portaudio.devices(rescan=rescan), settings.device, "input")


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
        self._capture = Capture(RATE, 0, settings.chunk)
        self._closed = asyncio.Event()
        self._reading = False
        self._heard = False  # since the last opening
        self._resume = 0  # sample clock at that time
        self._lost_at: float | None = None  # monotonic time of the last audio before the device went away
        self._pause = _FIRST_PAUSE
        self._silent = False
        self._dropped = 0
        self._reopenings = 0
        self._last_audio: float | None = None

    @property
    def health(self) -> MicrophoneHealth:
        """The present state and the counters."""
        return MicrophoneHealth(
            connected=self._stream is not None and self._lost_at is None,
            silent=self._silent,
            dropped_chunks=self._dropped + (self._queue.dropped_chunks if self._queue else 0),
            reopenings=self._reopenings,
            last_audio=self._last_audio,
        )

    async def open(self) -> None:
        """Start the device before `chunks` reads it: a sound server takes a second, in which others can load.

        Raises:
            DeviceError: the device can't be opened, or its name fits none or several.
        """
        if self._stream is None:
            await self._open()

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield 16 kHz chunks until `close`.

        Raises:
            DeviceError: the device can't be opened at first, or its name fits none or several.
        """
        self._reading = True
        try:
            await self.open()
            while not self._closed.is_set():
                block = await self._next_block()
                if block is None:
                    await self._recover()
                    continue
                self._note(block)
                for chunk in self._capture.process(block):
                    yield chunk
        finally:
            self._reading = False
            await self._shut()

    async def close(self) -> None:
        """Release the microphone; ends `chunks`."""
        self._closed.set()
        if self._queue is not None:
            self._queue.end()
        if not self._reading:
            await self._shut()

    async def _open(self) -> None:
        device = await asyncio.to_thread(find_microphone, self.settings, rescan=True)
        queue = ChunkQueue(self.settings.queue_ms * device.rate // 1000, asyncio.get_running_loop())
        self._stream = await asyncio.to_thread(portaudio.open_input, device, queue.put, queue.end)
        self._queue = queue
        self._capture = Capture(device.rate, 0, self.settings.chunk)
        self._heard = False

    async def _next_block(self) -> Chunk | None:
        """Return the next block; None where the device has gone, has stalled or was closed."""
        if self._queue is None:
            return None
        patience_ms = self.settings.stall_ms if self._heard else self.settings.open_ms
        return await self._queue.get(patience_ms / 1000)

    def _note(self, block: Chunk) -> None:
        """Keep the health: audio came, perhaps again, perhaps too fast, perhaps nothing but zeros."""
        self._heard = True
        self._last_audio = time.monotonic()
        if self._lost_at is not None:
            away = round((self._last_audio - self._lost_at) * RATE)  # up to the end of this block
            start = self._resume + max(0, away - round(block.end * RATE / block.rate))
            self._capture = Capture(block.rate, start, self.settings.chunk)
            self._lost_at, self._pause = None, _FIRST_PAUSE
            self._reopenings += 1
            log.warning("the microphone is back")
        if self._dropped == 0 and self._queue is not None and self._queue.dropped_chunks:
            self._dropped, self._queue.dropped_chunks = self._queue.dropped_chunks, 0
            log.warning("audio is lost because the loop reads the microphone too slowly (said once)")
        silent = self._capture.zeros * 1000 >= self.settings.silent_ms * block.rate
        if silent and not self._silent:
            log.warning("the microphone delivers digital silence: is it muted or unplugged?")
        self._silent = silent

    async def _recover(self) -> None:
        """Close what has gone, wait, and open it again; the caller comes back until audio arrives."""
        if self._closed.is_set():
            return
        if self._lost_at is None:
            self._lost_at = self._last_audio or time.monotonic()
            self._resume = self._capture.at
            self._say(DeviceError("the microphone has gone", fix="plug it in again; Earshot keeps trying"))
        await self._shut()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), self._pause)
        self._pause = min(2 * self._pause, self.settings.retry_ms / 1000)
        try:
            await self._open()
        except DeviceError as error:
            log.debug("%s", error)

    def _say(self, error: DeviceError) -> None:
        log.warning("%s", error)
        if self._report is not None:
            self._report(error)

    async def _shut(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.to_thread(stream.close)
        if self._queue is not None:
            self._dropped += self._queue.dropped_chunks
            self._queue = None
