"""The speaker side of Hermes: sounds and streams in, sound out, a `finished` message always, in order."""

import asyncio
import contextlib

from voice.audio.played import Played
from voice.audio.speaker import at_16_khz
from voice.bus.base import Bus
from voice.bus.topics import (
    ErrorMessage,
    HotwordToggleOff,
    HotwordToggleOn,
    PlayBytes,
    PlayBytesStreaming,
    PlayFinished,
    SetVolume,
    StreamFinished,
    TtsStop,
    on,
    safe_level,
    send,
)
from voice.clock import Clock, within
from voice.errors import AudioError
from voice.speech.players import Player
from voice.speech.settings import SpeechSettings
from voice.speech.streams import Stream
from voice.speech.wav import scaled, seconds

REASON = "playAudio"


class Playback:
    """Plays one site's sounds one after another; the wake word is off meanwhile, so that it can't wake itself.

    Args:
        bus: Hermes.
        player: where sounds go.
        settings: limits.
        site_id: the site.
        clock: for deadlines.
        hotword_off: False leaves the wake word on, for barge-in.
        played: told what is played, so that it isn't taken for a voice.
    """

    def __init__(
        self,
        bus: Bus,
        player: Player,
        settings: SpeechSettings,
        site_id: str,
        clock: Clock,
        *,
        hotword_off: bool = True,
        played: Played | None = None,
    ) -> None:
        self._bus = bus
        self._player = player
        self._settings = settings
        self._site = site_id
        self._clock = clock
        self._hotword_off = hotword_off
        self._played = played
        self._volume = 1.0
        self._waiting: asyncio.Queue[PlayBytes | Stream] = asyncio.Queue(settings.waiting)
        self._streams: dict[str, Stream] = {}
        self._sound: asyncio.Task[float] | None = None
        self._unsubscribe = (
            on(bus, PlayBytes, self._receive),
            on(bus, PlayBytesStreaming, self._receive_chunk),
            on(bus, TtsStop, self._stop),
            on(bus, SetVolume, self._set_volume),
        )
        self._worker = asyncio.create_task(self._work(), name="playback")

    async def close(self) -> None:
        """Stop the sound and take no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._player.stop()
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    def _ours(self, site_id: str) -> bool:
        return site_id in (self._site, safe_level(self._site))

    async def _receive(self, message: PlayBytes) -> None:
        if self._ours(message.site_id):
            await self._queue(message)

    async def _receive_chunk(self, message: PlayBytesStreaming) -> None:
        if not self._ours(message.site_id):
            return
        stream = self._streams.get(message.stream_id)
        if stream is None:
            stream = Stream(message.stream_id, self._clock, self._settings.slack_s)
            if not await self._queue(stream):
                return
            self._streams[message.stream_id] = stream
        stream.take(message)

    async def _queue(self, item: PlayBytes | Stream) -> bool:
        try:
            self._waiting.put_nowait(item)
        except asyncio.QueueFull:
            await self._fail(item, f"{self._settings.waiting} sounds are waiting")
            await self._finished(item)
            return False
        return True

    async def _set_volume(self, message: SetVolume) -> None:
        if message.site_id == self._site:
            self._volume = message.volume

    async def _stop(self, message: TtsStop) -> None:
        """Forget what waits and cut short what is heard; each is finished as ever."""
        if message.site_id != self._site:
            return
        while not self._waiting.empty():
            await self._finished(self._waiting.get_nowait())
        for stream in self._streams.values():
            stream.cut = True
        if self._sound is not None:
            self._player.stop()
            self._sound.cancel()

    async def _work(self) -> None:
        while True:
            item = await self._waiting.get()
            if self._hotword_off:
                await send(self._bus, HotwordToggleOff(site_id=self._site, reason=REASON))
            try:
                if isinstance(item, Stream):
                    await self._play_stream(item)
                else:
                    await self._play(item.wav)
            except (AudioError, TimeoutError) as error:
                hangs = "the loudspeaker does not finish"
                await self._fail(item, hangs if isinstance(error, TimeoutError) else str(error))
            finally:
                if self._hotword_off:
                    await send(self._bus, HotwordToggleOn(site_id=self._site, reason=REASON))
                await self._finished(item)

    async def _play_stream(self, stream: Stream) -> None:
        async for wav in stream.chunks():
            await self._play(wav)
        if stream.incomplete:
            await self._fail(stream, "a stream without its last chunk")

    async def _play(self, wav: bytes) -> None:
        """Play a sound to its end, or to where it is cut short.

        Raises:
            AudioError: it can't be played.
            TimeoutError: it does not end; the player is stopped.
        """
        limit = seconds(wav) + self._settings.slack_s
        if self._played is not None:
            self._played.begin(await asyncio.to_thread(at_16_khz, wav))
        playing = self._player.play(scaled(wav, self._volume))
        self._sound = asyncio.ensure_future(within(self._clock, limit, playing))
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._sound
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError
        except TimeoutError:
            self._player.stop()
            raise
        finally:
            self._sound.cancel()
            self._sound = None
            if self._played is not None:
                self._played.end()

    async def _fail(self, item: PlayBytes | Stream, reason: str) -> None:
        fault = ErrorMessage(component="audioServer/play", error=reason, site_id=self._site, context=item.request_id)
        await send(self._bus, fault)

    async def _finished(self, item: PlayBytes | Stream) -> None:
        if isinstance(item, Stream):
            self._streams.pop(item.request_id, None)
            await send(self._bus, StreamFinished(id=item.request_id, site_id=self._site))
        else:
            await send(self._bus, PlayFinished(id=item.request_id, site_id=self._site))
