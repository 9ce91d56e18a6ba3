"""Streams, volume, registered sounds, and speech cut short."""

import asyncio
import shutil

import numpy as np
import pytest

from tests.speech.test_speech import SECOND, Stage
from voice.bus import topics as t
from voice.bus.memory import LocalBus
from voice.clock import VirtualClock
from voice.speech.players import NullPlayer
from voice.speech.wav import encode, scaled, seconds

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


class Keeps:
    """A player that keeps what it played, and takes as long."""

    def __init__(self, clock):
        self.wavs, self.stops, self._silence = [], 0, NullPlayer(clock)

    async def play(self, wav):
        self.wavs.append(wav)
        return await self._silence.play(wav)

    def stop(self):
        self.stops += 1


@pytest.fixture
async def stage():
    clock = VirtualClock()
    async with LocalBus() as bus:
        stage = Stage(bus, clock, player=Keeps(clock))
        for model in (t.StreamFinished, t.Voices, t.G2pPhonemes):
            t.on(bus, model, stage.see)
        stage.played = stage.service.playback._player.wavs
        yield stage
        await stage.service.close()


def tone(n):
    return encode(np.full(16_000, n / 100, np.float32), 16_000)


def chunk(number, *, last=False, site="default", stream="s"):
    return t.PlayBytesStreaming(site, stream, number, int(last), tone(number))


async def test_chunks_are_played_in_their_order_and_the_stream_is_finished_once(stage):
    for number in (1, 0, 2):
        await stage.send(chunk(number, last=number == 2))
    await stage.advance(1.5)
    assert stage.all(t.StreamFinished) == []
    assert not stage.hotword_on()
    await stage.advance(2)
    assert stage.played == [tone(0), tone(1), tone(2)]
    assert [(done.id, done.site_id) for done in stage.all(t.StreamFinished)] == [("s", "default")]
    assert stage.all(t.ErrorMessage) == []
    assert stage.hotword_on()


async def test_a_missing_chunk_is_waited_for_and_then_left_out(stage):
    for number in (0, 2):
        await stage.send(chunk(number, last=number == 2))
    await stage.advance(2.9)
    assert stage.played == [tone(0)]
    await stage.advance(1.2)
    assert stage.played == [tone(0), tone(2)]
    assert len(stage.all(t.StreamFinished)) == 1


async def test_a_stream_without_an_end_ends_with_a_fault(stage):
    await stage.send(chunk(0))
    await stage.advance(3.1)
    assert [error.component for error in stage.all(t.ErrorMessage)] == ["audioServer/play"]
    assert len(stage.all(t.StreamFinished)) == 1
    assert stage.hotword_on()


async def test_a_stream_and_a_sound_wait_for_each_other(stage):
    await stage.send(chunk(0))
    await stage.send(t.PlayBytes("default", "r", tone(9)))
    await stage.advance(1)
    await stage.send(chunk(1, last=True))
    await stage.advance(2)
    assert stage.played == [tone(0), tone(1), tone(9)]


async def test_a_flood_of_chunks_is_bounded(stage):
    for number in range(1, 1000):
        await stage.send(chunk(number))
    assert len(stage.service.playback._streams["s"]._waiting) == 256
    await stage.send(chunk(0, site="elsewhere"))
    assert stage.played == []


@pytest.mark.parametrize("levels", ["s/x/0", "s/-1/0", "s/1/2", "s/1/true", "s/" + "9" * 20 + "/0"])
async def test_a_chunk_with_a_wrong_number_is_answered_with_a_fault(stage, levels):
    await stage.bus.publish(f"hermes/audioServer/default/playBytesStreaming/{levels}", SECOND)
    await stage.settle()
    assert [error.component for error in stage.all(t.ErrorMessage)] == ["audioServer"]


