"""Text to speech on the bus: `tts/say` in, `playBytes` out, `sayFinished` exactly once, also after a failure."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable

from voice.bus.base import Bus
from voice.bus.topics import (
    ErrorMessage,
    HotwordToggleOff,
    HotwordToggleOn,
    PlayBytes,
    PlayFinished,
    TtsSay,
    TtsSayFinished,
    on,
    send,
)
from voice.clock import Clock, within
from voice.errors import AudioError
from voice.speech.settings import SpeechSettings
from voice.speech.wav import seconds

REASON = "ttsSay"

Synthesise = Callable[[str, str | None], Awaitable[bytes]]
"""Text and language to a WAV; raises AudioError."""


class TextToSpeech:
    """Speaks one site's texts one after another.

    Args:
        bus: Hermes.
        synthesise: the voice.
        settings: limits.
        site_id: the site.
        clock: for deadlines.
    """

    def __init__(self, bus: Bus, synthesise: Synthesise, settings: SpeechSettings, site_id: str, clock: Clock) -> None:
        self._bus = bus
        self._synthesise = synthesise
        self._settings = settings
        self._site = site_id
        self._clock = clock
        self._waiting: asyncio.Queue[TtsSay] = asyncio.Queue(settings.tts.waiting)
        self._playing: dict[str, asyncio.Event] = {}
        self._unsubscribe = (on(bus, TtsSay, self._receive), on(bus, PlayFinished, self._played))
        self._worker = asyncio.create_task(self._work(), name="tts")

    async def close(self) -> None:
        """Speak no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def _receive(self, message: TtsSay) -> None:
        if message.site_id != self._site:
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            await self._fail(message, f"{self._settings.tts.waiting} texts are waiting")
            await self._finished(message)

    async def _played(self, message: PlayFinished) -> None:
        if message.id in self._playing:
            self._playing[message.id].set()

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            await send(self._bus, HotwordToggleOff(site_id=self._site, reason=REASON))
            try:
                if message.text.strip():
                    await self._play(await self._synthesise(message.text, message.lang))
            except AudioError as error:
                await self._fail(message, str(error))
            finally:
                await send(self._bus, HotwordToggleOn(site_id=self._site, reason=REASON))
                await self._finished(message)

    async def _play(self, wav: bytes) -> None:
        request = secrets.token_hex(8)
        played = self._playing[request] = asyncio.Event()
        try:
            await send(self._bus, PlayBytes(self._site, request, wav))
            with contextlib.suppress(TimeoutError):  # a lost playFinished: go on as if it had come
                await within(self._clock, seconds(wav) + 2 * self._settings.slack_s, played.wait())
        finally:
            del self._playing[request]

    async def _fail(self, message: TtsSay, reason: str) -> None:
        fault = ErrorMessage(component="tts", error=reason, site_id=self._site, session_id=message.session_id)
        await send(self._bus, fault)

    async def _finished(self, message: TtsSay) -> None:
        await send(self._bus, TtsSayFinished(id=message.id, session_id=message.session_id, site_id=self._site))
