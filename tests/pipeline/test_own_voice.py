"""What the assistant says comes back through the room into its microphone, and never wakes it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.audio.test_echo import in_room
from voice.audio.files import read_audio
from voice.audio.played import Played
from voice.audio.speaker import at_16_khz
from voice.bus.memory import LocalBus
from voice.bus.topics import HotwordDetected, PlayBytes, TtsSay, on, send
from voice.events import RATE, Chunk, Samples
from voice.models.bundle import load_bundle
from voice.models.gate import SpeechGate
from voice.models.vad import WebRtcVad
from voice.models.wake import StreamingWakeDetector
from voice.pipeline.arbiter import ArbiterSettings, Understander
from voice.pipeline.assistant import Assistant
from voice.pipeline.ears import Ears
from voice.pipeline.own_voice import OwnVoice, OwnVoiceSettings
from voice.pipeline.segmenter import Segmenter
from voice.speech.service import SpeechService
from voice.speech.settings import SpeechSettings
from voice.speech.wav import encode

from .test_assistant import Words

DEMO = Path(__file__).parent.parent.parent / "voice" / "demo"
STEP = 1280
QUIET = SpeechSettings.model_validate({"sounds": {"enabled": False}})
WORD, STORY = read_audio(DEMO / "wake.flac"), read_audio(DEMO / "story.flac")


class Room:
    """A loudspeaker and a microphone in one room, on one clock: what is played is heard 60 ms later, with reflections.

    Args:
        voices: what people say there, each from a second on.
        seconds: how long the microphone listens.
    """

    live = True
    delay = RATE * 60 // 1000

    def __init__(self, seconds: float, voices: dict[float, Samples]) -> None:
        n = round(seconds * RATE)
        self.air = np.random.default_rng(3).normal(0, 3e-4, n + 40 * RATE).astype(np.float32)
        for at, voice in voices.items():
            start = round(at * RATE)
            self.air[start : start + len(voice)] += voice
        self._n, self._now = n, 0
        self._moved = asyncio.Condition()

    async def play(self, wav: bytes) -> float:
        """Let the sound be heard and return when it has been."""
        sound = at_16_khz(wav)
        start = self._now + self.delay
        self.air[start : start + len(sound)] += 0.5 * in_room(sound, 0.3, 0.0)
        end = self._now + len(sound)
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= min(end, self._n))
        return len(sound) / RATE

    def stop(self) -> None:
        """Nothing is cut short here."""

    async def chunks(self) -> AsyncIterator[Chunk]:
        while self._now < self._n:
            yield Chunk(self.air[self._now : self._now + STEP].copy(), self._now)
            async with self._moved:
                self._now += STEP
                self._moved.notify_all()
            for _ in range(20):  # whoever waits for the loudspeaker goes on before the next audio
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Nothing is open."""


async def wakes(room: Room, says: Samples, *, barge_in: bool, settings: OwnVoiceSettings | None = None) -> list[float]:
    """Return the seconds at which the wake word is heard while the assistant says something from 1 s on."""
    heard: list[float] = []
    played = Played() if barge_in else None

    async def note(message: HotwordDetected) -> None:
        heard.append((message.detection_signal_ms or 0) / 1000)

    async def voice(text: str, lang: str | None) -> bytes:
        return encode(says, RATE)

    async with LocalBus() as bus:
        on(bus, HotwordDetected, note)
        speech = SpeechService(bus, QUIET, player=room, voice=voice, hotword_off=not barge_in, played=played)
        detector = StreamingWakeDetector(load_bundle("computer", "wake"))
        own_voice = OwnVoice(played, settings)
        ears = Ears([detector], WebRtcVad(), Segmenter(), gate=SpeechGate(), own_voice=own_voice)
        words = Words()
        loop = Assistant(bus, ears, Understander(None, words, words, words, ArbiterSettings()))

        async def say() -> None:
            async with room._moved:
                await room._moved.wait_for(lambda: room._now >= RATE)
            await send(bus, TtsSay(text="whatever"))

        talk = asyncio.create_task(say())
        await loop.run(room)
        await talk
        await loop.close()
        await speech.close()
    return heard


async def test_while_it_speaks_it_hears_no_wake_word_and_afterwards_it_does() -> None:
    says = np.concatenate([STORY[:RATE], WORD, np.zeros(RATE // 10, np.float32), WORD])
    end = 1 + len(says) / RATE
    room = Room(end + 6, {end + 2: WORD})
    found = await wakes(room, says, barge_in=False)
    assert len(found) == 1
    assert found[0] > end + 2


async def test_what_is_left_of_it_in_the_room_does_not_wake_it_either() -> None:
    """Its last word is the wake word, and a slow loudspeaker lets it be heard a quarter of a second late."""
    says = np.concatenate([STORY[:RATE], WORD])
    found = []
    for tail_ms in (300, 0):
        room = Room(len(says) / RATE + 3, {})
        room.delay = RATE // 4
        found.append(await wakes(room, says, barge_in=False, settings=OwnVoiceSettings(tail_ms=tail_ms)))
    assert found[0] == []
    assert len(found[1]) == 1  # so it is the tail that keeps it quiet


async def test_in_barge_in_its_own_wake_word_is_refused_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    says = np.concatenate([STORY[:RATE], WORD, STORY[RATE : 2 * RATE]])
    with caplog.at_level(logging.INFO, "voice.pipeline.own_voice"):
        assert await wakes(Room(6, {}), says, barge_in=True) == []
    assert "computer was our own voice" in caplog.text
    open_ears = OwnVoiceSettings(echo_share=1.0)
    assert len(await wakes(Room(6, {}), says, barge_in=True, settings=open_ears)) == 1  # so it would have woken


async def test_in_barge_in_somebody_who_speaks_over_it_is_heard() -> None:
    found = await wakes(Room(8, {3.0: 2 * WORD}), STORY[: 6 * RATE], barge_in=True)
    assert len(found) == 1
    assert found[0] == pytest.approx(4.0, abs=0.4)


async def test_long_after_a_sound_nothing_is_compared() -> None:
    """The same recording from the other end of the room, later, is a voice."""
    says = np.concatenate([WORD])
    found = await wakes(Room(8, {5.0: WORD}), says, barge_in=True)
    assert len(found) == 1
    assert found[0] > 5


async def test_a_sound_that_is_no_wav_leaves_the_loudspeaker_free() -> None:
    async with LocalBus() as bus:
        played = Played()
        room = Room(1, {})
        speech = SpeechService(bus, QUIET, player=room, hotword_off=False, played=played)
        await send(bus, PlayBytes("default", "x", b"no sound"))
        await bus.drain()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not played.playing
        await speech.close()