async def test_speech_is_cut_short_and_everything_is_finished(stage):
    await stage.send(t.TtsSay(text="one", id="1"))
    await stage.send(t.TtsSay(text="two", id="2"))
    await stage.send(chunk(0))
    await stage.advance(0.5)
    await stage.send(t.TtsStop())
    assert sorted(done.id for done in stage.all(t.TtsSayFinished)) == ["1", "2"]
    assert len(stage.all(t.PlayFinished)) == len(stage.all(t.StreamFinished)) == 1
    assert stage.service.playback._player.stops == 1
    assert stage.all(t.ErrorMessage) == []
    assert stage.hotword_on()
    await stage.send(t.TtsSay(text="three", id="3"))
    await stage.advance(1)
    assert stage.all(t.TtsSayFinished)[-1].id == "3"


async def test_another_sites_stop_stops_nothing(stage):
    await stage.send(t.TtsSay(text="one", id="1"))
    await stage.send(t.TtsStop(site_id="kitchen"))
    assert stage.all(t.TtsSayFinished) == []


async def test_the_volume_holds_for_what_follows(stage):
    await stage.send(t.SetVolume(volume=0.5))
    await stage.send(t.PlayBytes("default", "r", tone(40)))
    await stage.advance(1)
    assert np.abs(np.frombuffer(stage.played[0][-20:], "<i2")).max() == pytest.approx(0.2 * 32768, abs=2)
    await stage.bus.publish("rhasspy/audioServer/setVolume", b'{"volume": 7}')
    await stage.settle()
    assert len(stage.all(t.ErrorMessage)) == 1


async def test_a_registered_sound_stands_in_a_text(stage):
    await stage.send(t.RegisterSound("gong", tone(7)))
    await stage.send(t.TtsSay(text="Dinner [[sound:gong]] is [[sound:none]] ready.", id="1"))
    await stage.advance(4)
    assert stage.played == [SECOND, tone(7), SECOND, SECOND]
    assert ["no sound 'none'" in error.error for error in stage.all(t.ErrorMessage)] == [True]
    assert len(stage.all(t.TtsSayFinished)) == 1


async def test_registered_sounds_are_bounded(stage):
    await stage.send(t.RegisterSound("long", SECOND + bytes(2**20)))
    assert len(stage.all(t.ErrorMessage)) == 1
    for number in range(40):
        await stage.send(t.RegisterSound(str(number), SECOND))
    assert len(stage.service.tts._sounds) == 32


async def test_with_barge_in_the_wake_word_is_left_on():
    clock = VirtualClock()
    async with LocalBus() as bus:
        stage = Stage(bus, clock, player=Keeps(clock))
        await stage.service.close()
        service = type(stage.service)(
            bus, clock=clock, player=Keeps(clock), voice=stage.service.tts._synthesise, hotword_off=False
        )
        await stage.send(t.TtsSay(text="one", id="1"))
        await stage.advance(1)
        assert len(stage.all(t.TtsSayFinished)) == 1
        assert stage.all(t.HotwordToggleOff) == []
        await service.close()


@needs_espeak
async def test_voices_and_pronunciations_are_the_synthesisers(stage):
    answered = [asyncio.Event(), asyncio.Event()]
    for model, event in zip((t.Voices, t.G2pPhonemes), answered, strict=True):
        t.on(stage.bus, model, lambda _, event=event: asyncio.sleep(0, event.set()))
    await t.send(stage.bus, t.GetVoices(id="v"))
    await t.send(stage.bus, t.G2pPronounce(words=["kitchen", "--", "hall light", "kitchen"], id="g"))
    async with asyncio.timeout(20):
        await asyncio.gather(*(event.wait() for event in answered))
    await stage.settle()
    assert "en-gb" in {voice.voice_id for voice in stage.all(t.Voices)[0].voices}
    (said,) = stage.all(t.G2pPhonemes)
    assert said.id == "g"
    assert said.word_phonemes["kitchen"][0].phonemes[0] == "k"
    assert said.word_phonemes["--"] == []
    assert {"h", "l"} <= set(said.word_phonemes["hall light"][0].phonemes)


def test_scaling_keeps_the_length():
    assert seconds(scaled(tone(50), 0.1)) == 1.0
    assert scaled(tone(50), 1.0) == tone(50)
