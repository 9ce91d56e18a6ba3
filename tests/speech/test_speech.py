"""Speech and sounds on the bus: finished exactly once, whatever fails; the wake word is off meanwhile."""

import asyncio
import itertools

import numpy as np
import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    ErrorMessage,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    PlayBytes,
    PlayFinished,
    SessionEnded,
    SessionStarted,
    SoundToggleOff,
    SoundToggleOn,
    Termination,
    TtsSay,
    TtsSayFinished,
    on,
    send,
)
from voice.clock import VirtualClock
from voice.errors import AudioError, DeviceError
from voice.speech.players import NullPlayer
from voice.speech.service import SpeechService
from voice.speech.settings import SpeechSettings
from voice.speech.wav import encode

WATCHED = (HotwordToggleOff, HotwordToggleOn, PlayBytes, PlayFinished, TtsSayFinished, ErrorMessage)
SECOND = encode(np.zeros(16_000, np.float32), 16_000)


class Stage:
    def __init__(self, bus, clock, player=None, voice=None, **settings):
        self.bus, self.clock, self.seen = bus, clock, []
        for model in WATCHED:
            on(bus, model, self.see)
        self.service = SpeechService(
            bus, SpeechSettings(**settings), clock=clock, player=player or NullPlayer(clock), voice=voice or a_second
        )

    async def see(self, message):
        self.seen.append(message)

    async def send(self, message):
        await send(self.bus, message)
        await self.settle()

    async def settle(self):
        for _ in range(20):
            await self.bus.drain()

    async def advance(self, seconds):
        await self.clock.advance(seconds, self.settle)
        await self.settle()

    def all(self, kind):
        return [message for message in self.seen if isinstance(message, kind)]

    def hotword_on(self):
        reasons = set()
        for message in self.seen:
            if isinstance(message, HotwordToggleOff):
                reasons.add(message.reason)
            elif isinstance(message, HotwordToggleOn):
                reasons.discard(message.reason)
        return not reasons


async def a_second(text, lang):
    return SECOND


@pytest.fixture
async def make():
    services = []
    async with LocalBus() as bus:

        def build(**arguments):
            stage = Stage(bus, VirtualClock(), **arguments)
            services.append(stage.service)
            return stage

        yield build
        for service in services:
            await service.close()


async def test_say_plays_and_finishes_once(make):
    stage = make()
    await stage.send(TtsSay(text="hello", id="1", session_id="s"))
    assert not stage.hotword_on()
    assert stage.all(TtsSayFinished) == []
    await stage.advance(1)
    (finished,) = stage.all(TtsSayFinished)
    assert (finished.id, finished.session_id, len(stage.all(PlayFinished))) == ("1", "s", 1)
    assert stage.hotword_on()


async def test_texts_are_spoken_one_after_another(make):
    stage = make()
    for number in range(3):
        await stage.send(TtsSay(text="hello", id=str(number)))
    for number in range(3):
        assert len(stage.all(PlayBytes)) == number + 1
        await stage.advance(1)
    assert [finished.id for finished in stage.all(TtsSayFinished)] == ["0", "1", "2"]


async def test_no_synthesiser_is_an_error_with_a_fix_and_finishes(make):
    stage = make(voice=None, tts={"program": "no-such-espeak"})
    await stage.service.tts.close()
    stage.service = SpeechService(
        stage.bus, SpeechSettings(tts={"program": "no-such-espeak"}), clock=stage.clock, player=NullPlayer(stage.clock)
    )
    say = TtsSay(text="hello", id="1", session_id="s")
    waiting = asyncio.Event()
    on(stage.bus, TtsSayFinished, lambda _: asyncio.sleep(0, waiting.set()))
    await send(stage.bus, say)
    await asyncio.wait_for(waiting.wait(), 5)
    await stage.settle()
    (error,) = stage.all(ErrorMessage)
    assert (error.component, "install it" in error.error, len(stage.all(TtsSayFinished))) == ("tts", True, 1)
    assert stage.hotword_on()
    await stage.service.close()


