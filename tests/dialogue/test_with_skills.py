"""Dialogue, skills and speech together on one bus and one clock."""

import asyncio

import numpy as np
import pytest

from voice.bus.memory import LocalBus
from voice.bus.topics import (
    AsrStartListening,
    AsrTextCaptured,
    ErrorMessage,
    HermesSlot,
    HotwordDetected,
    HotwordToggleOff,
    HotwordToggleOn,
    IntentName,
    NluIntentNotRecognized,
    NluIntentParsed,
    NluQuery,
    SessionEnded,
    SessionStarted,
    SlotValue,
    TtsSay,
    on,
    send,
)
from voice.clock import VirtualClock
from voice.dialogue.manager import DialogueManager
from voice.nlu.parser import TemplateParser
from voice.nlu.templates import compile_grammar
from voice.skill import Ask, Skill
from voice.skill.host import SkillHost
from voice.speech.players import NullPlayer
from voice.speech.service import SpeechService
from voice.speech.wav import encode


async def half_a_second(text, lang):
    return encode(np.zeros(8000, np.float32), 16_000)


def a_skill():
    skill = Skill("tea", publishes=["home/tea"])

    @skill.intent("MakeTea", "make tea")
    def make_tea() -> Ask:
        return Ask("With milk?", expect=["Yes", "No"])

    @skill.answer("Yes")
    def yes() -> str:
        skill.publish("home/tea", {"milk": True})
        return "With milk."

    @skill.answer("No")
    def no() -> None:
        skill.publish("home/tea", {"milk": False})

    @skill.intent("Hang", "wait for ever")
    async def hang() -> None:
        await asyncio.Event().wait()

    @skill.intent("Remind", "remind me")
    def remind() -> None:
        skill.after(60, lambda: "Your tea is cold.")

    @skill.intent("Stop", "stop")
    def stop() -> None: ...

    return skill


class House:
    """A site whose ears are replaced by `say`."""

    def __init__(self, bus):
        self.bus, self.clock, self.seen = bus, VirtualClock(), []
        self.host = SkillHost(bus, [a_skill()], clock=self.clock)
        self.dialogue = DialogueManager(bus, None, self.host.handles, clock=self.clock)
        self.speech = SpeechService(bus, clock=self.clock, player=NullPlayer(self.clock), voice=half_a_second)
        self.parser = TemplateParser(compile_grammar(self.host.sentences()))
        kinds = (AsrStartListening, SessionStarted, SessionEnded, TtsSay, ErrorMessage, HotwordToggleOn)
        for model in (*kinds, HotwordToggleOff):
            on(bus, model, self.see)
        on(bus, NluQuery, self.understand)

    async def close(self):
        await self.dialogue.close()
        await self.host.close()
        await self.speech.close()

    async def see(self, message):
        self.seen.append(message)

    async def understand(self, query):
        ids = {"id": query.id, "session_id": query.session_id}
        intent = self.parser.parse(query.input, query.intent_filter)
        if intent is None:
            await send(self.bus, NluIntentNotRecognized(input=query.input, **ids))
            return
        slots = [HermesSlot(slot_name=slot.name, value=SlotValue(value=slot.value)) for slot in intent.slots]
        name = IntentName(intent_name=intent.name)
        await send(self.bus, NluIntentParsed(input=query.input, intent=name, slots=slots, **ids))

    def all(self, kind):
        return [message for message in self.seen if isinstance(message, kind)]

    async def settle(self):
        for _ in range(10):
            await self.bus.drain()
            await asyncio.sleep(0.001)

    async def wake(self):
        await send(self.bus, HotwordDetected(model_id="computer"))
        await self.settle()

    async def say(self, text):
        session = self.all(AsrStartListening)[-1].session_id
        await send(self.bus, AsrTextCaptured(text=text, session_id=session))
        await self.settle()

    async def advance(self, seconds):
        await self.clock.advance(seconds, self.settle)
        await self.settle()

    def hotword_on(self):
        off = [message.reason for message in self.all(HotwordToggleOff)]
        return sorted(off) == sorted(message.reason for message in self.all(HotwordToggleOn))


@pytest.fixture
async def house():
    async with LocalBus() as bus:
        house = House(bus)
        yield house
        await house.close()


async def test_a_question_and_its_answer_are_one_session(house):
    await house.wake()
    await house.say("make tea")
    assert len(house.all(AsrStartListening)) == 1, "it must not listen while it speaks"
    await house.advance(1)
    assert house.all(AsrStartListening)[-1].intent_filter == ["Yes", "No", "Stop"]
    await house.say("yes please")
    await house.advance(1)
    assert [message.text for message in house.all(TtsSay)] == ["With milk?", "With milk."]
    assert len(house.all(SessionStarted)) == len(house.all(SessionEnded)) == 1
    assert house.hotword_on()


@pytest.mark.parametrize(
    ("answer", "reason"), [("stop", "abortedByUser"), ("make tea", "intentNotRecognized"), ("no", "nominal")]
)
async def test_a_question_can_be_left(house, answer, reason):
    await house.wake()
    await house.say("make tea")
    await house.advance(1)
    await house.say(answer)
    await house.advance(1)
    assert [message.termination.reason for message in house.all(SessionEnded)] == [reason]
    assert house.hotword_on()


async def test_a_hanging_skill_leaves_no_session_open(house):
    await house.wake()
    await house.say("wait for ever")
    await house.advance(10)
    await house.advance(1)
    assert house.all(ErrorMessage)[0].component == "skill/tea"
    assert house.all(TtsSay)[-1].text == "Sorry, something went wrong."
    assert [message.termination.reason for message in house.all(SessionEnded)] == ["nominal"]
    assert house.hotword_on()


async def test_a_yes_out_of_the_blue_ends_within_the_grace(house):
    await house.wake()
    await house.say("yes")
    await house.advance(0.31)
    assert [message.termination.reason for message in house.all(SessionEnded)] == ["intentNotRecognized"]


async def test_a_timer_that_rings_in_a_session_waits_for_its_end(house):
    await house.wake()
    await house.say("remind me")
    await house.advance(59.8)
    await house.wake()
    await house.advance(0.3)
    assert house.all(TtsSay) == []
    await house.say("stop")
    await house.advance(1)
    assert [message.text for message in house.all(TtsSay)] == ["Your tea is cold."]
    assert len(house.all(SessionStarted)) == len(house.all(SessionEnded)) == 3
