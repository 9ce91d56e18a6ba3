"""The speaker side of Hermes: `playBytes` in, sound out, `playFinished` always, in order."""

import asyncio

from voice.bus.base import Bus
from voice.bus.topics import (
    ErrorMessage,
    HotwordToggleOff,
    HotwordToggleOn,
    PlayBytes,
    PlayFinished,
    on,
    safe_level,
    send,
)
from voice.clock import Clock, within
from voice.errors import AudioError
from voice.speech.players import Player
from voice.speech.settings import SpeechSettings
from voice.speech.wav import seconds

REASON = "playAudio"


class Playback:
    """Plays one site's sounds one after another; the wake word is off meanwhile, so that it can't wake itself.

    Args:
        bus: Hermes.
        player: where sounds go.
        settings: limits.
        site_id: the site.
        clock: for deadlines.
    """

    def __init__(self, bus: Bus, player: Player, settings: SpeechSettings, site_id: str, clock: Clock) -> None:
        self._bus = bus
        self._player = player
        self._settings = settings
        self._site = site_id
        self._clock = clock
        self._waiting: asyncio.Queue[PlayBytes] = asyncio.Queue(settings.waiting)
        self._unsubscribe = on(bus, PlayBytes, self._receive)
        self._worker = asyncio.create_task(self._work(), name="playback")

    async def close(self) -> None:
        """Stop the sound and take no more."""
        self._unsubscribe()
        self._player.stop()
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def _receive(self, message: PlayBytes) -> None:
        if message.site_id not in (self._site, safe_level(self._site)):
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            await self._fail(message, f"{self._settings.waiting} sounds are waiting")
            await self._finished(message)

    async def _work(self) -> None:
        while True:
            message = await self._waiting.get()
            await send(self._bus, HotwordToggleOff(site_id=self._site, reason=REASON))
            try:
                limit = seconds(message.wav) + self._settings.slack_s
                await within(self._clock, limit, self._player.play(message.wav))
            except AudioError as error:
                await self._fail(message, str(error))
            except TimeoutError:
                self._player.stop()
                await self._fail(message, "the loudspeaker does not finish")
            finally:
                await send(self._bus, HotwordToggleOn(site_id=self._site, reason=REASON))
                await self._finished(message)

    async def _fail(self, message: PlayBytes, reason: str) -> None:
        fault = ErrorMessage(component="audioServer/play", error=reason, site_id=self._site, context=message.request_id)
        await send(self._bus, fault)

    async def _finished(self, message: PlayBytes) -> None:
        await send(self._bus, PlayFinished(id=message.request_id, site_id=self._site))
