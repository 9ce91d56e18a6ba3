"""Text to speech on the bus: `tts/say` in, `playBytes` out, `sayFinished` exactly once, also after a failure."""

import asyncio
import contextlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from voice.bus.base import Bus
from voice.bus.topics import (
    ErrorMessage,
    HotwordToggleOff,
    HotwordToggleOn,
    PlayBytes,
    PlayFinished,
    RegisterSound,
    TtsSay,
    TtsSayFinished,
    TtsStop,
    on,
    send,
)
from voice.clock import Clock, within
from voice.errors import AudioError
from voice.speech.settings import SpeechSettings
from voice.speech.wav import scaled, seconds

REASON = "ttsSay"
MAX_SOUNDS = 32
MAX_SOUND_BYTES = 2**20
"""Sounds that may be registered, and how long one may be; the oldest makes room."""

Synthesise = Callable[[str, str | None], Awaitable[bytes]]
"""Text and language to a WAV; raises AudioError."""

_SOUND = re.compile(r"\[\[sound:([^\]]{1,200})\]\]")


class TextToSpeech:
    """Speaks one site's texts one after another; `[[sound:<id>]]` in a text is a registered sound.

    Args:
        bus: Hermes.
        synthesise: the voice.
        settings: limits.
        site_id: the site.
        clock: for deadlines.
        hotword_off: False leaves the wake word on, for barge-in.
    """

    def __init__(
        self,
        bus: Bus,
        synthesise: Synthesise,
        settings: SpeechSettings,
        site_id: str,
        clock: Clock,
        *,
        hotword_off: bool = True,
    ) -> None:
        self._bus = bus
        self._synthesise = synthesise
        self._settings = settings
        self._site = site_id
        self._clock = clock
        self._hotword_off = hotword_off
        self._waiting: asyncio.Queue[TtsSay] = asyncio.Queue(settings.tts.waiting)
        self._playing: dict[str, asyncio.Event] = {}
        self._sounds: OrderedDict[str, bytes] = OrderedDict()
        self._cut = False
        self._unsubscribe = (
            on(bus, TtsSay, self._receive),
            on(bus, PlayFinished, self._played),
            on(bus, TtsStop, self._stop),
            on(bus, RegisterSound, self._register),
        )
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

    async def _stop(self, message: TtsStop) -> None:
        """Forget what waits, and say nothing more of what is being said; the playback cuts the sound itself."""
        if message.site_id != self._site:
            return
        self._cut = True
        while not self._waiting.empty():
            await self._finished(self._waiting.get_nowait())

    async def _register(self, message: RegisterSound) -> None:
        if len(message.wav) > MAX_SOUND_BYTES:
            await send(
                self._bus,
                ErrorMessage(component="tts", error=f"a sound of {len(message.wav)} bytes", context=message.sound_id),
            )
            return
        self._sounds[message.sound_id] = message.wav
        self._sounds.move_to_end(message.sound_id)
        while len(self._sounds) > MAX_SOUNDS:
            self._sounds.popitem(last=False)

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            self._cut = False
            if self._hotword_off:
                await send(self._bus, HotwordToggleOff(site_id=self._site, reason=REASON))
            try:
                await self._speak(message)
            except AudioError as error:
                await self._fail(message, str(error))
            finally:
                if self._hotword_off:
                    await send(self._bus, HotwordToggleOn(site_id=self._site, reason=REASON))
                await self._finished(message)

    async def _speak(self, message: TtsSay) -> None:
        for i, part in enumerate(_SOUND.split(message.text)):  # text, sound, text, ...
            if self._cut:
                return
            if i % 2 == 0 and part.strip():
                wav = await self._synthesise(part, message.lang)
            elif i % 2 and part in self._sounds:
                wav = self._sounds[part]
            else:
                if i % 2:
                    await self._fail(message, f"no sound {part!r} is registered")
                continue
            if not self._cut:
                await self._play(wav if message.volume is None else scaled(wav, max(0.0, min(1.0, message.volume))))

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
