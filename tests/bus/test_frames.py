"""Audio over Hermes: frames out and in, replay, level; all bounded, all off by default."""

import asyncio
import contextlib

import numpy as np
import pytest

from tests.bus.test_sound import chunk, form, riff
from voice.bus import topics as t
from voice.bus.frames import FrameSettings, FrameSource, FrameTap, energy
from voice.bus.memory import LocalBus
from voice.clock import VirtualClock
from voice.events import Chunk

STEP = 1280
RAMP = (np.arange(STEP * 20) % 2000 / 4000).astype(np.float32)


class Recording:
    """RAMP, a chunk at a time; once more for each run."""

    live = True

    def __init__(self):
        self.closed, self.at = False, 0

    async def chunks(self):
        for start in range(0, len(RAMP), STEP):
            yield Chunk(RAMP[start : start + STEP], self.at + start)
        self.at += len(RAMP)

    async def close(self):
        self.closed = True


class Room:
    def __init__(self, bus, **settings):
        self.bus, self.seen, self.source = bus, [], Recording()
        self.tap = FrameTap(self.source, bus, FrameSettings(**settings), "default")
        for model in (t.AudioFrame, t.AudioSummary, t.ErrorMessage):
            t.on(bus, model, self.note)

    async def note(self, message):
        self.seen.append(message)

    async def run(self):
        passed = [chunk.samples async for chunk in self.tap.chunks()]
        await self.bus.drain()
        np.testing.assert_array_equal(np.concatenate(passed), RAMP)

    def all(self, kind):
        return [message for message in self.seen if isinstance(message, kind)]

    def audio(self):
        return np.concatenate([t.read_wav(frame.wav).samples for frame in self.all(t.AudioFrame)])


@contextlib.asynccontextmanager
async def room(**settings):
    async with LocalBus() as bus:
        room = Room(bus, **settings)
        yield room
        await room.tap.close()
        assert room.source.closed


async def test_by_default_nobody_gets_audio_and_who_asks_is_told_why():
    async with room() as stage:
        await t.send(stage.bus, t.AudioToggleOn())
        await t.send(stage.bus, t.ReplayRequest(request_id="r", start_at_ms=0))
        await stage.bus.drain()
        await stage.run()
        assert stage.all(t.AudioFrame) == []
        assert [error.component for error in stage.all(t.ErrorMessage)] == ["audioServer/record"] * 2


@pytest.mark.parametrize(("samples", "timed"), [(1024, False), (256, True)])
async def test_frames_have_rhasspys_or_snips_form(samples, timed):
    async with room(publish="always", samples=samples) as stage:
        await stage.run()
        frames = [t.read_wav(frame.wav) for frame in stage.all(t.AudioFrame)]
        assert {len(frame.samples) for frame in frames} == {samples}
        assert [frame.capture_ms for frame in frames[:3]] == ([0, 16, 32] if timed else [None] * 3)
        np.testing.assert_allclose(stage.audio(), RAMP[: len(stage.audio())], atol=1 / 32768)
        assert len(stage.audio()) > len(RAMP) - samples


async def test_frames_are_sent_while_they_are_asked_for():
    async with room(publish="asked") as stage:
        await stage.run()
        assert stage.all(t.AudioFrame) == []
        for toggle, more in ((t.AudioToggleOn(site_id="kitchen"), 0), (t.AudioToggleOn(), 25), (t.AudioToggleOff(), 0)):
            before = len(stage.all(t.AudioFrame))
            await t.send(stage.bus, toggle)
            await stage.bus.drain()
            await stage.run()
            assert len(stage.all(t.AudioFrame)) - before == more


async def test_a_replay_is_marked_counted_down_and_bounded():
    async with room(publish="asked", samples=256, replay_s=1.0) as stage:
        await stage.run()
        await t.send(stage.bus, t.ReplayRequest(request_id="odd", start_at_ms=1500))
        await stage.bus.drain()
        frames = [t.read_wav(frame.wav) for frame in stage.all(t.AudioFrame)]
        assert {frame.replay_of for frame in frames} == {"odd"}
        assert frames[0].capture_ms in range(1480, 1501)
        assert b"rprf\x04\0\0\0\0\0\0\0" in stage.all(t.AudioFrame)[-1].wav
        await t.send(stage.bus, t.ReplayRequest(request_id="again", start_at_ms=-(10**9)))
        await stage.bus.drain()
        assert len(stage.all(t.AudioFrame)) == len(frames)
        assert "within" in stage.all(t.ErrorMessage)[0].error
        await stage.run()
        await t.send(stage.bus, t.ReplayRequest(request_id="all", start_at_ms=-(10**9)))
        await stage.bus.drain()
        assert len(stage.all(t.AudioFrame)) - len(frames) == 62


