"""Tones for what the dialogue does: woken, acknowledged without words, failed."""

import secrets

from voice.bus.base import Bus
from voice.bus.topics import (
    HotwordDetected,
    PlayBytes,
    SessionEnded,
    SessionStarted,
    SoundToggleOff,
    SoundToggleOn,
    TtsSay,
    on,
    send,
)
from voice.speech.settings import Sound, SoundSettings
from voice.speech.sounds import tone_wav

_FAILED = frozenset({"intentNotRecognized", "timeout", "error"})


class Feedback:
    """Plays a site's tones. Nothing waits for them.

    Args:
        bus: Hermes.
        settings: the tones'.
        site_id: the site.
    """

    def __init__(self, bus: Bus, settings: SoundSettings, site_id: str) -> None:
        self._bus = bus
        self._settings = settings
        self._site = site_id
        self._on = settings.enabled
        self._spoken = False
        self._unasked = False
        self._unsubscribe = (
            on(bus, HotwordDetected, self._woken),
            on(bus, SessionStarted, self._started),
            on(bus, TtsSay, self._speaking),
            on(bus, SessionEnded, self._ended),
            on(bus, SoundToggleOn, self._toggle),
            on(bus, SoundToggleOff, self._toggle),
        )

    async def close(self) -> None:
        """Play no more tones."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    async def _woken(self, message: HotwordDetected) -> None:
        if message.site_id == self._site:
            await self._play("wake")

    async def _started(self, message: SessionStarted) -> None:
        if message.site_id == self._site:
            self._spoken = self._unasked = message.reactivated_from_session_id is not None

    async def _speaking(self, message: TtsSay) -> None:
        if message.site_id == self._site:
            self._spoken = True

    async def _ended(self, message: SessionEnded) -> None:
        if message.site_id != self._site:
            return
        if message.termination.reason in _FAILED:
            if not self._unasked:  # what nobody asked for may fail without a sound
                await self._play("error")
        elif not self._spoken:
            await self._play("end")

    async def _toggle(self, message: SoundToggleOn | SoundToggleOff) -> None:
        if message.site_id == self._site:
            self._on = isinstance(message, SoundToggleOn)

    async def _play(self, sound: Sound) -> None:
        if self._on:
            request = f"{sound}-{secrets.token_hex(4)}"
            await send(self._bus, PlayBytes(self._site, request, tone_wav(sound, self._settings.level_db)))
