"""Audio over Hermes (reference, section 4): the microphone's frames out, and another device's frames in as a source.

Both are off by default: frames are most of the messages on a broker, and whoever reads it hears the room.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice.audio.rechunk import CHUNK, Rechunker
from voice.audio.resample import Resampler
from voice.bus.base import Bus
from voice.bus.topics import (
    AudioFrame,
    AudioSessionFrame,
    AudioSummary,
    AudioToggleOff,
    AudioToggleOn,
    ErrorMessage,
    ReplayRequest,
    SummaryToggleOff,
    SummaryToggleOn,
    on,
    read_wav,
    send,
    write_frame,
)
from voice.clock import Clock, LoopClock, within
from voice.errors import BusError
from voice.events import RATE, Chunk, Samples
from voice.stages import AudioSource

SNIPS_SAMPLES = 256
_SUMMARY = RATE // 4  # samples between two summaries
_REPLAY_PAUSE = RATE // 2  # samples of audio between two replays
_GAP_MS = 100  # a jump of the capture time from which audio was lost


class FrameSettings(BaseModel):
    """The microphone's audio on the bus."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: Literal["never", "asked", "always"] = Field(
        "never", description="send audioFrame: never, after hermes/audioServer/toggleOn, or always"
    )
    samples: Literal[256, 1024] = Field(
        1024, description="samples in a frame: 1024 with a plain header as Rhasspy sends, 256 with Snips' time"
    )
    replay_s: float = Field(5.0, ge=0, le=30, description="audio kept for hermes/audioServer/<site>/replayRequest, s")