async def test_a_lost_play_finished_does_not_stop_speech(make):
    stage = make()
    await stage.service.playback.close()
    await stage.send(TtsSay(text="hello", id="1"))
    await stage.advance(4.9)
    assert stage.all(TtsSayFinished) == []
    await stage.advance(0.2)
    assert len(stage.all(TtsSayFinished)) == 1
    assert stage.hotword_on()


async def test_more_texts_than_may_wait_are_refused_but_finished(make):
    stage = make(tts={"waiting": 2})
    for number in range(6):
        await stage.send(TtsSay(text="hello", id=str(number)))
    await stage.advance(10)
    assert sorted(finished.id for finished in stage.all(TtsSayFinished)) == list("012345")
    assert len(stage.all(ErrorMessage)) == 3


async def test_nothing_to_say_is_finished_at_once(make):
    stage = make()
    await stage.send(TtsSay(text=" ", id="1"))
    assert len(stage.all(TtsSayFinished)) == 1
    assert stage.all(PlayBytes) == []


class BadPlayer:
    def __init__(self, error):
        self.error, self.stopped = error, False

    async def play(self, wav):
        if self.error:
            raise self.error
        await asyncio.Event().wait()

    def stop(self):
        self.stopped = True


@pytest.mark.parametrize("error", [AudioError("no sound"), DeviceError("no device")])
async def test_a_failed_play_is_an_error_and_finishes(make, error):
    stage = make(player=BadPlayer(error))
    await stage.send(PlayBytes("default", "r", SECOND))
    assert [(message.component, message.error) for message in stage.all(ErrorMessage)] == [
        ("audioServer/play", str(error))
    ]
    assert [finished.id for finished in stage.all(PlayFinished)] == ["r"]
    assert stage.hotword_on()


async def test_a_loudspeaker_that_hangs_is_stopped_and_finishes(make):
    player = BadPlayer(None)
    stage = make(player=player)
    await stage.send(PlayBytes("default", "r", SECOND))
    await stage.advance(2.9)
    assert stage.all(PlayFinished) == []
    await stage.advance(0.2)
    assert len(stage.all(PlayFinished)) == 1
    assert player.stopped
    assert stage.hotword_on()


async def test_other_sites_are_left_alone(make):
    stage = make()
    await stage.send(PlayBytes("kitchen", "r", SECOND))
    await stage.send(TtsSay(text="hello", site_id="kitchen"))
    await stage.advance(3)
    assert stage.all(PlayFinished) == stage.all(TtsSayFinished) == []


def tones(stage):
    return [message.request_id.split("-")[0] for message in stage.all(PlayBytes)]


async def session(stage, reason, *, text=""):
    numbers = itertools.count()
    await stage.send(SessionStarted(session_id="s"))
    if text:
        await stage.send(TtsSay(text=text, id=str(next(numbers)), session_id="s"))
        await stage.advance(1)
    await stage.send(SessionEnded(session_id="s", termination=Termination(reason=reason)))
    await stage.advance(1)


async def test_tones_say_what_the_dialogue_does(make):
    stage = make()
    await stage.send(HotwordDetected(model_id="computer"))
    await stage.advance(1)
    await session(stage, "nominal")
    await session(stage, "intentNotRecognized")
    assert tones(stage) == ["wake", "end", "error"]
    await session(stage, "nominal", text="Done.")
    await session(stage, "abortedByUser", text="")
    assert tones(stage)[3:] == [tones(stage)[3], "end"]


async def test_tones_can_be_switched_off_and_on(make):
    stage = make()
    await stage.send(SoundToggleOff())
    await stage.send(HotwordDetected(model_id="computer"))
    assert tones(stage) == []
    await stage.send(SoundToggleOn())
    await stage.send(HotwordDetected(model_id="computer"))
    assert tones(stage) == ["wake"]