async def test_the_level_is_told_while_it_is_asked_for():
    async with room() as stage:
        await t.send(stage.bus, t.SummaryToggleOn())
        await stage.bus.drain()
        await stage.run()
        assert len(stage.all(t.AudioSummary)) == 6
        assert stage.all(t.AudioSummary)[0].debiased_energy == energy(RAMP[:4000])
        await t.send(stage.bus, t.SummaryToggleOff())
        await stage.bus.drain()
        await stage.run()
        assert len(stage.all(t.AudioSummary)) == 6


def test_energy_is_about_the_mean():
    assert energy(np.full(100, 0.5, np.float32)) == 0
    assert energy(np.tile([0.5, -0.5], 50).astype(np.float32)) == pytest.approx(16384)


async def frames_in(payloads, *, site="sat", n=1, **arguments):
    """Return the first chunks that a source makes of payloads, and the source."""
    async with LocalBus() as bus:
        errors = []

        async def note(message: t.ErrorMessage) -> None:
            errors.append(message.error)

        t.on(bus, t.ErrorMessage, note)
        source = FrameSource(bus, "sat", **arguments)
        for payload in payloads:
            await bus.publish(f"hermes/audioServer/{site}/audioFrame", payload)
        await bus.drain()
        chunks = []
        async for piece in source.chunks():
            chunks.append(piece)
            if len(chunks) == n:
                await source.close()
        return chunks, source, errors


def frames(samples, **arguments):
    return [t.write_frame(RAMP[i : i + samples], **arguments) for i in range(0, len(RAMP) - samples, samples)]


@pytest.mark.parametrize("samples", [1024, 256, 300])
async def test_frames_of_any_length_become_the_loops_chunks(samples):
    chunks, source, errors = await frames_in(frames(samples), n=10)
    assert [piece.start for piece in chunks] == [STEP * i for i in range(10)]
    np.testing.assert_allclose(np.concatenate([c.samples for c in chunks]), RAMP[: STEP * 10], atol=1 / 32768)
    assert (source.dropped_samples, errors) == (0, [])


async def test_another_rate_is_resampled_and_channels_are_mixed():
    stereo = np.repeat((RAMP[:8000, None] * 32767).astype("<i2"), 2, axis=1)
    payload = riff(form(channels=2, rate=8000), chunk(b"data", stereo.tobytes()))
    chunks, _, errors = await frames_in([payload], n=10)
    assert sum(len(piece.samples) for piece in chunks) == 12_800
    assert errors == []


async def test_a_gap_in_the_capture_time_is_a_jump_of_the_sample_clock():
    payloads = [t.write_frame(RAMP[:STEP], capture_ms=ms) for ms in (0, 80, 1000, 1080)]
    chunks, _, _ = await frames_in(payloads, n=4)
    assert [piece.start for piece in chunks] == [0, 1280, 16_000, 17_280]


async def test_a_flood_drops_the_oldest_and_counts():
    chunks, source, _ = await frames_in(frames(1024) * 10, n=1, limit_s=1.0)
    assert source.dropped_samples > 0
    assert chunks[0].start == source.dropped_samples


async def test_replays_other_sites_and_what_is_no_sound_are_left_out():
    replay = t.write_frame(RAMP[:STEP], capture_ms=0, replay=("r", 0))
    good = t.write_frame(RAMP[:STEP])
    bad = riff(form(bits=8), chunk(b"data", b"\0\0"))
    chunks, _, errors = await frames_in([replay, bad, b"{}", good[:-10], b"RIFF" + bytes(2**19), good])
    assert chunks[0].start == 0
    assert len(errors) == 4
    async with LocalBus() as bus, asyncio.timeout(10):
        source = FrameSource(bus, "sat")
        await bus.publish("hermes/audioServer/other/audioFrame", good)
        await bus.publish("hermes/audioServer/sat/s1/audioSessionFrame", good)
        await bus.drain()
        first = await anext(source.chunks())
        assert len(first.samples) == STEP
        assert not source._waiting
        await source.close()


async def test_a_device_that_falls_silent_is_reported_once():
    clock, errors = VirtualClock(), []
    async with LocalBus() as bus, asyncio.timeout(10):

        async def note(message: t.ErrorMessage) -> None:
            errors.append(message.error)

        t.on(bus, t.ErrorMessage, note)
        source = FrameSource(bus, "sat", patience_s=5, clock=clock)
        reading = asyncio.create_task(anext(source.chunks()))
        for _ in range(3):
            await bus.drain()
            await clock.advance(6, bus.drain)
        await bus.drain()
        assert errors == ["no audio frames of site sat for 5 s"]
        await bus.publish("hermes/audioServer/sat/audioFrame", t.write_frame(RAMP[:STEP]))
        assert (await reading).start == 0
        await source.close()
