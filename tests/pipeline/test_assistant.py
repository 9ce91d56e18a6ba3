"""The loop on a source that isn't live: the audio waits for the dialogue, so that nothing is said to deaf ears."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import numpy as np

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    AsrStartListening,
    AsrTextCaptured,
    AsrToggleOff,
    AsrToggleOn,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    SessionEnded,
    Termination,
    on,
    send,
)
from voice.events import RATE, Chunk, Intent, Segment, Transcript, Wake
from voice.pipeline.arbiter import ArbiterSettings, Understander
from voice.pipeline.assistant import Assistant, AssistantSettings
from voice.pipeline.ears import Ears
from voice.pipeline.segmenter import Segmenter
from voice.stages import LogProbs

STEP = 1280
ENDED = SessionEnded(session_id="s", termination=Termination(reason="nominal"))


class Recording:
    """Silence of so many seconds, as fast as it is taken."""

    live = False

    def __init__(self, seconds: float) -> None:
        self.taken = 0
        self._n_chunks = round(seconds * RATE / STEP)

    async def stands_still(self) -> None:
        """Return when no chunk is taken for a thousand turns of the loop."""
        before = -1
        while before != self.taken:
            before = self.taken
            for _ in range(1000):
                await asyncio.sleep(0)

    async def chunks(self) -> AsyncIterator[Chunk]:
        for i in range(self._n_chunks):
            self.taken += 1
            yield Chunk(np.zeros(STEP, np.float32), i * STEP)

    async def close(self) -> None:
        """Nothing is open."""


class WakesAt:
    """Hears the wake word at given seconds."""

    model_ids = ("computer",)

    def __init__(self, *seconds: float) -> None:
        self._at = [round(at * RATE) for at in seconds]

    def process(self, chunk: Chunk) -> Wake | None:
        return next((Wake("computer", 1.0, at) for at in self._at if chunk.start <= at < chunk.end), None)

    def reset(self) -> None:
        """Nothing is kept."""


class SpeechAt:
    """Hears speech for half a second from given seconds on."""

    def __init__(self, *seconds: float) -> None:
        self._ranges = [(round(at * RATE), round((at + 0.5) * RATE)) for at in seconds]

    def process(self, chunk: Chunk) -> float:
        return float(any(start <= chunk.start < end for start, end in self._ranges))

    def reset(self) -> None:
        """Nothing is kept."""


class Words:
    """Recogniser, grammar and parser that know one sentence."""

    def transcribe(self, segment: Segment) -> Transcript:
        return Transcript("hello", 1.0)

    def log_probs(self, segment: Segment) -> LogProbs:
        return np.zeros((0, 0), np.float32)

    def decode(self, log_probs: LogProbs, intent_filter: Sequence[str] | None = None) -> Intent | None:
        return Intent("Hello", text="hello")

    def parse(self, text: str, intent_filter: Sequence[str] | None = None) -> Intent | None:
        return None

    parse_open = parse


class Dialogue:
    """Listens after each wake, and speaks after each utterance: until the recording waits for it, else for ever."""

    def __init__(self, bus: LocalBus, recording: Recording | None = None) -> None:
        self.wakes: list[int] = []
        self.texts: list[str] = []
        self._bus = bus
        self._recording = recording
        on(bus, HotwordDetected, self._woken)
        on(bus, AsrTextCaptured, self._heard)

    async def _woken(self, message: HotwordDetected) -> None:
        self.wakes.append(message.detection_signal_ms or 0)
        await send(self._bus, AsrStartListening(session_id="s"))

    async def _heard(self, message: AsrTextCaptured) -> None:
        self.texts.append(message.text)
        await send(self._bus, HotwordToggleOff(reason="ttsSay"))
        await send(self._bus, ENDED)
        if self._recording:
            await self._recording.stands_still()
            await send(self._bus, HotwordToggleOn(reason="ttsSay"))


def assistant(bus: LocalBus, wakes: Sequence[float], settings: AssistantSettings | None = None) -> Assistant:
    words = Words()
    ears = Ears([WakesAt(*wakes)], SpeechAt(*(at + 0.5 for at in wakes)), Segmenter())
    return Assistant(bus, ears, Understander(None, words, words, words, ArbiterSettings()), settings)


async def test_a_recording_waits_while_its_answer_is_spoken() -> None:
    async with LocalBus() as bus:
        recording = Recording(10)
        dialogue, loop = Dialogue(bus, recording), assistant(bus, [1, 4, 7])
        await loop.run(recording)
        await loop.close()
    assert dialogue.wakes == [1000, 4000, 7000]
    assert dialogue.texts == ["hello"] * 3


async def test_a_dialogue_that_stands_still_costs_patience_once_and_not_for_each_chunk() -> None:
    settings = AssistantSettings(patience_s=0.1)
    async with LocalBus() as bus:
        dialogue, loop = Dialogue(bus), assistant(bus, [1, 4], settings)
        started = time.monotonic()
        await loop.run(Recording(20))
        await loop.close()
    assert dialogue.wakes == [1000]  # the wake word is held off for ever
    assert time.monotonic() - started < 5  # 250 chunks


async def test_without_a_dialogue_the_recording_goes_on() -> None:
    async with LocalBus() as bus:
        loop = assistant(bus, [1], AssistantSettings(patience_s=0.1))
        started = time.monotonic()
        await loop.run(Recording(20))
        await loop.close()
    assert time.monotonic() - started < 5
    assert loop.phase == "woken"


async def test_a_recogniser_that_is_off_says_at_once_that_it_heard_nothing() -> None:
    async with LocalBus() as bus:
        texts: list[str] = []

        async def heard(message: AsrTextCaptured) -> None:
            texts.append(message.text)

        on(bus, AsrTextCaptured, heard)
        loop = assistant(bus, [])
        off = [AsrToggleOff(reason="visitors"), AsrToggleOff(reason="night"), AsrToggleOff(site_id="elsewhere")]
        for message in (*off, AsrToggleOn(reason="night"), AsrStartListening(session_id="s")):
            await send(bus, message)
            await bus.drain()
        assert texts == [""]
        for message in (AsrToggleOn(), AsrStartListening(session_id="s")):
            await send(bus, message)
            await bus.drain()
        assert texts == [""]
        assert loop.phase == "listening"
        await loop.close()