class FrameTap:
    """A source whose audio also goes out as Hermes frames, and whose level is told. It never holds the audio up.

    Args:
        source: the audio.
        bus: Hermes.
        settings: whether and how.
        site_id: the site.
    """

    def __init__(self, source: AudioSource, bus: Bus, settings: FrameSettings, site_id: str) -> None:
        self.live = source.live
        self._source = source
        self._bus = bus
        self._settings = settings
        self._site = site_id
        self._sending = settings.publish == "always"
        self._summing = False
        self._frames = Rechunker(settings.samples)
        self._summaries = Rechunker(_SUMMARY)
        self._kept: deque[Chunk] = deque(maxlen=max(1, round(settings.replay_s * RATE / settings.samples)))
        self._at = 0
        self._replayed_at = -_REPLAY_PAUSE
        self._unsubscribe = (
            on(bus, AudioToggleOn, self._toggle),
            on(bus, AudioToggleOff, self._toggle),
            on(bus, SummaryToggleOn, self._toggle_summary),
            on(bus, SummaryToggleOff, self._toggle_summary),
            on(bus, ReplayRequest, self._replay),
        )

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield the source's chunks, sending each first."""
        async for chunk in self._source.chunks():
            self._at = chunk.end
            if self._settings.publish != "never":
                for frame in self._frames.process(chunk):
                    self._kept.append(frame)
                    if self._sending:
                        await self._send(frame)
            for piece in self._summaries.process(chunk) if self._summing else ():
                await send(self._bus, AudioSummary(site_id=self._site, debiased_energy=energy(piece.samples)))
            yield chunk

    async def close(self) -> None:
        """Close the source and send no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self._source.close()

    async def _send(self, frame: Chunk, replay: tuple[str, int] | None = None) -> None:
        timed = replay is not None or self._settings.samples == SNIPS_SAMPLES
        wav = write_frame(frame.samples, capture_ms=frame.start * 1000 // RATE if timed else None, replay=replay)
        await send(self._bus, AudioFrame(self._site, wav))

    async def _toggle(self, message: AudioToggleOn | AudioToggleOff) -> None:
        if message.site_id != self._site:
            return
        if isinstance(message, AudioToggleOn) and self._settings.publish == "never":
            await self._refuse("audio is not sent: set frames.publish to asked")
        if self._settings.publish == "asked":
            self._sending = isinstance(message, AudioToggleOn)

    async def _toggle_summary(self, message: SummaryToggleOn | SummaryToggleOff) -> None:
        if message.site_id == self._site:
            self._summing = isinstance(message, SummaryToggleOn)

    async def _replay(self, message: ReplayRequest) -> None:
        """Send what is kept again, marked, so that nobody takes it for the present."""
        if message.site_id != self._site:
            return
        if self._settings.publish == "never" or self._at - self._replayed_at < _REPLAY_PAUSE:
            never = self._settings.publish == "never"
            await self._refuse("audio is not sent: set frames.publish" if never else "two replays within 0.5 s")
            return
        self._replayed_at = self._at
        frames = [frame for frame in self._kept if frame.end * 1000 // RATE > message.start_at_ms]
        for i, frame in enumerate(frames):
            await self._send(frame, (message.request_id, len(frames) - 1 - i))

    async def _refuse(self, why: str) -> None:
        await send(self._bus, ErrorMessage(component="audioServer/record", error=why, site_id=self._site))


class FrameSource:
    """Another device's microphone, heard over Hermes: `audioFrame` and `audioSessionFrame` of one site.

    Frames of any length, rate and number of channels are taken. Where a frame's `time` says that audio was lost, the
    sample clock jumps. When frames come faster than they are read, the oldest are dropped and counted.

    Args:
        bus: Hermes.
        site_id: the site.
        limit_s: audio that may wait.
        patience_s: silence of the device after which an error is published, once, until it is back.
        clock: for the patience.
    """

    live = True

    def __init__(
        self, bus: Bus, site_id: str, *, limit_s: float = 2.0, patience_s: float = 10.0, clock: Clock | None = None
    ) -> None:
        self.dropped_samples = 0
        self._bus = bus
        self._site = site_id
        self._limit = round(limit_s * RATE)
        self._patience_s = patience_s
        self._clock = clock or LoopClock()
        self._waiting: deque[Chunk] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self._resampler = Resampler(RATE)
        self._rechunker = Rechunker(CHUNK)
        self._next = 0
        self._captured_ms: float | None = None
        self._missing = False
        self._unsubscribe = (on(bus, AudioFrame, self._take), on(bus, AudioSessionFrame, self._take))

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yield the device's audio until `close`."""
        while not self._closed:
            if self._waiting:
                yield self._waiting.popleft()
                continue
            self._arrived.clear()
            try:
                await within(self._clock, self._patience_s, self._arrived.wait())
            except TimeoutError:
                await self._complain()

    async def close(self) -> None:
        """End `chunks`."""
        self._closed = True
        self._arrived.set()
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def _complain(self) -> None:
        if not self._missing and not self._closed:
            self._missing = True
            gone = f"no audio frames of site {self._site} for {self._patience_s:g} s"
            await send(self._bus, ErrorMessage(component="audioServer/record", error=gone, site_id=self._site))

    async def _take(self, message: AudioFrame | AudioSessionFrame) -> None:
        if message.site_id != self._site:
            return
        try:
            wav = read_wav(message.wav)
        except BusError as error:
            await send(self._bus, ErrorMessage(component="audioServer/record", error=str(error), site_id=self._site))
            return
        if wav.replay_of is not None:
            return
        self._missing = False
        if wav.rate != self._resampler.rate:
            self._resampler = Resampler(wav.rate)
        self._follow(wav.capture_ms, len(wav.samples) / wav.rate * 1000)
        samples = self._resampler.process(wav.samples)
        for chunk in self._rechunker.process(Chunk(samples, self._next)):
            self._waiting.append(chunk)
        self._next += len(samples)
        while sum(len(chunk.samples) for chunk in self._waiting) > self._limit and len(self._waiting) > 1:
            self.dropped_samples += len(self._waiting.popleft().samples)
        self._arrived.set()

    def _follow(self, captured_ms: int | None, length_ms: float) -> None:
        """Let the sample clock jump over lost audio, as the frames' own time tells it."""
        if captured_ms is None:
            return
        lost_ms = 0.0 if self._captured_ms is None else captured_ms - self._captured_ms
        if lost_ms > _GAP_MS:
            self._next += round(lost_ms * RATE / 1000)
            self._resampler.reset()
        self._captured_ms = captured_ms + length_ms


def energy(samples: Samples) -> float:
    """Return the root mean square about the mean, in steps of 16-bit samples."""
    return round(float(np.std(samples)) * 32768, 2)
