"""The dialogue on a bus, with a clock of its own."""

import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    AsrStartListening,
    AsrTextCaptured,
    Configure,
    ContinueSession,
    EndSession,
    HotwordDetected,
    IntentName,
    IntentSwitch,
    NluIntentParsed,
    NluQuery,
    SessionEnded,
    SessionStarted,
    on,
    send,
)
from voice.clock import VirtualClock
from voice.dialogue.manager import DialogueManager


class Recorder:
    """Remembers messages, and answers every text with one intent."""

    def __init__(self, bus, intent="LightOn"):
        self.bus, self.intent, self.seen = bus, intent, []
        for model in (SessionStarted, SessionEnded, AsrStartListening, NluQuery):
            on(bus, model, self.see)

    async def see(self, message):
        self.seen.append(message)
        if isinstance(message, NluQuery):
            name = IntentName(intent_name=self.intent)
            parsed = NluIntentParsed(input=message.input, intent=name, id=message.id, session_id=message.session_id)
            await send(self.bus, parsed)

    def last(self, kind):
        return [message for message in self.seen if isinstance(message, kind)][-1]

    def count(self, kind):
        return sum(isinstance(message, kind) for message in self.seen)


@pytest.fixture
async def stage():
    clock = VirtualClock()
    async with LocalBus() as bus:
        manager = DialogueManager(bus, handles=lambda intent, session: intent == "LightOn", clock=clock)
        yield bus, clock, Recorder(bus)
        await manager.close()


async def until_handling(bus, recorder, site="default"):
    await send(bus, HotwordDetected(model_id="computer", site_id=site))
    await bus.drain()
    session = recorder.last(SessionStarted).session_id
    await send(bus, AsrTextCaptured(text="turn on the light", session_id=session, site_id=site))
    await bus.drain()
    return session


async def test_a_session_from_wake_to_end(stage):
    bus, _, recorder = stage
    session = await until_handling(bus, recorder)
    await send(bus, EndSession(session_id=session))
    await bus.drain()
    assert recorder.last(SessionEnded).termination.reason == "nominal"


async def test_nobody_handles_it_and_it_ends_after_the_grace(stage):
    bus, clock, recorder = stage
    recorder.intent = "Nobody"
    await until_handling(bus, recorder)
    await clock.advance(0.29, bus.drain)
    assert recorder.count(SessionEnded) == 0
    await clock.advance(0.02, bus.drain)
    assert recorder.last(SessionEnded).termination.reason == "intentNotRecognized"


async def test_a_handler_that_never_answers_times_out(stage):
    bus, clock, recorder = stage
    await until_handling(bus, recorder)
    await clock.advance(16, bus.drain)
    assert recorder.last(SessionEnded).termination.component == "skill"


async def test_two_sites_do_not_disturb_each_other(stage):
    bus, _, recorder = stage
    kitchen = await until_handling(bus, recorder, "kitchen")
    bedroom = await until_handling(bus, recorder, "bedroom")
    await send(bus, EndSession(session_id=kitchen))
    await send(bus, ContinueSession(session_id=bedroom))
    await bus.drain()
    assert recorder.last(SessionEnded).site_id == "kitchen"
    assert (recorder.count(SessionEnded), recorder.last(AsrStartListening).site_id) == (1, "bedroom")


async def test_malformed_messages_change_nothing(stage):
    bus, _, recorder = stage
    for topic in (
        "hermes/dialogueManager/startSession",
        "hermes/dialogueManager/endSession",
        "hermes/asr/textCaptured",
    ):
        for payload in (b"", b"[1]", b'{"init":', b"\xff\xfe", b'{"init": {"type": "other"}}'):
            await bus.publish(topic, payload)
    await bus.drain()
    assert recorder.count(SessionStarted) == 0
    await until_handling(bus, recorder)
    assert recorder.count(SessionStarted) == 1


async def test_an_intent_can_be_switched_off_before_a_site_was_ever_heard(stage):
    bus, _, recorder = stage
    await send(bus, Configure(intents=[IntentSwitch(intent_id="LightOn", enable=False)]))
    await bus.drain()
    await until_handling(bus, recorder)
    assert recorder.last(SessionEnded).termination.reason == "intentNotRecognized"
